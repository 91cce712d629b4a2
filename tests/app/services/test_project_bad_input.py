"""Tests of what a project does when its folder, disk or database is not as it should be."""

import os
import shutil
import sqlite3
import stat
import subprocess
from pathlib import Path

import pytest

from app.domain.clips import Clip
from app.domain.edits import Edit
from app.domain.ids import new_id
from app.domain.labels import Label, Origin
from app.errors import ProjectError, ProjectTooNewError
from app.services import project_files
from app.services.project_store import ProjectStore


def label_edit(clip, answer="anger"):
    label = Label(
        label_id=new_id(),
        clip_id=clip.clip_id,
        answer=answer,
        origin=Origin.HAND,
        annotator="Wanjiru",
        created_at="2026-01-02T03:04:05.678Z",
    )
    return Edit(name=f"Label as {answer}", added_labels=(label,))


def make_project(folder):
    clip = Clip(clip_id=new_id(), path="/recordings/k_0031.wav")
    with ProjectStore.create(folder) as store:
        store.apply(Edit(name="Add", added_clips=(clip,)))
        store.apply(label_edit(clip))
    return clip


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "a.clser-project"
    make_project(folder)
    return folder


def sentence_of(folder, **options):
    with pytest.raises(ProjectError) as raised:
        ProjectStore.open(folder, **options)
    text = str(raised.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


@pytest.mark.parametrize("read_only", [False, True])
def test_missing_folder(tmp_path, read_only):
    assert sentence_of(tmp_path / "gone.clser-project", read_only=read_only) == (
        f"The project {tmp_path}/gone.clser-project does not exist; open it from where it is now,"
        " or make a new one."
    )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("read_only", [False, True])
def test_no_project(tmp_path, read_only):
    assert sentence_of(tmp_path, read_only=read_only) == (
        f"{tmp_path} is not a project because it has no project.sqlite; open a folder whose name"
        " ends in .clser-project, or make a new project."
    )
    assert os.listdir(tmp_path) == []


def test_another_programs_database(folder):
    (folder / "project.sqlite").unlink()
    connection = sqlite3.connect(folder / "project.sqlite")
    connection.execute("CREATE TABLE notes (text)")
    connection.close()

    assert sentence_of(folder) == (
        f"{folder} is not a project because its project.sqlite is another program's; open a folder"
        " whose name ends in .clser-project."
    )


@pytest.mark.parametrize("read_only", [False, True])
def test_newer_version(folder, read_only):
    connection = sqlite3.connect(folder / "project.sqlite")
    connection.execute("UPDATE alembic_version SET version_num = '0099'")
    connection.commit()
    connection.close()
    before = (folder / "project.sqlite").read_bytes()

    with pytest.raises(ProjectTooNewError) as raised:
        ProjectStore.open(folder, read_only=read_only)

    assert str(raised.value) == (
        "The project a.clser-project has format 0099, made by a newer version of CLSER Studio, and"
        f" this one reads up to {project_files.tables.HEAD_REVISION}; update the program to open"
        " it."
    )
    assert (folder / "project.sqlite").read_bytes() == before


@pytest.mark.parametrize("read_only", [False, True])
def test_damaged_header(folder, read_only):
    (folder / "project.sqlite").write_bytes(b"nonsense" * 1000)

    assert sentence_of(folder, read_only=read_only) == (
        "The project a.clser-project could not be opened because project.sqlite in"
        f" {folder} is damaged (file is not a database); put a copy of it from your own backups in"
        " its place."
    )


@pytest.mark.parametrize("read_only", [False, True])
def test_truncated_database_names_the_newest_backup(folder, read_only):
    with ProjectStore.open(folder) as store:
        backup = store.back_up("before-import")
    content = (folder / "project.sqlite").read_bytes()
    (folder / "project.sqlite").write_bytes(content[: len(content) // 2])

    text = sentence_of(folder, read_only=read_only)

    assert "is damaged (database disk image is malformed)" in text
    assert text.endswith(f"; put a copy of {backup} in its place.")


def test_values_that_make_no_sense(folder):
    connection = sqlite3.connect(folder / "project.sqlite")
    connection.execute("UPDATE labels SET origin = 'oracle'")
    connection.commit()
    connection.close()

    assert "is damaged (unexpected contents: 'oracle')" in sentence_of(folder)


def test_damaged_log_leaves_the_labels_alone(folder):
    connection = sqlite3.connect(folder / "project.sqlite")
    connection.execute("UPDATE edits SET rows = 'x'")
    connection.commit()
    connection.close()

    with ProjectStore.open(folder) as store:
        labels = store.labels()
        with pytest.raises(ProjectError) as raised:
            store.undo()
        assert str(raised.value).startswith(
            "The last step cannot be undone because the log of the project a.clser-project is"
            " damaged ("
        )
        assert str(raised.value).endswith("); its labels are not touched.")
        assert store.labels() == labels
        assert store.undo_name == "Label as anger"


def test_create_refuses_what_is_there_already(tmp_path, folder):
    before = (folder / "project.sqlite").read_bytes()
    (tmp_path / "file").write_text("mine")

    for path in (folder, tmp_path / "file"):
        with pytest.raises(ProjectError) as raised:
            ProjectStore.create(path)
        assert str(raised.value) == (
            f"{path} cannot become a project because it exists already; choose another name, or"
            " open it if it is a project."
        )
    assert (folder / "project.sqlite").read_bytes() == before
    assert (tmp_path / "file").read_text() == "mine"


def test_create_takes_over_what_a_crash_left_of_an_earlier_try(tmp_path):
    folder = tmp_path / "a.clser-project"
    folder.mkdir()
    (folder / "project.sqlite.part").write_bytes(b"half a database")

    ProjectStore.create(folder).close()

    assert sorted(os.listdir(folder)) == ["project.lock", "project.sqlite"]


def test_create_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ProjectError) as raised:
        ProjectStore.create(tmp_path / "file" / "a.clser-project")

    assert str(raised.value) == (
        f"The project {tmp_path}/file/a.clser-project could not be made (Not a directory); choose a"
        " folder that you may write to."
    )


@pytest.mark.parametrize("what", ["moved", "deleted", "replaced"])
def test_a_folder_that_vanishes_while_it_is_open_takes_no_label_with_it(tmp_path, what):
    folder = tmp_path / "a.clser-project"
    clip = make_project(folder)
    store = ProjectStore.open(folder)
    labels = store.labels()
    if what == "moved":
        folder.rename(tmp_path / "b.clser-project")
    elif what == "deleted":
        shutil.rmtree(folder)
    else:
        content = (folder / "project.sqlite").read_bytes()
        (folder / "project.sqlite").rename(tmp_path / "old.sqlite")
        (folder / "project.sqlite").write_bytes(content)

    for change in (lambda: store.apply(label_edit(clip, "sadness")), store.undo):
        with pytest.raises(ProjectError) as raised:
            change()
        assert str(raised.value).endswith(
            f"because its folder {folder} was moved, deleted or disconnected; put it back and do it"
            " again."
        )
        assert store.labels() == labels
    if what == "moved":
        (tmp_path / "b.clser-project").rename(folder)
        store.apply(label_edit(clip, "sadness"))
        assert len(store.labels()) == 2
    store.close()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 512 KiB."""
    with _mounted(tmp_path / "disk", "size=512k") as folder:
        yield folder


class _mounted:  # noqa: N801
    def __init__(self, folder, options):
        self.folder, self.options = folder, options

    def __enter__(self):
        self.folder.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", self.options, "tmpfs", str(self.folder)]
        mounted = shutil.which("mount") and subprocess.run(command, capture_output=True)
        if not mounted or mounted.returncode != 0:
            pytest.skip("needs the right to mount a small disk (root)")
        return self.folder

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", str(self.folder)], check=True)


def fill(store, clip):
    """Label until the disk is full; return the labels just before and the error."""
    for number in range(10_000):
        before = store.labels()
        try:
            store.apply(label_edit(clip, f"emotion {number}" * 20))
        except ProjectError as error:
            return before, error
    raise AssertionError("the disk never was full")


def test_full_disk_saves_nothing_and_loses_nothing(small_disk):
    folder = small_disk / "a.clser-project"
    clip = make_project(folder)
    store = ProjectStore.open(folder)

    before, error = fill(store, clip)

    assert str(error) == (
        f"The project a.clser-project could not be saved because the disk of {folder} is full; free"
        " some space and do it again, nothing saved before is lost."
    )
    assert store.labels() == before, "what was not saved is not shown as saved"
    undo_name = store.undo_name
    store.close()
    with ProjectStore.open(folder, read_only=True) as again:
        assert again.labels() == before
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    with ProjectStore.open(folder) as again:
        assert again.labels() == before
        assert again.undo_name == undo_name
        again.apply(label_edit(clip, "sadness"))


def test_full_disk_while_a_project_is_made_or_backed_up(small_disk, tmp_path):
    (small_disk / "filler").write_bytes(b"x" * (512 - 16) * 1024)

    with pytest.raises(ProjectError, match=r"could not be made because the disk of .* is full"):
        ProjectStore.create(small_disk / "a.clser-project")

    (small_disk / "filler").unlink()
    folder = small_disk / "b.clser-project"
    clip = make_project(folder)
    with ProjectStore.open(folder) as store:
        free = shutil.disk_usage(small_disk).free
        (small_disk / "filler").write_bytes(b"x" * (free - 8192))
        with pytest.raises(ProjectError) as raised:
            store.back_up("before-import")
        assert str(raised.value).startswith(f"The backup {folder}/backups/")
        assert "so the project was left as it is; free some space" in str(raised.value)
        assert os.listdir(folder / "backups") == []
        assert store.clips() == (clip,)


@pytest.fixture
def read_only_folder(tmp_path):
    """A project on a disk that cannot be written, as a crash left it: its last label in the log."""
    with _mounted(tmp_path / "disk", "size=4m") as disk:
        folder = disk / "a.clser-project"
        clip = make_project(folder)
        store = ProjectStore.open(folder)
        store.apply(label_edit(clip, "sadness"))
        copy = disk / "crashed.clser-project"
        copy.mkdir()
        for name in ("project.sqlite", "project.sqlite-wal"):
            shutil.copy(folder / name, copy / name)
        store.close()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        yield disk


@pytest.mark.parametrize("name", ["a", "crashed"])
def test_a_read_only_folder_is_said_and_can_be_looked_at(read_only_folder, name):
    folder = read_only_folder / f"{name}.clser-project"

    assert sentence_of(folder) == (
        f"The project {name}.clser-project cannot be changed because its folder {folder} is not"
        " writable (Read-only file system); open it read-only, or copy it to another folder."
    )
    with ProjectStore.open(folder, read_only=True) as store:
        assert [label.answer for label in store.labels()] == ["anger", "sadness"]


def test_looking_at_a_project_writes_nothing(folder):
    before = {path: path.stat().st_mtime_ns for path in [folder, *folder.iterdir()]}

    with ProjectStore.open(folder, read_only=True) as store:
        for change in (
            lambda: store.undo(),
            lambda: store.redo(),
            lambda: store.back_up("x"),
            lambda: store.apply(label_edit(store.clips()[0])),
        ):
            with pytest.raises(ProjectError) as raised:
                change()
            assert str(raised.value).endswith(
                "because it is open read-only; close it where else it is open, and open it"
                " normally."
            )
        assert (store.undo_name, store.redo_name) == (None, None)
        store.store_view_state("clip", "x")
        assert store.view_state["clip"] == "x"

    assert {path: path.stat().st_mtime_ns for path in [folder, *folder.iterdir()]} == before


def test_looking_at_a_project_while_a_window_writes_it(folder):
    with ProjectStore.open(folder) as writer:
        writer.apply(label_edit(writer.clips()[0], "sadness"))
        before = sorted(os.listdir(folder))

        with ProjectStore.open(folder, read_only=True) as store:
            assert [label.answer for label in store.labels()] == ["anger", "sadness"]

        assert sorted(os.listdir(folder)) == before
        writer.undo()


def test_another_program_that_keeps_the_database_locked(folder, monkeypatch):
    monkeypatch.setattr("app.services.project_database.BUSY_TIMEOUT_MS", 50)
    with ProjectStore.open(folder) as store:
        other = sqlite3.connect(folder / "project.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(ProjectError) as raised:
            store.apply(label_edit(store.clips()[0]))

        assert str(raised.value) == (
            "The project a.clser-project could not be saved because another program keeps"
            f" project.sqlite in {folder} locked; close that program and try again."
        )
        other.execute("ROLLBACK")
        other.close()
        store.apply(label_edit(store.clips()[0]))


def test_the_database_itself_may_be_named(folder):
    ProjectStore.open(folder / "project.sqlite").close()


def test_folder_names_of_any_kind(tmp_path):
    folder = tmp_path / "50 % of?#the märket 市場.clser-project"
    make_project(folder)

    with ProjectStore.open(folder) as store:
        assert len(store.labels()) == 1
    assert Path(folder / "project.sqlite").stat().st_mode & stat.S_IRUSR
