"""The emotion set of a project: names, letters, colours and keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QColorDialog,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.dialogs.first_size import open_as_large_as
from app.domain.emotion_edits import KEYS, SPARE_COLOURS, check_emotions
from clser_engine.labels import USUAL_EMOTIONS, Emotion

SPACE_PX = 8
NAME, LETTER, KEY, COLOUR = range(4)
HEADERS = ("Name", "Letter", "Key", "Colour")
HELP = (
    "Double-click a field, or press F2, to change it.\n"
    "“None of these” (X) and “unsure” (U) are always there as answers."
)
NEW_NAMES = ("boredom", "contempt", "calm", "pride", "other")
OLD_NAME = Qt.ItemDataRole.UserRole  # of the name's cell: what the emotion was called before


@dataclass(frozen=True, slots=True, kw_only=True)
class EmotionSet:
    """An emotion set as the person wants it.

    Args:
        emotions: The set as it becomes.
        renames: New name of each old one that is renamed; its labels go with it.
    """

    emotions: tuple[Emotion, ...]
    renames: Mapping[str, str] = field(default_factory=dict)


class EmotionsDialog(QDialog):
    """Edits a copy of the emotion set; nothing changes until OK.

    Args:
        emotions: The set as it is.
        used: Names that labels carry: these can be renamed and recoloured, not removed.
        parent: The window above which it opens.
    """

    def __init__(
        self, emotions: Sequence[Emotion], used: frozenset[str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Emotions of the project")
        self._used = used
        self._table = QTableWidget(0, len(HEADERS), self)
        self._table.setHorizontalHeaderLabels(HEADERS)
        self._table.setAccessibleName("Emotions")
        self._table.verticalHeader().hide()
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._table.horizontalHeader().setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        self._table.itemChanged.connect(self._check)
        self._table.itemSelectionChanged.connect(self._check)
        self._table.cellDoubleClicked.connect(self._on_double_clicked)

        self._add = self._make_button("&Add", "Add an emotion", self._on_add)
        self._remove = self._make_button("&Remove", "Remove the emotion", self._on_remove)
        self._up = self._make_button("&Up", "Move the emotion up", lambda: self._move(-1))
        self._down = self._make_button("&Down", "Move the emotion down", lambda: self._move(1))
        self._colour = self._make_button("&Colour…", "Choose another colour", self._on_colour)
        self._problem = QLabel(self)
        self._problem.setWordWrap(True)
        self._problem.setAccessibleName("What must be changed, or what becomes of labels")
        self._buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)

        side = QVBoxLayout()
        for button in (self._add, self._remove, self._up, self._down, self._colour):
            side.addWidget(button)
        side.addStretch(1)
        middle = QHBoxLayout()
        middle.addWidget(self._table, stretch=1)
        middle.addLayout(side)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE_PX, 2 * SPACE_PX, 2 * SPACE_PX, 2 * SPACE_PX)
        layout.addWidget(QLabel(HELP, self))
        layout.addLayout(middle)
        layout.addWidget(self._problem)
        layout.addWidget(self._buttons)
        open_as_large_as(self, 520, 420)
        for emotion in emotions:
            self._append(emotion, emotion.name)
        self._table.setCurrentCell(0, NAME)
        self._check()

    def emotions(self) -> tuple[Emotion, ...]:
        """Return the set as it was edited."""
        return tuple(
            Emotion(
                name=self._text(row, NAME).lower(),
                letter=self._text(row, LETTER).upper(),
                colour=self._text(row, COLOUR),
                key=self._text(row, KEY),
            )
            for row in range(self._table.rowCount())
        )

    def renames(self) -> dict[str, str]:
        """Return the new name of each emotion that was there before and has another one now."""
        names = [(self._old_name(row), emotion.name) for row, emotion in enumerate(self.emotions())]
        return {old: new for old, new in names if old and old != new}

    def problem(self) -> str:
        """Return what must be changed before the set can be used, empty for nothing."""
        return check_emotions(self.emotions())

    def _append(self, emotion: Emotion, old_name: str = "") -> None:
        row = self._table.rowCount()
        self._table.insertRow(row)
        texts = (emotion.name, emotion.letter, emotion.key, emotion.colour)
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            if column == COLOUR:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
                item.setData(Qt.ItemDataRole.DecorationRole, QColor(text))
            if column == NAME:
                item.setData(OLD_NAME, old_name)
            self._table.setItem(row, column, item)

    def _text(self, row: int, column: int) -> str:
        item = self._table.item(row, column)
        return item.text().strip() if item is not None else ""

    def _old_name(self, row: int) -> str:
        item = self._table.item(row, NAME)
        return str(item.data(OLD_NAME) or "") if item is not None else ""

    def _what_labels_become(self) -> str:
        renamed = [
            f"{old} becomes {new}" for old, new in self.renames().items() if old in self._used
        ]
        if not renamed:
            return ""
        return f"In labels {', '.join(renamed)}; what the model suggests keeps its own word."

    def _check(self) -> None:
        if any(
            self._table.item(row, column) is None
            for row in range(self._table.rowCount())
            for column in range(len(HEADERS))
        ):
            return  # a row that is being filled
        problem = self.problem()
        self._problem.setText(problem or self._what_labels_become())
        self._buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(not problem)
        row = self._table.currentRow()
        is_used = row >= 0 and self._old_name(row) in self._used
        self._remove.setEnabled(row >= 0 and not is_used)
        self._remove.setToolTip(
            "Labels carry this emotion, so it can be renamed, not removed."
            if is_used
            else "Remove the emotion"
        )
        self._up.setEnabled(row > 0)
        self._down.setEnabled(0 <= row < self._table.rowCount() - 1)
        self._colour.setEnabled(row >= 0)

    def _on_add(self) -> None:
        emotions = self.emotions()
        names = {emotion.name for emotion in emotions}
        keys = [key for key in KEYS if key not in {emotion.key for emotion in emotions}]
        usual = next((emotion for emotion in USUAL_EMOTIONS if emotion.name not in names), None)
        letters = {emotion.letter for emotion in emotions}
        if usual is not None and usual.letter not in letters:
            name, letter, colour = usual.name, usual.letter, usual.colour
        else:
            name = next((name for name in NEW_NAMES if name not in names), "new")
            letter = next((c for c in (name + "zyxwv").upper() if c not in letters), "")
            taken = {emotion.colour for emotion in emotions}
            colour = next((c for c in SPARE_COLOURS if c not in taken), "#777777")
        key = keys[0] if keys else ""
        self._append(Emotion(name=name, letter=letter, colour=colour, key=key))
        row = self._table.rowCount() - 1
        self._table.setCurrentCell(row, NAME)
        self._check()
        item = self._table.item(row, NAME)
        if item is not None:
            self._table.editItem(item)

    def _on_remove(self) -> None:
        self._table.removeRow(self._table.currentRow())
        self._check()

    def _move(self, rows: int) -> None:
        old_names = [self._old_name(row) for row in range(self._table.rowCount())]
        entries = list(zip(self.emotions(), old_names, strict=True))
        row = self._table.currentRow()
        entries.insert(row + rows, entries.pop(row))
        self._table.setRowCount(0)
        for emotion, old_name in entries:
            self._append(emotion, old_name)
        self._table.setCurrentCell(row + rows, NAME)

    def _on_double_clicked(self, _row: int, column: int) -> None:
        if column == COLOUR:
            self._on_colour()

    def _on_colour(self) -> None:
        item = self._table.item(self._table.currentRow(), COLOUR)
        if item is None:
            return
        colour = QColorDialog.getColor(QColor(item.text()), self, "Colour of the emotion")
        if colour.isValid():
            item.setText(colour.name().upper())
            item.setData(Qt.ItemDataRole.DecorationRole, colour)

    def _make_button(self, text: str, help_text: str, clicked: object) -> QPushButton:
        button = QPushButton(text, self)
        button.setAccessibleName(help_text)
        button.setToolTip(help_text)
        button.clicked.connect(clicked)
        return button
