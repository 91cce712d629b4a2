"""Tests of the clip and probe controllers: ten thousand files, broken ones, moved ones."""

import gc
import os
import shutil
import time

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QTimer

from app.controllers.clip_controller import ADD_BATCH, ClipController
from app.controllers.project_controller import ProjectController
from app.domain.clips import Clip
from app.domain.edits import Edit
from app.domain.ids import new_id
from app.domain.labels import Origin
from app.jobs.runner import JobRunner

TIMEOUT_MS = 60_000


@pytest.fixture
def runner(qapp):
    runner = JobRunner()
    yield runner
    assert runner.shutdown() == []


@pytest.fixture
def project(qapp, tmp_path):
    project = ProjectController()
    project.create(tmp_path / "a.clser-project")
    yield project
    project.close()


@pytest.fixture
def clips(project, runner):
    return ClipController(project, runner)


@pytest.fixture
def recordings(tmp_path):
    """A folder with a manifest, a folder in it, a link back, and files that are no recordings."""
    folder = tmp_path / "recordings"
    (folder / "deep" / "er").mkdir(parents=True)
    for number, name in enumerate(("k 10.wav", "k 2.wav", "deep/er/k 1.WAV")):
        samples = np.random.default_rng(number).uniform(-0.1, 0.1, 1600).astype(np.float32)
        soundfile.write(folder / name, samples, 16000, format="WAV")
    (folder / "broken.wav").write_bytes(b"RIFF")
    (folder / "notes.txt").write_text("notes")
    (folder / ".hidden.wav").write_bytes(b"x")
    (folder / "deep" / "back").symlink_to(folder)
    (folder / "manifest.csv").write_text(
        "path,corpus,language,speaker,transcript,emotion\n"
        "k 10.wav,talk,ki,03,marina,anger\n"
        "deep/er/k 1.WAV,,sw,B,,other\n"
    )
    return folder


def names(project):
    return [os.path.basename(clip.path) for clip in project.store.clips()]


def wait_until_read(qtbot, clips):
    qtbot.waitUntil(lambda: not clips.is_busy, timeout=TIMEOUT_MS)


def test_a_folder_is_added_with_what_its_manifest_says(qtbot, project, clips, recordings):
    finished = []
    clips.finished.connect(finished.append)

    clips.add([recordings])
    wait_until_read(qtbot, clips)

    assert names(project) == ["broken.wav", "k 1.WAV", "k 2.wav", "k 10.wav"]
    broken, first, second, tenth = project.store.clips()
    assert (tenth.language, tenth.speaker, tenth.transcript) == ("ki", "talk/03", "marina")
    assert (first.language, first.speaker, first.transcript) == ("sw", "B", "")
    assert second.duration_s == 0.1
    assert (second.sample_rate_hz, second.channels, len(second.sha256)) == (16000, 1, 64)
    assert broken.problem.endswith(".")
    assert str(recordings / "broken.wav") in broken.problem
    assert project.store.labels() == (), "the manifest's emotions are no labels"
    assert finished == ["Added 4 recordings.", ""]
    assert project.store.undo_name == "Add 4 recordings"


def test_the_manifests_emotions_become_labels_only_when_asked(qtbot, project, clips, recordings):
    finished = []
    clips.finished.connect(finished.append)

    clips.add([recordings], with_emotions=True)
    wait_until_read(qtbot, clips)

    [label] = project.store.labels()
    assert (label.answer, label.origin, label.annotator) == ("anger", Origin.IMPORTED, "manifest")
    assert finished[0] == "Added 4 recordings. 1 emotion not among those of the project."


def test_a_path_is_added_once_and_one_undo_takes_all_out(qtbot, project, clips, recordings):
    clips.add([recordings / "k 2.wav"])
    wait_until_read(qtbot, clips)
    finished = []
    clips.finished.connect(finished.append)

    clips.add([recordings, recordings / "k 10.wav", recordings / "gone.wav"])
    wait_until_read(qtbot, clips)

    assert len(project.store.clips()) == 4
    assert finished[0] == (
        f"Added 3 recordings. {recordings}/gone.wav does not exist; choose a file or folder that"
        " does. 1 recording already in the project."
    )
    project.undo()
    assert names(project) == ["k 2.wav"]
    project.redo()
    wait_until_read(qtbot, clips)
    assert len(project.store.clips()) == 4
    assert project.store.clips()[0].duration_s is not None


def test_a_name_that_is_no_text_is_said(qtbot, project, clips, recordings):
    shutil.copy(recordings / "k 2.wav", os.fsencode(recordings) + b"/caf\xe9.wav")
    finished = []
    clips.finished.connect(finished.append)

    clips.add([recordings])
    wait_until_read(qtbot, clips)

    assert len(project.store.clips()) == 4
    assert finished[0].endswith(
        f"{recordings}/caf\\udce9.wav has a name that is no valid text; rename it and add it."
    )


def test_ten_thousand_files_with_broken_ones_never_hold_the_window_up(
    qtbot, project, clips, tmp_path
):
    folder = tmp_path / "many"
    folder.mkdir()
    soundfile.write(tmp_path / "one.wav", np.zeros(160, np.float32), 16000)
    for number in range(10_000):
        if number % 200 == 0:
            (folder / f"{number}.wav").write_bytes(b"broken")
        else:
            os.link(tmp_path / "one.wav", folder / f"{number}.wav")
    gc.collect()
    gc.freeze()  # what the tests before left behind is not the window's to search for garbage
    longest_s, last_s = 0.0, time.thread_time()

    def tick():
        nonlocal longest_s, last_s
        now_s = time.thread_time()  # the machine's other work is not the window's
        longest_s, last_s = max(longest_s, now_s - last_s), now_s

    timer = QTimer(interval=0)
    timer.timeout.connect(tick)
    timer.start()
    progress = []
    clips.progressed.connect(lambda words, done, total: progress.append((words, done, total)))

    clips.add([folder])
    qtbot.waitUntil(lambda: ("Adding recordings", 10_000, 10_000) in progress, timeout=TIMEOUT_MS)
    qtbot.waitUntil(lambda: progress[-1][0] == "Reading recordings", timeout=TIMEOUT_MS)

    assert len(project.store.clips()) == 10_000
    assert names(project)[:3] == ["0.wav", "1.wav", "2.wav"]
    assert project.store.clips()[0].problem
    assert project.store.clips()[1].duration_s == 0.01
    clips.cancel()
    timer.stop()
    gc.unfreeze()
    assert not clips.is_busy
    assert longest_s < 0.5  # reading the folder at a stretch would take seconds
    project.undo()
    assert project.store.clips() == ()


def test_adding_can_be_stopped_and_what_came_is_one_step(qtbot, project, clips, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(3 * ADD_BATCH):
        (folder / f"{number}.wav").write_bytes(b"x")
    finished = []
    clips.finished.connect(finished.append)
    clips.progressed.connect(
        lambda words, done, total: clips.cancel() if done == 2 * ADD_BATCH else None
    )

    clips.add([folder])
    qtbot.waitUntil(lambda: bool(finished), timeout=TIMEOUT_MS)

    assert finished[0] == f"Added {2 * ADD_BATCH} recordings. Stopped."
    assert len(project.store.clips()) == 2 * ADD_BATCH
    project.undo()
    assert project.store.clips() == ()
    assert project.store.undo_name is None


def test_only_one_thing_is_added_at_a_time_and_only_into_a_project(
    qtbot, project, clips, recordings
):
    failed = []
    clips.failed.connect(failed.append)
    clips.add([recordings])
    clips.add([recordings])
    clips.cancel()
    project.close()
    clips.add([recordings])
    clips.locate(recordings)

    assert failed == [
        "Recordings are being added already; wait for the end or cancel that.",
        "No project is open; open one or make a new one first.",
        "No project is open; open one or make a new one first.",
    ]


def test_a_project_that_is_only_looked_at_takes_nothing(qtbot, project, clips, recordings):
    project.open(project.store.folder, read_only=True)
    failed = []
    clips.failed.connect(failed.append)

    clips.add([recordings])

    assert failed == ["a is open read-only; open it normally to change it."]


def test_moved_recordings_are_missed_and_found_by_their_content(
    qtbot, project, clips, recordings, tmp_path
):
    clips.add([recordings])
    wait_until_read(qtbot, clips)
    folder = project.store.folder
    moved = tmp_path / "elsewhere"
    recordings.rename(moved)
    (moved / "k 2.wav").rename(moved / "another name.flac")
    missing, finished = [], []
    clips.missing_found.connect(missing.append)
    project.close()
    project.open(folder)
    wait_until_read(qtbot, clips)

    assert missing == [4]
    clip = project.store.clips()[2]
    assert clip.problem == (
        f"{clip.path} is not there any more; put it back, or show the folder it was moved to with"
        " File, Locate missing files."
    )
    assert clip.duration_s == 0.1, "what was known stays known"

    clips.finished.connect(finished.append)
    clips.locate(tmp_path)
    wait_until_read(qtbot, clips)
    assert finished[0] == f"Found 4 recordings of 4 that are missing in {tmp_path}."
    assert project.store.clips()[2].path == str(moved / "another name.flac")
    assert project.store.clips()[2].problem == ""
    assert project.store.undo_name == "Locate 4 recordings"
    clips.locate(tmp_path)
    assert finished[-1] == "No recording of this project is missing."
    project.undo()
    assert project.store.clips()[2].path == str(recordings / "k 2.wav")


def test_a_file_that_comes_back_or_changes_is_read_again(qtbot, project, clips, recordings):
    clips.add([recordings / "broken.wav"])
    wait_until_read(qtbot, clips)
    folder = project.store.folder
    assert project.store.clips()[0].problem

    shutil.copy(recordings / "k 2.wav", recordings / "broken.wav")
    project.close()
    project.open(folder)
    wait_until_read(qtbot, clips)

    assert project.store.clips()[0].problem == ""
    assert project.store.clips()[0].duration_s == 0.1


def test_an_unchanged_project_reads_nothing_again(qtbot, project, clips, recordings):
    clips.add([recordings])
    wait_until_read(qtbot, clips)
    folder = project.store.folder
    project.close()
    changes = []
    project.changed.connect(changes.append)

    project.open(folder)
    wait_until_read(qtbot, clips)

    assert changes == []


def test_describing_and_removing_clips_are_single_steps(qtbot, project, clips):
    three = tuple(Clip(clip_id=new_id(), path=f"/r/k_{n}.wav") for n in range(3))
    project.apply(Edit(name="Add", added_clips=three))
    ids = [clip.clip_id for clip in three]

    assert clips.describe(ids[:2], language=" ki ", speaker="s1")
    assert project.store.undo_name == "Set language and speaker of 2 recordings"
    assert [clip.language for clip in project.store.clips()] == ["ki", "ki", ""]
    assert clips.describe(ids[:1], transcript="marina")
    assert project.store.clip(ids[0]).speaker == "s1", "None leaves a field alone"
    assert clips.describe(ids[:1], transcript="marina"), "no change is no failure"
    assert project.store.undo_name == "Set transcript of k_0"

    assert clips.remove([ids[2]])
    assert project.store.undo_name == "Remove k_2"
    assert not clips.remove(["gone"])
    project.undo()
    assert len(project.store.clips()) == 3
    wait_until_read(qtbot, clips)


def test_what_nobody_foresaw_is_told_and_ends_the_work(
    qtbot, project, clips, recordings, monkeypatch, caplog
):
    def fail(*_):
        raise RuntimeError("a bug")

    failed = []
    clips.failed.connect(failed.append)
    monkeypatch.setattr("app.controllers.clip_controller.find_audio", fail)
    clips.add([recordings])
    qtbot.waitUntil(lambda: len(failed) == 1, timeout=TIMEOUT_MS)
    monkeypatch.undo()
    monkeypatch.setattr("app.controllers.probe_controller.probe_files", fail)
    clips.add([recordings])
    qtbot.waitUntil(lambda: len(failed) == 2, timeout=TIMEOUT_MS)

    wait_until_read(qtbot, clips)
    assert all(text.startswith("Something unforeseen went wrong (Runtime") for text in failed)
    assert len(project.store.clips()) == 4
    caplog.clear()


def test_a_folder_that_vanishes_stops_adding_with_one_sentence(qtbot, project, clips, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(3 * ADD_BATCH):
        (folder / f"{number}.wav").write_bytes(b"x")
    failed, finished = [], []
    project.failed.connect(failed.append)
    clips.finished.connect(finished.append)
    place = project.store.folder
    clips.progressed.connect(
        lambda words, done, total: done == ADD_BATCH and place.rename(tmp_path / "moved")
    )

    clips.add([folder])
    qtbot.waitUntil(lambda: bool(finished), timeout=TIMEOUT_MS)
    wait_until_read(qtbot, clips)

    assert finished[0] == f"Added {ADD_BATCH} recordings."
    assert 1 <= len(failed) <= 2, "one for the adding, one for the reading"
    assert len(project.store.clips()) == ADD_BATCH
