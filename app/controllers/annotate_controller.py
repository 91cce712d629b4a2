"""The clip on screen: what is shown of it, what is selected, and what was seen before an answer."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from PySide6.QtCore import QObject, Signal, Slot

from app.domain.clips import Clip, Guess
from app.domain.labels import Label
from app.domain.time_span import TimeSpan
from app.models.clip_table import ClipTableModel
from clser_engine.types import Analysis, UtterancePosterior

KEPT_ANALYSES = 64  # an hour at 50 Hz and 7 classes is 5 MB; clips are seconds


class Answers(Protocol):
    """Writes answers; each call returns when the answer is on disk."""

    def answer(
        self,
        clip_id: str,
        answer: str,
        span: TimeSpan | None,
        guess: Guess | None,
        guess_seen: bool,
    ) -> Label | None:
        """Answer about a clip or a stretch of it."""

    def accept(self, clip_id: str, guess: Guess) -> Label | None:
        """Take the suggestion about a clip as the answer."""

    def remove(self, label_id: str) -> bool:
        """Remove a label."""

    def move(self, label_id: str, span: TimeSpan) -> Label | None:
        """Give a label another stretch."""


class AnnotateController(QObject):
    """Owns which clip is on screen and which stretch of it is selected.

    Args:
        clips: The project's clips, labels and guesses as they are now.
        answers: Writes answers.
        parent: Owner.

    Signals:
        clip_changed: The clip on screen is another one (`Clip` or None).
        labels_changed: Labels of the clip on screen (tuple of `Label`).
        suggestion_changed: `Guess` to show, or None with a sentence that says why none.
        analysis_changed: `Analysis` that may be shown, or None.
        target_changed: What an answer is about: `TimeSpan`, or None for the whole clip.
        answered: Id of the label that is on disk now, and whether it is about the whole clip.
        not_answered: The last answer is not on disk; whoever refused it has said why.
    """

    clip_changed = Signal(object)
    labels_changed = Signal(object)
    suggestion_changed = Signal(object, str)
    analysis_changed = Signal(object)
    target_changed = Signal(object)
    answered = Signal(str, bool)
    not_answered = Signal()

    def __init__(
        self, clips: ClipTableModel, answers: Answers, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._clips = clips
        self._answers = answers
        self._clip_id = ""
        self._span: TimeSpan | None = None
        self._label_id = ""
        self._analyses: OrderedDict[str, Analysis] = OrderedDict()
        self._problems: dict[str, str] = {}
        self._seen: set[str] = set()
        self._is_on_screen: Callable[[str], bool] = lambda _clip_id: True

    @property
    def clip(self) -> Clip | None:
        """The clip on screen."""
        return self._clips.clip(self._clip_id)

    @property
    def span(self) -> TimeSpan | None:
        """The selected stretch."""
        return self._span

    @property
    def suggestion(self) -> Guess | None:
        """The suggestion that is shown for the clip on screen."""
        return self._clips.guess_of(self._clip_id) if self._may_show() else None

    def also_seen_if(self, drawn: Callable[[str], bool]) -> None:
        """Ask this too whether the suggestion of a clip was on screen, for example in a list."""
        self._is_on_screen = drawn

    def forget_project(self) -> None:
        """Begin anew with another project."""
        self._analyses.clear()
        self._problems.clear()
        self._seen.clear()
        self.show_clip("")

    @Slot(str)
    def show_clip(self, clip_id: str) -> None:
        """Put a clip on screen; empty for none."""
        self._clip_id = clip_id
        self._span = None
        self._label_id = ""
        self.clip_changed.emit(self.clip)
        self.target_changed.emit(None)
        self.refresh()

    @Slot(object)
    def select_span(self, span: TimeSpan | None) -> None:
        """Let answers be about a stretch; None for the whole clip."""
        self._span = span
        self._label_id = ""
        self.target_changed.emit(span)

    @Slot(str)
    def select_label(self, label_id: str) -> None:
        """Select a label of the clip on screen, after its stretch; empty for none."""
        self._label_id = label_id
        self.target_changed.emit(self._span)

    @Slot()
    def refresh(self) -> None:
        """Say again all that is known of the clip on screen."""
        self.labels_changed.emit(self._clips.labels_of(self._clip_id))
        self._publish_suggestion()

    def keep_analysis(self, clip_id: str, analysis: Analysis) -> None:
        """Take what the model says of a clip."""
        self._analyses[clip_id] = analysis
        self._analyses.move_to_end(clip_id)
        if self._clip_id in self._analyses:
            self._analyses.move_to_end(self._clip_id)  # what is on screen goes last
        self._problems.pop(clip_id, None)
        while len(self._analyses) > KEPT_ANALYSES:
            self._analyses.popitem(last=False)
        if clip_id == self._clip_id:
            self._publish_suggestion()

    def forget_analyses(self) -> None:
        """Forget what the model says: another one is asked."""
        self._analyses.clear()
        self._problems.clear()
        self._publish_suggestion()

    def keep_utterances(self, utterances: Mapping[str, UtterancePosterior]) -> None:
        """Take what the model says of whole clips by other statistics than before."""
        for clip_id, analysis in self._analyses.items():
            if clip_id in utterances:
                self._analyses[clip_id] = replace(analysis, utterance=utterances[clip_id])

    def keep_problem(self, clip_id: str, sentence: str) -> None:
        """Take why the model says nothing of a clip."""
        self._problems[clip_id] = sentence
        if clip_id == self._clip_id:
            self._publish_suggestion()

    def has_analysis(self, clip_id: str) -> bool:
        """Whether the posteriors of a clip are at hand."""
        return clip_id in self._analyses

    def analysis_of(self, clip_id: str) -> Analysis | None:
        """Return what the model says of a clip, if it is at hand."""
        return self._analyses.get(clip_id)

    @Slot(str)
    def answer(self, answer: str) -> None:
        """Label the selected stretch, else the whole clip; on disk when this returns."""
        clip = self.clip
        if clip is None:
            return
        guess, seen = self._clips.guess_of(clip.clip_id), self._was_seen(clip.clip_id)
        span = self._span
        label = self._answers.answer(clip.clip_id, answer, span, guess, seen)
        self._report(label, is_whole_clip=span is None)

    @Slot()
    def accept(self) -> None:
        """Take the suggestion that is shown as the answer about the whole clip."""
        guess = self.suggestion
        if guess is None or not guess.is_known or self._span is not None:
            return
        self._report(self._answers.accept(guess.clip_id, guess), is_whole_clip=True)

    @property
    def label_to_remove(self) -> str:
        """Id of the label that `remove_label` removes, empty for none.

        It is the one that is selected, else that of the selected stretch; what is about the whole
        clip goes only while no stretch is selected.
        """
        if self._label_id:
            return self._label_id
        if self._span is None:
            label = self._clips.clip_label(self._clip_id)
            return label.label_id if label else ""
        for label in reversed(self._clips.labels_of(self._clip_id)):
            if label.span == self._span:
                return label.label_id
        return ""

    @Slot()
    def remove_label(self) -> None:
        """Remove the label that is selected, else the one about what is selected."""
        label_id = self.label_to_remove
        if label_id:
            self._label_id = ""
            self._answers.remove(label_id)

    @Slot(str, object)
    def move_label(self, label_id: str, span: TimeSpan) -> None:
        """Give a label of the clip on screen another stretch; on disk when this returns."""
        self._report(self._answers.move(label_id, span), is_whole_clip=False)

    def why_not_accept(self) -> str:
        """Return why the suggestion cannot be accepted now, empty if it can."""
        if self.clip is None:
            return "Choose a clip first."
        if self._span is not None:
            return "The suggestion is about the whole clip: clear the selection first."
        guess = self.suggestion
        if guess is None:
            return self._why_no_suggestion()
        if not guess.is_known:
            return "The model doesn't know this one: choose an answer yourself."
        return ""

    def _report(self, label: Label | None, *, is_whole_clip: bool) -> None:
        if label is None:
            self.not_answered.emit()
        else:
            self.answered.emit(label.label_id, is_whole_clip)

    def _may_show(self) -> bool:
        return self._clips.shows_guess(self._clip_id)

    def _was_seen(self, clip_id: str) -> bool:
        return clip_id in self._seen or self._is_on_screen(clip_id)

    def _publish_suggestion(self) -> None:
        guess = self.suggestion
        if guess is not None:
            self._seen.add(guess.clip_id)
        self.suggestion_changed.emit(guess, "" if guess else self._why_no_suggestion())
        analysis = self._analyses.get(self._clip_id)
        self.analysis_changed.emit(analysis if self._may_show() else None)

    def _why_no_suggestion(self) -> str:
        if self.clip is None:
            return ""
        if not self._may_show():
            return "Suggestion hidden until you answer."
        return self._problems.get(self._clip_id, "No suggestion yet.")
