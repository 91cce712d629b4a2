"""Tests of app.controllers.annotate_controller, and of opening and settings beside it."""

from dataclasses import dataclass, field

import pytest

from app.controllers.annotate_controller import KEPT_ANALYSES, AnnotateController
from app.controllers.open_controller import is_project, project_for
from app.controllers.settings_controller import SettingsController
from app.domain.clips import Clip, Guess
from app.domain.labels import Label, Origin
from app.domain.time_span import TimeSpan
from app.models.clip_table import ClipTableModel
from app.services.settings import SettingsFile

GUESS = Guess(clip_id="a", emotion="anger", confidence=0.5, model="m@1", statistics="none")


@dataclass
class Project:
    labels_now: list[Label] = field(default_factory=list)

    def clips(self):
        return (Clip(clip_id="a", path="/a.wav"), Clip(clip_id="b", path="/b.wav"))

    def clip(self, clip_id):
        return next((clip for clip in self.clips() if clip.clip_id == clip_id), None)

    def labels(self):
        return tuple(self.labels_now)

    def labels_of(self, clip_id):
        return tuple(label for label in self.labels_now if label.clip_id == clip_id)

    def guesses(self):
        return {"a": GUESS}


class Answers:
    def __init__(self):
        self.calls = []

    def answer(self, *arguments):
        self.calls.append(("answer", *arguments))
        return make_label("new")

    def accept(self, *arguments):
        self.calls.append(("accept", *arguments))
        return make_label("new")

    def remove(self, label_id):
        self.calls.append(("remove", label_id))
        return True


def make_label(label_id, **fields):
    return Label(
        label_id=label_id,
        clip_id="a",
        answer="anger",
        origin=Origin.HAND,
        annotator="me",
        created_at="2026",
        **fields,
    )


@pytest.fixture
def project():
    return Project()


@pytest.fixture
def answers():
    return Answers()


@pytest.fixture
def clips(qapp, project):
    clips = ClipTableModel(lambda answer: None)
    clips.set_project(project)
    return clips


@pytest.fixture
def annotate(clips, answers):
    annotate = AnnotateController(clips, answers)
    annotate.also_seen_if(lambda clip_id: False)
    return annotate


def test_an_answer_is_about_the_clip_on_screen(annotate, answers, qtbot):
    annotate.show_clip("a")

    with qtbot.waitSignal(annotate.answered, timeout=0) as answered:
        annotate.answer("sadness")

    assert answers.calls == [("answer", "a", "sadness", None, GUESS, True)]
    assert answered.args == ["new", True]


def test_an_answer_about_a_stretch_does_not_go_on(annotate, answers, qtbot):
    annotate.show_clip("b")
    annotate.select_span(TimeSpan(0.5, 1.0))

    with qtbot.waitSignal(annotate.answered, timeout=0) as answered:
        annotate.answer("sadness")

    assert answers.calls == [("answer", "b", "sadness", TimeSpan(0.5, 1.0), None, False)]
    assert answered.args == ["new", False]


def test_another_clip_forgets_the_stretch(annotate):
    annotate.show_clip("a")
    annotate.select_span(TimeSpan(0.5, 1.0))

    annotate.show_clip("b")

    assert annotate.span is None


def test_without_a_clip_nothing_is_answered(annotate, answers):
    annotate.answer("anger")
    annotate.accept()
    annotate.remove_label()

    assert answers.calls == []
    assert annotate.why_not_accept() == "Choose a clip first."


def test_a_suggestion_is_not_accepted_for_a_stretch(annotate, answers):
    annotate.show_clip("a")
    annotate.select_span(TimeSpan(0.0, 1.0))

    annotate.accept()

    assert answers.calls == []
    assert annotate.why_not_accept() == (
        "The suggestion is about the whole clip: clear the selection first."
    )


def test_a_hidden_suggestion_is_neither_shown_nor_accepted_nor_seen(
    annotate, answers, clips, qtbot
):
    clips.set_hides_guesses(True)
    with qtbot.waitSignal(annotate.suggestion_changed, timeout=0) as shown:
        annotate.show_clip("a")
    annotate.accept()
    annotate.answer("anger")

    assert shown.args == [None, "Suggestion hidden until you answer."]
    assert answers.calls == [("answer", "a", "anger", None, GUESS, False)]


def test_what_the_list_drew_was_seen(annotate, answers, clips):
    clips.set_hides_guesses(True)
    annotate.also_seen_if(lambda clip_id: clip_id == "a")
    annotate.show_clip("a")

    annotate.answer("anger")

    assert answers.calls[0][-1] is True


def test_the_selected_label_goes_first(annotate, answers, project, clips):
    project.labels_now = [make_label("whole"), make_label("part", start_s=0.0, end_s=1.0)]
    clips.set_project(project)
    annotate.show_clip("a")
    annotate.select_label("part")

    annotate.remove_label()
    annotate.remove_label()

    assert answers.calls == [("remove", "part"), ("remove", "whole")]


def test_only_so_many_analyses_are_kept(annotate):
    for number in range(KEPT_ANALYSES + 5):
        annotate.keep_analysis(f"clip {number}", object())

    assert not annotate.has_analysis("clip 4")
    assert annotate.has_analysis("clip 5")


def test_the_analysis_on_screen_is_never_given_up(annotate):
    annotate.show_clip("a")
    for name in ("a", *(f"clip {number}" for number in range(2 * KEPT_ANALYSES))):
        annotate.keep_analysis(name, object())

    assert annotate.has_analysis("a")


def test_why_the_model_says_nothing_is_shown(annotate, qtbot):
    annotate.show_clip("b")

    with qtbot.waitSignal(annotate.suggestion_changed, timeout=0) as shown:
        annotate.keep_problem("b", "b.wav is empty; record it again.")

    assert shown.args == [None, "b.wav is empty; record it again."]


def test_a_folder_always_has_the_same_project_and_no_other_has_it(tmp_path):
    one, other = project_for(tmp_path / "x" / "wav"), project_for(tmp_path / "y" / "wav")

    assert one == project_for(tmp_path / "x" / "wav")
    assert one != other
    assert one.name.startswith("wav-")
    assert is_project(one)
    assert not is_project(tmp_path)


def test_a_setting_is_written_at_once_and_said_once(qtbot, tmp_path):
    path = tmp_path / "settings.json"
    settings = SettingsController(SettingsFile(path))

    with qtbot.waitSignal(settings.changed, timeout=0):
        settings.change(theme="dark", speed=1.5)
    with qtbot.assertNotEmitted(settings.changed):
        settings.change(theme="dark")

    assert SettingsController(SettingsFile(path)).settings.theme == "dark"


def test_settings_that_cannot_be_written_hold_until_the_end(qtbot, tmp_path):
    (tmp_path / "file").write_text("")
    settings = SettingsController(SettingsFile(tmp_path / "file" / "settings.json"))

    with qtbot.waitSignal(settings.failed, timeout=0) as failed:
        settings.change(theme="dark")

    assert "could not be written" in failed.args[0]
    assert settings.settings.theme == "dark"
