"""Which clips the list shows: a text and a state of the labels."""

from enum import StrEnum

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QSortFilterProxyModel, Qt

from app.domain.clips import Clip
from app.models.clip_table import ClipTableModel
from clser_engine.labels import UNSURE


class LabelState(StrEnum):
    """States by which clips can be filtered."""

    ALL = "All clips"
    UNANSWERED = "Without an answer"
    ANSWERED = "Answered"
    UNSURE = "Unsure"
    DIFFERS = "Differs from the suggestion"
    NOT_KNOWN = "The model doesn't know"
    PROBLEM = "Cannot be read"


class ClipFilter(QSortFilterProxyModel):
    """Filters the clips; a clip stays in the list while it is labelled, until the next filter."""

    def __init__(self, clips: ClipTableModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._clips = clips
        self._words: tuple[str, ...] = ()
        self._state = LabelState.ALL
        self._decisions: dict[str, bool] = {}  # by clip, until the filter changes
        self.setSourceModel(clips)

    def set_text(self, text: str) -> None:
        """Keep the clips in whose name, speaker, language or label each word of the text is."""
        words = tuple(text.casefold().split())
        if words != self._words:
            self._words = words
            self._decide_anew()

    def set_state(self, state: LabelState) -> None:
        """Keep the clips whose labels are in this state."""
        if state != self._state:
            self._state = state
            self._decide_anew()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort the table itself; the filter keeps its order."""
        if column >= 0:
            self._clips.sort(column, order)

    def filterAcceptsRow(
        self, source_row: int, source_parent: QModelIndex | QPersistentModelIndex
    ) -> bool:
        clip = self._clips.clip_at(source_row)
        if clip.clip_id not in self._decisions:
            self._decisions[clip.clip_id] = self._accepts(clip)
        return self._decisions[clip.clip_id]

    def _decide_anew(self) -> None:
        self._decisions.clear()
        self.invalidate()

    def _accepts(self, clip: Clip) -> bool:
        if self._words:
            label = self._clips.clip_label(clip.clip_id)
            text = f"{clip.path} {clip.speaker} {clip.language} {label.answer if label else ''}"
            text = text.casefold()
            if not all(word in text for word in self._words):
                return False
        return self._state == LabelState.ALL or self._is_in_state(clip.clip_id, clip.problem)

    def _is_in_state(self, clip_id: str, problem: str) -> bool:
        label = self._clips.clip_label(clip_id)
        match self._state:
            case LabelState.UNANSWERED:
                return not self._clips.labels_of(clip_id) and not problem
            case LabelState.ANSWERED:
                return bool(self._clips.labels_of(clip_id))
            case LabelState.UNSURE:
                return label is not None and label.answer == UNSURE
            case LabelState.DIFFERS:
                guess = self._clips.guess_of(clip_id)
                if label is None or guess is None or not guess.is_known:
                    return False
                return label.answer != guess.emotion
            case LabelState.NOT_KNOWN:
                guess = self._clips.guess_of(clip_id)
                shown = guess is not None and self._clips.shows_guess(clip_id)
                return shown and guess is not None and not guess.is_known
            case _:
                return bool(problem)
