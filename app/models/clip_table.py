"""The clips of a project as a Qt table."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from pathlib import PurePath
from typing import Any, Protocol

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)
from PySide6.QtGui import QFont, QIcon

from app.domain.clips import Clip, Guess
from app.domain.labels import Label
from app.models.words import (
    DONT_KNOW,
    answer_in_words,
    guess_in_words,
    length_in_words,
    percent_in_words,
)
from clser_engine.labels import UNSURE

Index = QModelIndex | QPersistentModelIndex
AnswerIcon = Callable[[str], QIcon | None]


class Column(IntEnum):
    """Columns of the clip list."""

    NAME = 0
    LENGTH = 1
    LANGUAGE = 2
    SPEAKER = 3
    LABEL = 4
    GUESS = 5


HEADERS = ("Name", "Length", "Lang", "Speaker", "Label", "Suggestion")
HEADER_HELP = (
    "File name of the recording",
    "Length of the recording",
    "Language of the recording",
    "Who speaks",
    "Your answer about the whole clip",
    "What the model suggests, with its calibrated confidence",
)
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class Project(Protocol):
    """What the table asks of a project."""

    def clips(self) -> tuple[Clip, ...]:
        """Return all clips."""

    def clip(self, clip_id: str) -> Clip | None:
        """Return one clip."""

    def labels(self) -> tuple[Label, ...]:
        """Return all labels."""

    def labels_of(self, clip_id: str) -> tuple[Label, ...]:
        """Return the labels of a clip."""

    def guesses(self) -> Mapping[str, Guess]:
        """Return the latest guess of each clip that has one."""


class ClipTableModel(QAbstractTableModel):
    """What is known of each clip; it changes only through `set_project` and `refresh`.

    Args:
        answer_icon: Gives the mark of an answer, or None for no mark.
        parent: Owner.
    """

    def __init__(self, answer_icon: AnswerIcon, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._answer_icon = answer_icon
        self._clips: list[Clip] = []
        self._row_of: dict[str, int] = {}
        self._labels: dict[str, tuple[Label, ...]] = {}
        self._clip_labels: dict[str, Label | None] = {}  # asked for at every repaint
        self._unreadable: set[str] = set()
        self._project: Project | None = None
        self._hides_guesses = False
        self._italic = QFont()
        self._italic.setItalic(True)

    def set_project(self, project: Project | None) -> None:
        """Show a project; None for none."""
        self.beginResetModel()
        self._project = project
        self._clips = list(project.clips()) if project else []
        self._row_of = {clip.clip_id: row for row, clip in enumerate(self._clips)}
        self._unreadable = {clip.clip_id for clip in self._clips if clip.problem}
        labels: dict[str, list[Label]] = {}
        for label in project.labels() if project else ():
            labels.setdefault(label.clip_id, []).append(label)
        self._labels = {clip_id: tuple(found) for clip_id, found in labels.items()}
        self._clip_labels = {clip_id: _newest_whole(found) for clip_id, found in labels.items()}
        self.endResetModel()

    def refresh(self, clip_ids: Iterable[str]) -> None:
        """Ask the project again about clips that were added, changed or removed."""
        if self._project is None:
            return
        gone, new, changed = [], [], []
        for clip_id in sorted(clip_ids):  # ids sort by the time they were made
            clip, row = self._project.clip(clip_id), self._row_of.get(clip_id)
            labels = self._project.labels_of(clip_id)
            if labels:
                self._labels[clip_id] = labels
                self._clip_labels[clip_id] = _newest_whole(labels)
            else:
                self._labels.pop(clip_id, None)
                self._clip_labels.pop(clip_id, None)
            if clip is not None and clip.problem:
                self._unreadable.add(clip_id)
            else:
                self._unreadable.discard(clip_id)
            if clip is None:
                if row is not None:
                    gone.append(clip_id)
            elif row is None:
                new.append(clip)
            else:
                self._clips[row] = clip
                changed.append(clip_id)
        self._touch(changed)
        self._remove_clips(gone)
        self._append_clips(new)

    def set_hides_guesses(self, hides: bool) -> None:
        """Whether the suggestion of a clip stays hidden until it has an answer."""
        self._hides_guesses = hides
        if self._clips:
            last = len(self._clips) - 1
            self.dataChanged.emit(self.index(0, Column.GUESS), self.index(last, Column.GUESS))

    def redraw_answers(self) -> None:
        """Draw the answers again, after the emotion set changed."""
        if self._clips:
            last = len(self._clips) - 1
            self.dataChanged.emit(self.index(0, Column.LABEL), self.index(last, Column.GUESS))

    def clip(self, clip_id: str) -> Clip | None:
        """Return a clip by its id."""
        row = self._row_of.get(clip_id)
        return None if row is None else self._clips[row]

    def clip_at(self, row: int) -> Clip:
        """Return the clip in a row."""
        return self._clips[row]

    def row_of(self, clip_id: str) -> int | None:
        """Return the row of a clip."""
        return self._row_of.get(clip_id)

    def labels_of(self, clip_id: str) -> tuple[Label, ...]:
        """Return every label of a clip."""
        return self._labels.get(clip_id, ())

    def clip_label(self, clip_id: str) -> Label | None:
        """Return the newest label about the whole clip."""
        return self._clip_labels.get(clip_id)

    def guess_of(self, clip_id: str) -> Guess | None:
        """Return what the model says of a clip."""
        return self._project.guesses().get(clip_id) if self._project else None

    def shows_guess(self, clip_id: str) -> bool:
        """Whether the suggestion of a clip may be on screen now."""
        return not self._hides_guesses or bool(self._labels.get(clip_id))

    def num_answered(self) -> int:
        """Return how many clips have a label."""
        return len(self._labels)

    def num_unreadable(self) -> int:
        """Return how many clips cannot be read."""
        return len(self._unreadable)

    def answer_counts(self) -> dict[str, int]:
        """Return how many clips have each answer about the whole clip."""
        return Counter(
            label.answer for clip_id in self._labels if (label := self.clip_label(clip_id))
        )

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own default
        return 0 if parent.isValid() else len(self._clips)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own default
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:  # Qt gives any type of value
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADERS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return HEADER_HELP[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if section == Column.LENGTH else LEFT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        clip, column = self._clips[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(clip, column)
        if role == Qt.ItemDataRole.DecorationRole and column in (Column.LABEL, Column.GUESS):
            answer = self._answer(clip, column)
            return self._answer_icon(answer) if answer else None
        if role == Qt.ItemDataRole.FontRole and column == Column.GUESS:
            return self._italic
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if column == Column.LENGTH else LEFT
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tooltip(clip, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{HEADERS[column]}: {self._text(clip, column) or 'empty'}"
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Put the clips in another order, in Python: Qt would ask back for each comparison."""
        self.layoutAboutToBeChanged.emit()
        held = self.persistentIndexList()
        held_ids = [self._clips[index.row()].clip_id for index in held]
        self._clips.sort(
            key=lambda clip: self._sort_key(clip, column),
            reverse=order == Qt.SortOrder.DescendingOrder,
        )
        self._row_of = {clip.clip_id: row for row, clip in enumerate(self._clips)}
        self.changePersistentIndexList(
            held,
            [
                self.index(self._row_of[clip_id], index.column())
                for clip_id, index in zip(held_ids, held, strict=True)
            ],
        )
        self.layoutChanged.emit()

    def _remove_clips(self, clip_ids: Iterable[str]) -> None:
        rows = sorted((self._row_of[clip_id] for clip_id in clip_ids), reverse=True)
        while rows:  # each run of neighbours at once: removing 10,000 one by one takes minutes
            last = first = rows.pop(0)
            while rows and rows[0] == first - 1:
                first = rows.pop(0)
            self.beginRemoveRows(QModelIndex(), first, last)
            del self._clips[first : last + 1]
            self._row_of = {clip.clip_id: row for row, clip in enumerate(self._clips)}
            self.endRemoveRows()

    def _append_clips(self, clips: list[Clip]) -> None:
        if clips:
            first = len(self._clips)
            self.beginInsertRows(QModelIndex(), first, first + len(clips) - 1)
            self._clips += clips
            self._row_of |= {clip.clip_id: first + i for i, clip in enumerate(clips)}
            self.endInsertRows()

    def _touch(self, clip_ids: Iterable[str]) -> None:
        rows = [row for clip_id in clip_ids if (row := self._row_of.get(clip_id)) is not None]
        if rows:
            last_column = len(Column) - 1
            self.dataChanged.emit(self.index(min(rows), 0), self.index(max(rows), last_column))

    def _answer(self, clip: Clip, column: int) -> str:
        if column == Column.LABEL:
            label = self.clip_label(clip.clip_id)
            return label.answer if label else ""
        guess = self.guess_of(clip.clip_id)
        if guess is None or not self.shows_guess(clip.clip_id):
            return ""
        return guess.suggestion or DONT_KNOW

    def _text(self, clip: Clip, column: int) -> str:
        match column:
            case Column.NAME:
                return PurePath(clip.path).stem
            case Column.LENGTH:
                mark = "! " if clip.notice else ""
                return mark + length_in_words(clip.duration_s)
            case Column.LANGUAGE:
                return clip.language
            case Column.SPEAKER:
                return clip.speaker
            case Column.LABEL:
                return self._label_text(clip)
            case _:
                return self._guess_text(clip)

    def _label_text(self, clip: Clip) -> str:
        if clip.problem:
            return "cannot be read"
        labels = self.labels_of(clip.clip_id)
        whole = self.clip_label(clip.clip_id)
        if whole is not None:
            return answer_in_words(whole.answer)
        if labels:
            return f"{len(labels)} stretch" + ("es" if len(labels) > 1 else "")
        return ""

    def _guess_text(self, clip: Clip) -> str:
        guess = self.guess_of(clip.clip_id)
        if guess is None:
            return ""
        if not self.shows_guess(clip.clip_id):
            return "hidden"
        if not guess.is_known:
            return DONT_KNOW
        return f"{guess.emotion} {percent_in_words(guess.confidence)}"

    def _tooltip(self, clip: Clip, column: int) -> str:
        if column == Column.GUESS:
            guess = self.guess_of(clip.clip_id)
            if guess is None:
                return "The model has not heard this clip yet."
            if not self.shows_guess(clip.clip_id):
                return "Hidden until you have answered."
            return guess_in_words(guess)
        return clip.problem or clip.notice or clip.path

    def _sort_key(self, clip: Clip, column: int) -> tuple[object, ...]:
        name = PurePath(clip.path).stem.casefold()
        match column:
            case Column.LENGTH:
                return (clip.duration_s is None, clip.duration_s or 0.0, name)
            case Column.LANGUAGE:
                return (not clip.language, clip.language.casefold(), name)
            case Column.SPEAKER:
                return (not clip.speaker, clip.speaker.casefold(), name)
            case Column.LABEL:
                answer = self._answer(clip, column)
                return (not answer, answer == UNSURE, answer, name)
            case Column.GUESS:
                guess = self.guess_of(clip.clip_id)
                if guess is None or not self.shows_guess(clip.clip_id):
                    return (True, 0.0, name)
                return (False, -guess.confidence if guess.is_known else 1.0, name)
            case _:
                return (name, clip.path)


def _newest_whole(labels: Iterable[Label]) -> Label | None:
    whole = (label for label in labels if label.is_whole_clip)
    return max(whole, key=lambda label: label.created_at, default=None)
