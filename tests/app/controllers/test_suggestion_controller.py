"""Tests of app.controllers.suggestion_controller."""

from types import SimpleNamespace

import pytest
from PySide6.QtCore import QObject, Signal

from app.controllers.model_controller import ModelInUse
from app.controllers.suggestion_controller import SuggestionController
from app.domain.clips import Clip, Guess

NEW = "default@" + "ab" * 32


class Annotate(QObject):
    clip_changed = Signal(object)
    clip = None


class Analysis(QObject):
    analysis_ready = Signal(str, object)
    analysis_failed = Signal(str, str)
    analysis_progressed = Signal(str, str, float)

    def __init__(self):
        super().__init__()
        self.asked = []

    def analyze_all(self, clips):
        self.asked = [clip_id for clip_id, _path in clips]


class Project(QObject):
    project_closed = Signal()

    def __init__(self, clips, guesses):
        super().__init__()
        self.store = SimpleNamespace(clips=lambda: clips, guesses=lambda: guesses)


def make_guess(clip_id, model):
    return Guess(clip_id=clip_id, emotion="anger", confidence=0.5, model=model, statistics="none")


@pytest.fixture
def analysis(qapp):
    return Analysis()


@pytest.fixture
def suggestions(analysis):
    clips = [
        Clip(clip_id="heard", path="/heard.wav"),
        Clip(clip_id="heard_by_another", path="/another.wav"),
        Clip(clip_id="new", path="/new.wav"),
        Clip(clip_id="broken", path="/broken.wav", problem="It is broken."),
    ]
    guesses = {
        "heard": make_guess("heard", NEW),
        "heard_by_another": make_guess("heard_by_another", "default@0000"),
    }
    return SuggestionController(Project(clips, guesses), Annotate(), analysis)


def test_clips_that_only_another_model_heard_are_asked_about(suggestions, analysis):
    suggestions.use_model(ModelInUse(reference="default", model=NEW))

    suggestions.analyse_all()

    assert analysis.asked == ["heard_by_another", "new"]


def test_while_the_model_is_unknown_what_was_heard_stands(suggestions, analysis):
    suggestions.use_model(ModelInUse(reference="default"))

    suggestions.analyse_all()

    assert analysis.asked == ["new"]
