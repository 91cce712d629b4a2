"""Tests of app.controllers.import_export_controller: what goes out comes back, nothing is lost."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QTimer

from app.controllers.import_export_controller import ImportExportController
from app.controllers.label_controller import LabelController
from app.controllers.project_controller import ProjectController
from app.domain.clip_edits import describe_edit
from app.domain.clips import Clip, Guess
from app.domain.edits import Edit
from app.domain.ids import new_id
from app.domain.time_span import TimeSpan
from app.jobs.runner import JobRunner
from app.services.project_store import ProjectStore
from clser_engine.formats.labels_csv import read_labels
from clser_engine.types import Analysis, ModelId, Posteriors, UtterancePosterior

TIMEOUT_MS = 20_000


@pytest.fixture
def runner(qapp):
    runner = JobRunner()
    yield runner
    assert runner.shutdown() == []


@pytest.fixture
def project(qapp, tmp_path):
    project = ProjectController()
    project.create(tmp_path / "a.clser-project")
    paths = ("/talks/one/k_1.wav", "/talks/two/k_1.wav", "/talks/two/k_2.wav")
    project.apply(
        Edit(
            name="Add",
            added_clips=tuple(
                Clip(clip_id=new_id(), path=path, duration_s=3.0, speaker="s") for path in paths
            ),
        )
    )
    yield project
    project.close()


@pytest.fixture
def labels(project):
    return LabelController(project, lambda: "Wanjiru")


@pytest.fixture
def exchange(project, runner):
    return ImportExportController(project, runner)


@pytest.fixture
def run(qtbot, exchange):
    """Start something and return the sentence at its end."""

    def run(start, *args, **options):
        said = []
        exchange.finished.connect(said.append)
        exchange.failed.connect(said.append)
        start(*args, **options)
        qtbot.waitUntil(lambda: bool(said), timeout=TIMEOUT_MS)
        exchange.finished.disconnect(said.append)
        exchange.failed.disconnect(said.append)
        return said[0]

    return run


@pytest.fixture
def labelled(project, labels):
    first, _second, third = project.store.clips()
    guess = Guess(
        clip_id="", emotion="anger", confidence=1 / 3, model="default@01", statistics="none"
    )
    labels.answer(first.clip_id, "anger", None, guess, True)
    labels.answer(first.clip_id, "unsure", TimeSpan(0.1, 1 / 3))
    labels.accept(third.clip_id, guess)
    return project.store.labels()


@pytest.mark.parametrize("name", ["labels.csv", "labels.json"])
def test_what_goes_out_comes_back_with_all_that_is_known(
    project, exchange, run, labelled, tmp_path, name
):
    path = tmp_path / name
    assert run(exchange.export_labels, path) == f"Exported 3 labels to {path}."
    assert run(exchange.import_labels, path) == "Imported 0 labels, 3 were there already."
    for _ in labelled:
        project.undo()
    assert project.store.labels() == ()

    assert run(exchange.import_labels, path) == "Imported 3 labels."

    def known(label):
        return {name: getattr(label, name) for name in label.__slots__ if name != "label_id"}

    back = sorted(project.store.labels(), key=lambda label: label.created_at)
    assert [known(label) for label in back] == [known(label) for label in labelled]
    assert project.store.undo_name == f"Import 3 labels from {name}"
    project.undo()
    assert project.store.labels() == ()
    [backup] = (project.store.folder / "backups").glob("*before-import.sqlite")
    assert backup.stat().st_size > 0


def test_a_file_of_labels_tells_speakers_that_the_project_does_not_know(
    project, run, exchange, labelled, tmp_path
):
    path = tmp_path / "labels.csv"

    def describe(position, **fields):
        project.apply(describe_edit([project.store.clips()[position]], **fields))

    describe(0, speaker="ann", language="de")
    describe(2, speaker="ben")
    run(exchange.export_labels, path)
    describe(0, speaker="zoe", language="")
    describe(1, speaker="")
    describe(2, speaker="")

    assert run(exchange.import_labels, path) == (
        "Imported 0 labels, 3 were there already, 2 recordings with speaker or language now known."
    )

    found = [(clip.speaker, clip.language) for clip in project.store.clips()]
    assert found == [("zoe", "de"), ("", ""), ("ben", "")]
    assert project.store.undo_name == "Import speakers from labels.csv"
    project.undo()
    assert [clip.speaker for clip in project.store.clips()] == ["zoe", "", ""]
    assert project.store.labels() == labelled


def test_textgrids_go_into_a_folder_and_come_back(project, exchange, run, labelled, tmp_path):
    target = tmp_path / "labels"

    assert run(exchange.export_labels, tmp_path / "labels.TextGrid") == (
        f"Exported 3 labels to the folder {target}, one file for each recording."
    )
    assert sorted(os.listdir(target)) == ["k_1.TextGrid", "k_2.TextGrid"]

    sentence = run(exchange.import_labels, target)

    assert sentence.startswith(
        "Imported 1 label. 2 rows not imported, because no single recording of this project is"
        " meant (k_1). These rows are kept in "
    ), "two recordings are named k_1"
    kept = Path(sentence.split(" kept in ")[1].rstrip("."))
    assert [row.answer for row in read_labels(kept)] == ["unsure", "anger"]


def test_nothing_is_replaced_without_being_told(project, exchange, run, labelled, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("mine")

    assert "exists" in run(exchange.export_labels, path)
    assert path.read_text() == "mine"

    assert run(exchange.export_labels, path, overwrite=True) == f"Exported 3 labels to {path}."


def test_rows_find_their_clips_by_path_end_or_name(project, exchange, run, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(
        "path,answer,start_s,end_s\n"
        "/talks/one/k_1.wav,anger,,\n"
        "two/k_1.wav,sadness,,\n"
        "./k_2.wav,neutral,,\n"
        "..\\two\\k_2.wav,happiness,0.5,1.5\n"
        "k_1.wav,anger,,\n"
        "gone.wav,anger,,\n"
        "k_2.wav,anger,2.5,4.0\n"
    )
    plans = []
    exchange.imported.connect(plans.append)

    sentence = run(exchange.import_labels, path)

    answers = {label.clip_id: label.answer for label in project.store.labels()}
    by_path = {clip.path: answers.get(clip.clip_id) for clip in project.store.clips()}
    assert by_path["/talks/one/k_1.wav"] == "anger"
    assert by_path["/talks/two/k_1.wav"] == "sadness"
    assert by_path["/talks/two/k_2.wav"] == "happiness"
    assert len(project.store.labels()) == 4
    assert sentence.startswith(
        "Imported 4 labels. 2 rows not imported, because no single recording of this project is"
        " meant (k_1.wav, gone.wav). 1 row not imported, because the stretch is not inside the"
        " recording. These rows are kept in "
    )
    assert [row.path for row in plans[0].unmatched] == ["k_1.wav", "gone.wav"]
    assert [label.annotator for label in project.store.labels()] == ["imported"] * 4


def test_new_emotions_come_with_the_import_and_go_with_its_undo(project, exchange, run, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("path,answer\nk_2.wav,boredom\none/k_1.wav,fear\ntwo/k_1.wav,none_of_these\n")

    assert run(exchange.import_labels, path) == (
        "Imported 3 labels, new in the set: boredom, fear."
    )

    boredom, fear = project.store.emotions()[4:]
    assert (boredom.name, boredom.letter, boredom.key) == ("boredom", "B", "5")
    assert (fear.letter, fear.colour, fear.key) == ("F", "#CC79A7", "6")
    project.undo()
    assert len(project.store.emotions()) == 4


def test_a_later_row_and_a_newer_file_take_the_place_of_the_earlier(
    project, exchange, run, tmp_path
):
    path = tmp_path / "labels.csv"
    path.write_text("path,answer\nk_2.wav,anger\nk_2.wav,sadness\n")
    assert run(exchange.import_labels, path) == "Imported 1 label."
    path.write_text("path,answer\nk_2.wav,neutral\n")

    assert run(exchange.import_labels, path) == ("Imported 1 label, 1 in place of earlier answers.")

    assert [label.answer for label in project.store.labels()] == ["neutral"]
    project.undo()
    assert [label.answer for label in project.store.labels()] == ["sadness"]


def test_words_are_not_taken_for_emotions(project, exchange, run, tmp_path):
    path = tmp_path / "words.csv"
    path.write_text(
        "path,answer,start_s,end_s\n"
        + "".join(
            f"k_2.wav,word {number},{number / 10},{number / 10 + 0.1}\n" for number in range(25)
        )
    )

    assert run(exchange.import_labels, path) == (
        "words.csv was not imported because it has 25 answers that are no emotions of this project"
        " (word 0, word 1, word 2, …), at most 20 can be new; choose the file or tier that holds"
        " emotions."
    )
    assert project.store.labels() == ()


def test_a_bad_file_changes_nothing(project, exchange, run, tmp_path):
    (tmp_path / "bad.csv").write_text("path\nk_2.wav\n")
    (tmp_path / "labels.xlsx").write_text("")

    assert "has no column answer" in run(exchange.import_labels, tmp_path / "bad.csv")
    assert run(exchange.import_labels, tmp_path / "labels.xlsx") == (
        "labels.xlsx has no known ending; let its name end in .csv or .json or .TextGrid."
    )
    assert run(exchange.export_labels, tmp_path / "labels.csv") == (
        "This project has no labels yet; label a clip first."
    )
    assert not (project.store.folder / "backups").exists()


def test_without_a_backup_nothing_is_imported(project, exchange, run, tmp_path):
    (tmp_path / "labels.csv").write_text("path,answer\nk_2.wav,anger\n")
    (project.store.folder / "backups").write_text("in the way")

    assert "so the project was left as it is" in run(
        exchange.import_labels, tmp_path / "labels.csv"
    )
    assert project.store.labels() == ()


def test_without_a_project_or_in_another_one_nothing_is_imported(
    project, exchange, run, labelled, tmp_path
):
    path = tmp_path / "labels.csv"
    run(exchange.export_labels, path)

    def import_and_change():
        exchange.import_labels(path)
        project.create(tmp_path / "b.clser-project")

    assert run(import_and_change) == (
        "labels.csv was not imported because its project was closed meanwhile; open the project"
        " and import it again."
    )
    assert run(exchange.export_labels, tmp_path / "labels.xlsx") == (
        "This project has no labels yet; label a clip first."
    )
    project.close()
    no_project = "No project is open; open one or make a new one first."
    assert run(exchange.import_labels, path) == no_project
    assert run(exchange.export_labels, path) == no_project


@pytest.mark.parametrize("suffix", ["csv", "json", "TextGrid"])
def test_posteriors_go_out_in_each_format(exchange, run, tmp_path, suffix):
    values = np.full((50, 2), 0.5, np.float32)
    analysis = Analysis(
        duration_s=2.0,
        model=ModelId(name="default", sha256="01"),
        posteriors=Posteriors(classes=("anger", "neutral"), frame_rate_hz=25.0, values=values),
        utterance=UtterancePosterior(
            emotion="anger", posterior=values[0], confidence=0.5, statistics="none"
        ),
        functionals=np.zeros(3, np.float32),
    )
    path = tmp_path / f"k_1.{suffix}"

    assert run(exchange.export_posteriors, path, "/talks/one/k_1.wav", analysis) == (
        f"Exported the posteriors to {path}."
    )
    assert path.stat().st_size > 0
    assert "exists" in run(exchange.export_posteriors, path, "/talks/one/k_1.wav", analysis)
    assert run(exchange.export_posteriors, tmp_path / "k.txt", "k", analysis) == (
        "k.txt has no known ending; let its name end in .json or .csv or .TextGrid."
    )


def test_labels_do_not_go_out_under_an_unknown_ending(exchange, run, labelled, tmp_path):
    assert run(exchange.export_labels, tmp_path / "labels.txt") == (
        "labels.txt has no known ending; let its name end in .csv or .json or .TextGrid."
    )


@pytest.fixture
def many(project, tmp_path):
    """A file with a label for each of 2,000 clips of the project."""
    clips = [Clip(clip_id=new_id(), path=f"/recordings/m_{n:04}.wav") for n in range(2_000)]
    project.apply(Edit(name="Add", added_clips=tuple(clips)))
    path = tmp_path / "many.csv"
    path.write_text("path,answer\n" + "".join(f"m_{n:04}.wav,anger\n" for n in range(2_000)))
    return path


def test_many_labels_come_in_parts_and_go_with_one_undo(project, run, exchange, many, qtbot):
    own_work_ms = []
    last_s = time.thread_time()

    def beat():
        nonlocal last_s
        own_work_ms.append((time.thread_time() - last_s) * 1000)
        last_s = time.thread_time()

    timer = QTimer(interval=1)
    timer.timeout.connect(beat)
    timer.start()
    assert run(exchange.import_labels, many) == "Imported 2,000 labels."
    timer.stop()

    assert max(own_work_ms[1:]) < 100
    assert len(project.store.labels()) == 2_000
    assert project.store.undo_name == "Import 2,000 labels from many.csv"
    project.undo()
    assert project.store.labels() == ()


def test_a_project_that_is_closed_has_all_of_an_import_or_nothing(project, exchange, many, qtbot):
    folder = project.store.folder
    exchange.import_labels(many)
    qtbot.waitUntil(lambda: len(project.store.labels()) > 0, timeout=TIMEOUT_MS)

    project.close()

    with ProjectStore.open(folder) as store:
        assert len(store.labels()) == 2_000


def test_one_import_at_a_time(project, exchange, many, qtbot):
    said = []
    exchange.finished.connect(said.append)
    exchange.failed.connect(said.append)

    exchange.import_labels(many)
    exchange.import_labels(many)
    qtbot.waitUntil(lambda: len(said) == 2, timeout=TIMEOUT_MS)

    assert said == [
        "Labels are being imported already; wait for the end.",
        "Imported 2,000 labels.",
    ]
