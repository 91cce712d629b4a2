"""Turns the person's answers into edits of the open project."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from PySide6.QtCore import QObject, Signal

from app.controllers.project_controller import ProjectController
from app.domain.clips import Guess
from app.domain.emotion_edits import check_emotions, check_removed, emotions_edit
from app.domain.label_edits import (
    Answer,
    check_answer,
    file_stem,
    label_edit,
    move_edit,
    new_label,
    remove_edit,
    same_question,
    spoken,
)
from app.domain.labels import Label, Origin
from app.domain.progress import Progress, count_progress
from app.domain.time_span import TimeSpan
from clser_engine.labels import Emotion


class LabelController(QObject):
    """Answers about clips and stretches of them; nothing is a label until the person says so.

    Args:
        project: Owner of the open project.
        annotator: Gives the name that each label carries.

    Signals:
        saved: Label id, once it is on the disk.
        failed: One sentence; nothing was changed. What the project refuses, it tells itself.
    """

    saved = Signal(str)
    failed = Signal(str)

    def __init__(
        self,
        project: ProjectController,
        annotator: Callable[[], str],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._project = project
        self._annotator = annotator

    def answer(
        self,
        clip_id: str,
        answer: str,
        span: TimeSpan | None = None,
        guess: Guess | None = None,
        guess_seen: bool = False,
    ) -> Label | None:
        """Store an answer about a clip or a stretch of it, in one undoable step.

        Args:
            clip_id: The clip.
            answer: Emotion name of the project, `none_of_these` or `unsure`.
            span: The stretch, or None for the whole clip.
            guess: The suggestion that stood when the person answered, or None.
            guess_seen: Whether it was on screen.

        Returns:
            The label that stands now, on the disk already; None if it failed.
        """
        return self._answer(clip_id, answer, span, guess, guess_seen, Origin.HAND)

    def accept(self, clip_id: str, guess: Guess, span: TimeSpan | None = None) -> Label | None:
        """Make a suggestion a label, in one undoable step that remembers the model."""
        return self._answer(clip_id, guess.emotion, span, guess, True, Origin.ACCEPTED)

    def remove(self, label_id: str) -> bool:
        """Take a label away, in one undoable step."""
        store = self._project.store
        label = store.label(label_id) if store is not None else None
        if store is None or label is None:
            self.failed.emit(self.tr("This label is no longer there."))
            return False
        clip = store.clip(label.clip_id)
        assert clip is not None, "the store keeps no label without its clip"
        name = f"Remove label {spoken(label.answer)} of {file_stem(clip.path)}"
        return self._project.apply(remove_edit([label], name)) is not None

    def move(self, label_id: str, span: TimeSpan) -> Label | None:
        """Give a label another stretch, in one undoable step.

        Returns:
            The label as it stands now, on the disk already; None if it failed.
        """
        store = self._project.store
        label = store.label(label_id) if store is not None else None
        clip = store.clip(label.clip_id) if store is not None and label is not None else None
        if store is None or label is None or clip is None:
            self.failed.emit(self.tr("This label is no longer there."))
            return None
        refusal = check_answer(label.answer, span, store.emotions(), clip.duration_s)
        if refusal:
            self.failed.emit(refusal)
            return None
        labels = store.labels_of(label.clip_id)
        edit = move_edit(labels, label, span, file_stem(clip.path))
        if edit is not None and self._project.apply(edit) is None:
            return None
        self.saved.emit(label_id)
        return store.label(label_id)

    def set_emotions(
        self, emotions: Sequence[Emotion], renames: Mapping[str, str] | None = None
    ) -> bool:
        """Change the emotion set in one undoable step.

        Args:
            emotions: The set as it becomes.
            renames: New name of each old one that is renamed; its labels go with it.
        """
        store = self._project.store
        if store is None:
            self.failed.emit(self.tr("No project is open; open one or make a new one first."))
            return False
        before, after, names = store.emotions(), tuple(emotions), dict(renames or {})
        refusal = check_emotions(after) or check_removed(before, after, store.labels(), names)
        if refusal:
            self.failed.emit(refusal)
            return False
        edit = emotions_edit(before, after, store.labels(), names)
        return edit is None or self._project.apply(edit) is not None

    def rename_emotion(self, old: str, new: str) -> bool:
        """Give an emotion another name, its labels with it, in one undoable step."""
        store = self._project.store
        emotions = () if store is None else store.emotions()
        after = [replace(e, name=new) if e.name == old else e for e in emotions]
        return self.set_emotions(after, {old: new})

    def progress(self) -> Progress:
        """Return how far the labelling is."""
        store = self._project.store
        if store is None:
            return Progress(clips=0, clips_done=0)
        return count_progress(store.clips_by_id(), store.labels())

    def _answer(
        self,
        clip_id: str,
        answer: str,
        span: TimeSpan | None,
        guess: Guess | None,
        guess_seen: bool,
        origin: Origin,
    ) -> Label | None:
        store = self._project.store
        clip = store.clip(clip_id) if store is not None else None
        if store is None or clip is None:
            self.failed.emit(self.tr("This recording is no longer in the project."))
            return None
        refusal = check_answer(answer, span, store.emotions(), clip.duration_s)
        if refusal:
            self.failed.emit(refusal)
            return None
        given = Answer(
            answer=answer,
            annotator=self._annotator(),
            created_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            origin=origin,
            span=span,
            guess=guess,
            guess_seen=guess_seen,
        )
        labels = store.labels_of(clip_id)
        edit = label_edit(clip, labels, given)
        if edit is None:
            standing = next(old for old in labels if same_question(old, new_label(clip_id, given)))
            self.saved.emit(standing.label_id)
            return standing
        if self._project.apply(edit) is None:
            return None
        label = edit.added_labels[0]
        self.saved.emit(label.label_id)
        return label
