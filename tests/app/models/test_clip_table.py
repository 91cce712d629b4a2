"""Tests of app.models.clip_table and app.models.clip_filter."""

import time
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester

from app.domain.clips import Clip, Guess
from app.domain.labels import Label, Origin
from app.models.clip_filter import ClipFilter, LabelState
from app.models.clip_table import ClipTableModel, Column

FATAL = QAbstractItemModelTester.FailureReportingMode.Fatal


class FakeProject:
    def __init__(self, clips=(), labels=(), guesses=()):
        self.by_id = {clip.clip_id: clip for clip in clips}
        self.label_list = list(labels)
        self.guess_of = {guess.clip_id: guess for guess in guesses}

    def clips(self):
        return tuple(self.by_id.values())

    def clip(self, clip_id):
        return self.by_id.get(clip_id)

    def labels(self):
        return tuple(self.label_list)

    def labels_of(self, clip_id):
        return tuple(label for label in self.label_list if label.clip_id == clip_id)

    def guesses(self):
        return self.guess_of


def make_clip(number, **fields):
    return Clip(clip_id=f"{number:05}", path=f"/audio/k_{number:04}.wav", **fields)


def make_label(clip_id, answer, at="2026-01-01T00:00:00.000", **fields):
    return Label(
        label_id=f"label of {clip_id} {answer} {fields.get('start_s')}",
        clip_id=clip_id,
        answer=answer,
        origin=Origin.HAND,
        annotator="me",
        created_at=at,
        **fields,
    )


def make_guess(clip_id, emotion="anger", confidence=0.91):
    return Guess(
        clip_id=clip_id, emotion=emotion, confidence=confidence, model="m@1", statistics="none"
    )


@pytest.fixture
def project():
    clips = [
        make_clip(1, duration_s=3.2, language="de", speaker="s12"),
        make_clip(2, duration_s=75.0, language="sw", speaker="s07"),
        make_clip(3, problem="k_0003.wav is empty; record it again."),
    ]
    return FakeProject(clips, [make_label("00001", "anger")], [make_guess("00001")])


@pytest.fixture
def model(qapp, project):
    model = ClipTableModel(lambda answer: None)
    QAbstractItemModelTester(model, FATAL, model)
    model.set_project(project)
    return model


def row_texts(model, row):
    return [model.index(row, column).data() for column in range(model.columnCount())]


def test_a_row_says_what_is_known_of_a_clip(model):
    assert row_texts(model, 0) == ["k_0001", "3.2 s", "de", "s12", "anger", "anger 91 %"]
    assert row_texts(model, 1) == ["k_0002", "1:15", "sw", "s07", "", ""]
    assert row_texts(model, 2) == ["k_0003", "", "", "", "cannot be read", ""]


def test_a_clip_that_cannot_be_read_says_why(model):
    tip = model.index(2, Column.NAME).data(Qt.ItemDataRole.ToolTipRole)

    assert tip == "k_0003.wav is empty; record it again."


def test_clips_that_cannot_be_read_are_counted_as_they_change(model, project):
    assert model.num_unreadable() == 1

    project.by_id["00001"] = replace(project.by_id["00001"], problem="It is gone.")
    project.by_id["00003"] = replace(project.by_id["00003"], problem="")
    model.refresh({"00001", "00003"})
    assert model.num_unreadable() == 1

    del project.by_id["00001"]
    model.refresh({"00001"})
    assert model.num_unreadable() == 0


def test_a_clip_that_ends_early_is_marked_and_says_why(model, project):
    notice = "k_0002.wav claims to last 90.0 s but only 75.0 s could be read."
    project.by_id["00002"] = replace(project.by_id["00002"], notice=notice)
    model.refresh({"00002"})

    assert row_texts(model, 1)[Column.LENGTH] == "! 1:15"
    assert model.index(1, Column.LENGTH).data(Qt.ItemDataRole.ToolTipRole) == notice


def test_the_tooltip_of_a_suggestion_names_model_and_statistics(model):
    tip = model.index(0, Column.GUESS).data(Qt.ItemDataRole.ToolTipRole)

    assert tip == "m suggests anger, confidence 91 %, judged by itself."


def test_a_model_that_does_not_know_says_so_and_why_and_never_an_emotion(model, project):
    project.guess_of["00002"] = replace(
        make_guess("00002", "sadness", 0.97), is_known=False, notice="Nobody speaks in it."
    )

    index = model.index(1, Column.GUESS)
    assert index.data() == "don't know"
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "Suggestion: don't know"
    assert index.data(Qt.ItemDataRole.DecorationRole) is None
    tip = index.data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "m doesn't know. Nobody speaks in it."


def test_what_the_model_does_not_know_is_sorted_behind_what_it_knows(model, project):
    for clip_id, confidence in (("00002", 0.97), ("00001", 0.3)):
        project.guess_of[clip_id] = replace(
            make_guess(clip_id, confidence=confidence), is_known=clip_id == "00001"
        )

    model.sort(Column.GUESS)

    assert [model.clip_at(row).clip_id for row in range(3)] == ["00001", "00002", "00003"]


@pytest.mark.parametrize(("is_known", "state"), [(False, "NOT_KNOWN"), (True, "DIFFERS")])
def test_only_what_the_model_knows_can_differ_from_a_label(model, project, is_known, state):
    project.guess_of["00001"] = replace(make_guess("00001", "sadness"), is_known=is_known)
    model.refresh({"00001"})
    rows = ClipFilter(model)

    found = {}
    for wanted in (LabelState.NOT_KNOWN, LabelState.DIFFERS):
        rows.set_state(wanted)
        found[wanted] = rows.rowCount()

    assert found == {s: int(s == LabelState[state]) for s in found}


def test_labels_about_stretches_are_counted(model, project):
    project.label_list += [
        make_label("00002", "anger", start_s=0.0, end_s=1.0),
        make_label("00002", "sadness", start_s=2.0, end_s=3.0),
    ]
    model.refresh({"00002"})

    assert row_texts(model, 1)[Column.LABEL] == "2 stretches"


def test_the_newest_label_about_the_whole_clip_is_shown(model, project):
    project.label_list.append(make_label("00001", "unsure", at="2026-02-01T00:00:00.000"))
    model.refresh({"00001"})

    assert row_texts(model, 0)[Column.LABEL] == "unsure"


def test_refresh_adds_changes_and_removes_rows(model, project, qtbot):
    del project.by_id["00001"]
    project.by_id["00002"] = replace(project.by_id["00002"], speaker="s99")
    project.by_id["00004"] = make_clip(4)

    model.refresh({"00001", "00002", "00004"})

    names = [row_texts(model, row)[Column.NAME] for row in range(model.rowCount())]
    assert names == ["k_0002", "k_0003", "k_0004"]
    assert row_texts(model, 0)[Column.SPEAKER] == "s99"


def test_hidden_suggestions_appear_with_the_answer(model, project):
    project.guess_of["00002"] = make_guess("00002", "sadness", 0.4)
    model.set_hides_guesses(True)
    assert row_texts(model, 0)[Column.GUESS] == "anger 91 %"
    assert row_texts(model, 1)[Column.GUESS] == "hidden"

    project.label_list.append(make_label("00002", "neutral"))
    model.refresh({"00002"})

    assert row_texts(model, 1)[Column.GUESS] == "sadness 40 %"


def test_hidden_suggestions_do_not_show_in_the_order(model, project):
    project.guess_of |= {"00002": make_guess("00002", confidence=0.95)}
    model.set_hides_guesses(True)

    model.sort(Column.GUESS)

    assert [model.clip_at(row).clip_id for row in range(3)] == ["00001", "00002", "00003"]


def test_sorting_keeps_what_is_unknown_last_and_moves_persistent_indexes(model):
    held = model.index(0, Column.NAME)
    persistent = model.persistentIndexList()
    assert persistent == []
    from PySide6.QtCore import QPersistentModelIndex

    kept = QPersistentModelIndex(held)
    model.sort(Column.LENGTH, Qt.SortOrder.DescendingOrder)

    lengths = [row_texts(model, row)[Column.LENGTH] for row in range(3)]
    assert lengths == ["", "1:15", "3.2 s"]
    assert kept.row() == 2
    assert kept.data() == "k_0001"


@pytest.mark.parametrize(
    ("state", "names"),
    [
        (LabelState.ALL, ["k_0001", "k_0002", "k_0003"]),
        (LabelState.ANSWERED, ["k_0001"]),
        (LabelState.UNANSWERED, ["k_0002"]),
        (LabelState.PROBLEM, ["k_0003"]),
        (LabelState.UNSURE, []),
        (LabelState.DIFFERS, []),
    ],
)
def test_the_filter_keeps_clips_in_a_state(model, state, names):
    rows = ClipFilter(model)
    rows.set_state(state)

    assert [rows.index(row, 0).data() for row in range(rows.rowCount())] == names


@pytest.mark.parametrize(
    ("text", "names"),
    [("s12", ["k_0001"]), ("SW", ["k_0002"]), ("anger de", ["k_0001"]), ("anger sw", [])],
)
def test_the_filter_keeps_clips_with_every_word(model, text, names):
    rows = ClipFilter(model)
    rows.set_text(text)

    assert [rows.index(row, 0).data() for row in range(rows.rowCount())] == names


def test_a_clip_stays_in_the_filtered_list_while_it_is_labelled(model, project):
    rows = ClipFilter(model)
    rows.set_state(LabelState.UNANSWERED)
    assert rows.rowCount() == 1

    project.label_list.append(make_label("00002", "anger"))
    model.refresh({"00002"})

    assert rows.rowCount() == 1


def test_ten_thousand_clips_are_sorted_and_filtered_at_once(qapp):
    clips = [make_clip(i, duration_s=i % 97, speaker=f"s{i % 31}") for i in range(10_000)]
    model = ClipTableModel(lambda answer: None)
    model.set_project(FakeProject(clips))
    rows = ClipFilter(model)

    def cpu_ms(work):
        start = time.process_time()
        work()
        return 1000 * (time.process_time() - start)

    assert min(cpu_ms(lambda: rows.sort(Column.SPEAKER)) for _ in range(3)) < 2500
    assert cpu_ms(lambda: rows.set_text("s7")) < 2500
    assert min(cpu_ms(lambda: model.refresh({"05000"})) for _ in range(3)) < 200
