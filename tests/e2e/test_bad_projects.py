"""Projects, disks and settings that cannot be used, as a person at the window meets them."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton

from app.domain.clips import Clip
from app.domain.edits import Edit
from app.domain.ids import new_id
from app.domain.label_edits import Answer, new_label
from app.domain.labels import Origin
from app.services.project_store import ProjectStore
from app.services.project_tables import HEAD_REVISION
from tests.e2e.person_at_window import check_sentence

RATE_HZ = 16_000


@pytest.fixture
def recordings(tmp_path):
    folder = tmp_path / "talks"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(3):
        samples = rng.uniform(-0.2, 0.2, RATE_HZ // 2 + number * RATE_HZ // 4)
        soundfile.write(folder / f"talk_{number}.wav", samples, RATE_HZ)
    return folder


def make_project(folder, recordings):
    """Make a project with the recordings and one label."""
    with ProjectStore.create(folder) as store:
        clips = tuple(Clip(clip_id=new_id(), path=str(p)) for p in sorted(recordings.iterdir()))
        store.apply(Edit(name="Add", added_clips=clips))
        answer = Answer(
            answer="sadness",
            annotator="Kim",
            created_at="2026-01-02T03:04:05.678Z",
            origin=Origin.HAND,
        )
        store.apply(Edit(name="Label", added_labels=(new_label(clips[0].clip_id, answer),)))
    return folder


def check_read_only(person, folder):
    """Look at a project that cannot be changed: everything is there, and why it cannot."""
    before = (folder / "project.sqlite").read_bytes()
    QTest.mouseClick(person.button("Open read-only"), Qt.MouseButton.LeftButton)
    person.wait(lambda: not person.studio.recordings.is_busy)
    person.wait(lambda: person.window.annotate.text == "")
    assert person.studio.project.store.is_read_only
    assert person.message == (
        f"{folder.stem} is open read-only: its labels can be seen and exported, not changed."
    )
    assert person.window.windowTitle().startswith(folder.stem)
    assert "read-only" in person.window.bottom.saved_text
    labels = person.labels
    assert [label.answer for label in labels] == ["sadness"]
    for key in (Qt.Key.Key_1, Qt.Key.Key_Delete, Qt.Key.Key_X, Qt.Key.Key_Return):
        person.key(key)
    person.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert person.labels == labels
    assert not person.window.actions_["undo"].isEnabled()
    assert "read-only" in person.window.actions_["remove_label"].toolTip()
    [button] = [b for b in person.window.findChildren(QAbstractButton) if "Anger" in b.text()]
    assert not button.isEnabled()
    assert "read-only" in button.toolTip()
    assert (folder / "project.sqlite").read_bytes() == before


def test_a_project_that_another_window_has_open(window, tmp_path, recordings):
    folder = make_project(tmp_path / "Busy.clser-project", recordings)
    code = (
        "import sys; from pathlib import Path\n"
        "from app.services.project_store import ProjectStore\n"
        "store = ProjectStore.open(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        other.stdout.readline()
        person = window(starts_engine=False)
        person.open(recordings)
        person.open(folder)

        check_sentence(person.message, "The project")
        assert "Busy.clser-project is open in another window" in person.message
        assert person.studio.project.store.name == "talks", "what was open stays"
        check_read_only(person, folder)
    finally:
        other.communicate(timeout=20)

    # closed there, it opens here
    person.open(folder)
    assert not person.studio.project.store.is_read_only
    person.key(Qt.Key.Key_1)
    assert {label.answer for label in person.labels} >= {"anger"}


def test_what_was_open_last_is_locked_at_the_start(window, tmp_path, recordings):
    folder = make_project(tmp_path / "Last.clser-project", recordings)
    first = window(starts_engine=False)
    first.open(folder)
    second = window(starts_engine=False)

    second.open()

    assert "Last.clser-project is open in another window" in second.message
    assert second.studio.project.store is None, "no other project comes in its place"
    assert second.button("Open read-only") is not None


def test_a_project_on_a_disk_that_cannot_be_written(window, tmp_path, recordings):
    with mounted(tmp_path / "disk", "size=8m") as disk:
        folder = make_project(disk / "Fixed.clser-project", recordings)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        person = window(starts_engine=False)

        person.open(folder)

        assert person.message == (
            f"The project Fixed.clser-project cannot be changed because its folder {folder} is not"
            " writable (Read-only file system); open it read-only, or copy it to another folder."
        )
        check_read_only(person, folder)
        person.studio.close()


def test_a_project_of_a_newer_version(window, tmp_path, recordings):
    folder = make_project(tmp_path / "Newer.clser-project", recordings)
    connection = sqlite3.connect(folder / "project.sqlite")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    before = (folder / "project.sqlite").read_bytes()
    person = window(starts_engine=False)
    person.open(recordings)

    person.open(folder)

    assert person.message == (
        "The project Newer.clser-project has format 9999, made by a newer version of CLSER Studio,"
        f" and this one reads up to {HEAD_REVISION}; update the program to open it."
    )
    assert person.button("Open read-only") is None
    assert person.studio.project.store.name == "talks"
    assert (folder / "project.sqlite").read_bytes() == before


def test_a_full_disk_under_everything(window, tmp_path, recordings, monkeypatch, capfd, caplog):
    """Project, settings, caches and logs all lie on a disk that fills up while a person labels."""
    with mounted(tmp_path / "disk", "size=6m") as disk:
        monkeypatch.setenv("CLSER_HOME", str(disk / "home"))
        folder = make_project(disk / "Full.clser-project", recordings)
        person = window()
        person.open(folder)
        person.wait(lambda: person.studio.engine.status.kind == "ready")
        person.key(Qt.Key.Key_1)
        saved = person.labels
        assert person.window.bottom.saved_text == "saved ✓"
        person.window.clip_list.step(-1)
        fill(disk)

        for _ in range(200):  # the last pages that the journal had reserved
            person.key(Qt.Key.Key_2)
            if person.window.bottom.saved_text != "saved ✓":
                break
            saved = person.labels
            person.key(Qt.Key.Key_Up)
            person.key(Qt.Key.Key_3)
            if person.window.bottom.saved_text != "saved ✓":
                break
            saved = person.labels
            person.key(Qt.Key.Key_Up)

        assert person.message == (
            f"The project Full.clser-project could not be saved because the disk of {folder} is"
            " full; free some space and do it again, nothing saved before is lost."
        )
        assert person.window.bottom.saved_text == "last answer not saved ✕"
        assert person.labels == saved
        # another recording is drawn, heard by the model and shown, and a setting holds
        person.studio.settings.change(speed=1.5)
        assert person.message.startswith("The settings could not be written to ")
        assert person.message.endswith("so free some space on its disk to keep them.")
        assert person.studio.settings.settings.speed == 1.5
        for clip_id in person.window.clip_list.shown_clip_ids():
            person.window.clip_list.choose(clip_id)
            person.wait(lambda clip_id=clip_id: person.studio.annotate.has_analysis(clip_id))
            person.wait(lambda: person.studio.source.source is not None)
            person.wait(lambda: person.studio.source.source.is_complete)
            assert person.window.annotate.text == ""

        (disk / "filler").unlink()
        person.key(Qt.Key.Key_4)
        assert person.window.bottom.saved_text == "saved ✓"
        assert len(person.labels) >= len(saved)
        kept = person.labels
        person.studio.close()
        with ProjectStore.open(folder) as store:
            assert store.labels() == kept
        said = capfd.readouterr().err
        assert "Traceback" not in said
        assert "Logging error" not in said
        assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == []


def test_damaged_settings(window, home, tmp_path, recordings):
    folder = make_project(tmp_path / "Talks.clser-project", recordings)
    file = home / "config" / "settings.json"
    file.parent.mkdir(parents=True)
    file.write_text("{ not JSON")
    person = window(starts_engine=False)

    person.open(folder)

    assert person.message.startswith(f"The settings in {file} cannot be read (")
    assert person.message.endswith(
        ", so the defaults are used and the file was kept as settings-damaged-1.json."
    )
    assert len(person.labels) == 1


@contextmanager
def mounted(folder, options):
    """Mount a small disk of its own; needs root."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = shutil.which("mount") and subprocess.run(command, capture_output=True, check=False)
    if not done or done.returncode != 0:
        pytest.skip("needs the right to mount a small disk (root)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk):
    """Leave not one byte free."""
    with open(disk / "filler", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
