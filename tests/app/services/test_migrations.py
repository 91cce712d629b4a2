"""Tests of app.services.migrations: old projects open, after a backup, as if made today."""

import importlib
import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import insert

from app.domain.clips import Guess
from app.domain.edits import Edit
from app.domain.labels import Label, Origin
from app.errors import ProjectError
from app.services import migrations
from app.services.edit_codec import decode_edit, encode_edit
from app.services.project_database import connect, disconnect
from app.services.project_store import ProjectStore
from app.services.project_tables import HEAD_REVISION, alembic_version

PROJECTS = Path(__file__).resolve().parents[2] / "data" / "projects"


@pytest.fixture
def old(tmp_path):
    folder = tmp_path / "old.clser-project"
    shutil.copytree(PROJECTS / "format-0001.clser-project", folder)
    return folder


def schema(database):
    connection = sqlite3.connect(database)
    try:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            name: connection.execute(f"SELECT * FROM pragma_table_info('{name}')").fetchall()
            for (name,) in tables.fetchall()
        }
    finally:
        connection.close()


def test_there_is_an_old_project_of_every_format_before_this_one():
    known = {f"format-{number:04}.clser-project" for number in range(1, int(HEAD_REVISION))}

    assert {path.name for path in PROJECTS.iterdir()} == known
    assert len(migrations.STEPS) == int(HEAD_REVISION)


def test_an_old_project_opens_with_everything_in_it(old):
    with ProjectStore.open(old) as store:
        assert store.name == "Market talk"
        assert [clip.speaker for clip in store.clips()] == ["s0", "s1", "s0"]
        assert store.clips()[0].duration_s == 3.5
        first, second = store.labels()
        assert (first.answer, first.annotator) == ("anger", "Wanjiru")
        assert (second.origin, second.suggestion_confidence) == (Origin.ACCEPTED, 0.1 + 0.2)
        assert (store.undo_name, store.redo_name) == (
            "Label k_0001 as unsure",
            "Label k_0001 as neutral",
        )
        assert store.guesses()["clip2"] == Guess(
            clip_id="clip2",
            emotion="sadness",
            confidence=0.75,
            model="default@0123",
            statistics="none",
        )
        assert store.view_state == {"clip": "clip1"}
        store.redo()
        assert store.labels()[2].end_s == 1 / 3
        for _ in range(4):
            store.undo()
        assert store.clips() == ()


def test_a_project_of_the_format_before_this_one_opens_with_everything_in_it(tmp_path):
    folder = tmp_path / "before.clser-project"
    shutil.copytree(PROJECTS / "format-0002.clser-project", folder)

    with ProjectStore.open(folder) as store:
        assert [label.answer for label in store.labels()] == ["anger", "unsure"]
        assert [clip.notice for clip in store.clips()] == ["", "", ""]
        assert store.clips()[0].duration_s == 3.5
        assert store.undo_name == "Label k_0001 as unsure"


def test_a_guess_of_before_models_could_say_that_they_do_not_know_still_suggests(tmp_path):
    folder = tmp_path / "before.clser-project"
    shutil.copytree(PROJECTS / "format-0003.clser-project", folder)

    with ProjectStore.open(folder) as store:
        [guess] = store.guesses().values()
        assert guess.is_known is True
        assert guess.suggestion == "sadness"
        assert store.clips()[0].notice == "It ends early."


def test_a_backup_of_the_old_format_is_kept(old):
    before = schema(old / "project.sqlite")

    ProjectStore.open(old).close()

    assert schema(old / "backups" / "format-0001.sqlite") == before


def test_a_migrated_project_has_the_schema_of_a_new_one(old, tmp_path):
    ProjectStore.create(tmp_path / "new.clser-project").close()
    ProjectStore.open(old).close()

    assert schema(old / "project.sqlite") == schema(tmp_path / "new.clser-project/project.sqlite")


def test_an_old_project_must_be_brought_up_to_date_before_it_can_only_be_looked_at(old):
    with pytest.raises(ProjectError) as raised:
        ProjectStore.open(old, read_only=True)

    assert str(raised.value) == (
        "The project old.clser-project was made by an older version and must be opened for writing"
        " once, to be brought up to date; open it normally first."
    )


def test_without_a_backup_nothing_is_migrated(old):
    (old / "backups").write_text("in the way")
    before = schema(old / "project.sqlite")

    with pytest.raises(ProjectError, match=r"The backup .* cannot be written .* left as it is"):
        ProjectStore.open(old)

    assert schema(old / "project.sqlite") == before
    (old / "backups").unlink()
    ProjectStore.open(old).close()


def test_a_step_that_fails_half_way_changes_nothing(old, monkeypatch):
    before = schema(old / "project.sqlite")
    step = importlib.import_module(f"app.services.migrations.{migrations.STEPS[1]}")
    upgrade = step.upgrade

    def fail():
        upgrade()
        step.op.execute("SELECT * FROM no_such_table")

    monkeypatch.setattr(step, "upgrade", fail)
    with pytest.raises(ProjectError, match="could not be opened because its disk gave an error"):
        ProjectStore.open(old)
    assert schema(old / "project.sqlite") == before

    monkeypatch.undo()
    ProjectStore.open(old).close()


def test_alembic_is_only_imported_for_a_migration(tmp_path):
    code = (
        "import sys; from pathlib import Path; from app.services.project_store import ProjectStore;"
        " folder = Path(sys.argv[1]); ProjectStore.create(folder).close();"
        " ProjectStore.open(folder).close(); print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.clser-project")]

    assert subprocess.run(command, capture_output=True, text=True).stdout == "False\n"


def test_all_steps_from_nothing_give_the_schema_of_a_new_project(tmp_path):
    new = tmp_path / "new.clser-project"
    ProjectStore.create(new).close()
    old = tmp_path / "old.clser-project"
    old.mkdir()
    connection = connect(old / "project.sqlite", options="mode=rwc")
    with connection.begin():
        alembic_version.create(connection)
        connection.execute(insert(alembic_version), {"version_num": "0000"})

    migrations.migrate(connection, old, "0000")
    disconnect(connection)

    assert schema(old / "project.sqlite") == schema(new / "project.sqlite")


def test_a_log_of_before_a_column_existed_is_read_with_its_default():
    edit = Edit(
        name="X",
        added_labels=(
            Label(
                label_id="l",
                clip_id="c",
                answer="anger",
                origin=Origin.HAND,
                annotator="me",
                created_at="",
            ),
        ),
    )
    rows = json.loads(encode_edit(edit))
    rows["labels"]["columns"] = rows["labels"]["columns"][:-1]
    rows["labels"]["added"] = [row[:-1] for row in rows["labels"]["added"]]

    assert decode_edit("X", json.dumps(rows).encode()) == edit
