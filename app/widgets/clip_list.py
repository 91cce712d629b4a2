"""The clips of the project: a filter above a table."""

from collections.abc import Callable

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QStackedLayout,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.models.clip_filter import ClipFilter, LabelState
from app.models.clip_table import ClipTableModel, Column, Index
from app.models.words import answer_in_words

SPACE_PX = 8
COLUMN_WIDTHS_PX = {
    Column.NAME: 84,  # at least: it takes what the others leave
    Column.LENGTH: 54,
    Column.LANGUAGE: 40,
    Column.SPEAKER: 72,
    Column.LABEL: 122,
    Column.GUESS: 126,
}
GIVEN_UP_FIRST = (Column.SPEAKER, Column.LANGUAGE)
MORE_NAME_PX, MORE_SPEAKER_PX = 48, 48  # for longer names, where there is room
ANSWER_MARGINS_PX = 14  # around letter and words
LETTER_WIDTH_PX = 34  # of a column that shows the letter of an answer alone


def column_widths(room_px: int) -> dict[Column, int]:
    """Return the width of each column in a list of some width, 0 for none.

    What is known of the person goes first, for labels and suggestions are what the list is for;
    then these shrink to their letters.
    """
    widths = dict(COLUMN_WIDTHS_PX)
    for column in GIVEN_UP_FIRST:
        if sum(widths.values()) > room_px:
            widths[column] = 0
    answers = (Column.LABEL, Column.GUESS)
    left_px = room_px - sum(width for column, width in widths.items() if column not in answers)
    for column in answers:
        widths[column] = max(min(widths[column], left_px // 2), LETTER_WIDTH_PX)
    spare_px = room_px - sum(widths.values()) - MORE_NAME_PX
    if widths[Column.SPEAKER]:
        widths[Column.SPEAKER] += min(max(spare_px, 0), MORE_SPEAKER_PX)
    return widths


def fit_answer(text: str, room_px: int, width_of: Callable[[str], int]) -> str:
    """Return what of an answer is written beside its letter, which tells the emotion already.

    The confidence goes last: half a word says less than the letter alone.
    """
    shorter = " ".join(text.split(" ")[-2:]) if text.endswith("%") else ""
    return next((words for words in (text, shorter) if width_of(words) <= room_px), "")


class _AnswerDelegate(QStyledItemDelegate):
    """Draws answers, and of those that are too long what fits."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:  # noqa: N802
        super().initStyleOption(option, index)
        option.textElideMode = Qt.TextElideMode.ElideRight
        if option.icon.isNull():
            return
        room_px = option.rect.width() - option.decorationSize.width() - ANSWER_MARGINS_PX
        option.text = fit_answer(option.text, room_px, option.fontMetrics.horizontalAdvance)


class _GuessDelegate(_AnswerDelegate):
    """Notes whose suggestion was really on screen, too."""

    def __init__(self, clips: ClipTableModel, rows: ClipFilter, parent: QWidget) -> None:
        super().__init__(parent)
        self._clips = clips
        self._rows = rows
        self.drawn: set[str] = set()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)
        clip_id = self._clips.clip_at(self._rows.mapToSource(index).row()).clip_id
        if self._clips.guess_of(clip_id) is not None and self._clips.shows_guess(clip_id):
            self.drawn.add(clip_id)


class _Table(QTableView):
    """A table that fits its columns in, and in which letters and digits are keys of the program."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._widths: dict[Column, int] = {}

    def keyboardSearch(self, search: str) -> None:  # noqa: N802  its name in Qt
        """Do not search names: for each key that means nothing now Qt would read every row."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        widths = column_widths(self.viewport().width())
        if widths != self._widths:  # else what the person made of the columns stays
            self._widths = widths
            for column, width in widths.items():
                self.setColumnHidden(column, not width)
                if width:
                    self.setColumnWidth(column, width)
        super().resizeEvent(event)


class ClipList(QWidget):
    """Shows the clips and says which one the person wants to see.

    Signals:
        clip_chosen: Id of the clip that became the current one by the person's hand, or empty.
        selection_changed: The set of selected clips changed.
    """

    clip_chosen = Signal(str)
    selection_changed = Signal()

    def __init__(self, clips: ClipTableModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clips = clips
        self._rows = ClipFilter(clips, self)
        self._is_filtering = False

        self.text_filter = QLineEdit(self)
        self.text_filter.setPlaceholderText("Filter by name, speaker, language, label")
        self.text_filter.setAccessibleName("Filter clips by text")
        self.text_filter.setClearButtonEnabled(True)
        self.text_filter.textChanged.connect(
            lambda text: self._filter(lambda: self._rows.set_text(text))
        )
        self.text_filter.returnPressed.connect(self._on_return_pressed)
        self.state_filter = QComboBox(self)
        self.state_filter.setAccessibleName("Filter clips by their labels")
        self.state_filter.setToolTip("Show only clips whose labels are in this state")
        self.state_filter.addItems([state.value for state in LabelState])
        self.state_filter.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.state_filter.currentIndexChanged.connect(self._on_state_chosen)
        self._count = QLabel(self)
        self._count.setAccessibleName("Number of clips")
        self._balance = QLabel(self)
        self._balance.setAccessibleName("How many clips have each answer")
        self._balance.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

        self.table = _Table(self)
        self.table.setModel(self._rows)
        self.table.setAccessibleName("Clips")
        self.table.setAccessibleDescription("Recordings of the project with labels and suggestions")
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSortingEnabled(True)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.setTabKeyNavigation(False)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        rows = self.table.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(self.fontMetrics().height() + SPACE_PX)
        columns = self.table.horizontalHeader()
        columns.setHighlightSections(False)
        columns.setTextElideMode(Qt.TextElideMode.ElideRight)
        columns.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
        columns.setSortIndicator(Column.NAME, Qt.SortOrder.AscendingOrder)
        columns.setAccessibleName("Columns of the clip list")
        self._label_delegate = _AnswerDelegate(self)
        self.table.setItemDelegateForColumn(Column.LABEL, self._label_delegate)
        self._guess_delegate = _GuessDelegate(clips, self._rows, self)
        self.table.setItemDelegateForColumn(Column.GUESS, self._guess_delegate)

        self._nothing = QLabel(self)
        self._nothing.setWordWrap(True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.setMargin(2 * SPACE_PX)
        self._nothing.setAccessibleName("Why the list is empty")
        self._empty_text = "No project is open. Open one, or drop recordings here."

        filters = QHBoxLayout()
        filters.addWidget(self.text_filter, stretch=1)
        filters.addWidget(self.state_filter)
        self.state_filter.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.state_filter.setMinimumContentsLength(10)
        self.state_filter.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        pages = QWidget(self)
        self._pages = QStackedLayout(pages)
        self._pages.addWidget(self.table)
        self._pages.addWidget(self._nothing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_PX, SPACE_PX, SPACE_PX // 2, 0)
        layout.addLayout(filters)
        layout.addWidget(pages, stretch=1)
        layout.addWidget(self._count)
        layout.addWidget(self._balance)
        self._layout = layout

        picked = self.table.selectionModel()
        picked.currentRowChanged.connect(self._on_current_row_changed)
        picked.selectionChanged.connect(self._on_selection_changed)
        for changed in (
            self._rows.rowsInserted,
            self._rows.rowsRemoved,
            self._rows.modelReset,
            self._rows.layoutChanged,
            clips.dataChanged,
        ):
            changed.connect(self._show_count)
        self._show_count()

    @property
    def empty_text(self) -> str:
        """What to do next while the project has no clips."""
        return self._empty_text

    @property
    def drawn_guesses(self) -> set[str]:
        """Clips whose suggestion was on screen in the list."""
        return self._guess_delegate.drawn

    def set_footer(self, footer: QWidget) -> None:
        """Put a widget below the number of clips."""
        self._layout.insertWidget(self._layout.indexOf(self._balance), footer)

    def set_empty_text(self, text: str) -> None:
        """Say what to do next while the project has no clips."""
        self._empty_text = text
        self._show_count()

    def current_clip_id(self) -> str:
        """Return the clip under the list's cursor, or empty."""
        return self._clip_id(self.table.currentIndex())

    def selected_clip_ids(self) -> tuple[str, ...]:
        """Return the selected clips in the order of the list."""
        rows = self.table.selectionModel().selectedRows()
        return tuple(self._clip_id(index) for index in sorted(rows, key=QModelIndex.row))

    def take_focus(self) -> None:
        """Let keys work at once: no field or button keeps Space or letters for itself."""
        if not self.text_filter.text():
            self.table.setFocus()

    def shown_clip_ids(self) -> tuple[str, ...]:
        """Return the clips that pass the filter, in the order of the list."""
        return tuple(
            self._clip_id(self._rows.index(row, 0)) for row in range(self._rows.rowCount())
        )

    def choose(self, clip_id: str) -> bool:
        """Make a clip the current one; False if the filter hides it."""
        row = self._clips.row_of(clip_id)
        if row is None:
            return False
        index = self._rows.mapFromSource(self._clips.index(row, Column.NAME))
        if not index.isValid():
            return False
        self._go_to(index)
        return True

    def step(self, rows: int) -> bool:
        """Go some rows down (or up, if negative); False at the end of the list."""
        current = self.table.currentIndex()
        row = current.row() + rows if current.isValid() else 0
        if not 0 <= row < self._rows.rowCount():
            return False
        self._go_to(self._rows.index(row, Column.NAME))
        return True

    def step_to_unanswered(self) -> bool:
        """Go to the next readable clip without a label, from the top after the last one."""
        count = self._rows.rowCount()
        start = self.table.currentIndex().row() + 1
        for offset in range(count):
            index = self._rows.index((start + offset) % count, Column.NAME)
            clip_id = self._clip_id(index)
            clip = self._clips.clip(clip_id)
            if clip is not None and not clip.problem and not self._clips.labels_of(clip_id):
                self._go_to(index)
                return True
        return False

    def _go_to(self, index: QModelIndex) -> None:
        self.table.selectionModel().setCurrentIndex(
            index,
            QItemSelectionModel.SelectionFlag.ClearAndSelect
            | QItemSelectionModel.SelectionFlag.Rows,
        )
        self.table.scrollTo(index, QAbstractItemView.ScrollHint.EnsureVisible)

    def _clip_id(self, index: QModelIndex) -> str:
        if not index.isValid():
            return ""
        return self._clips.clip_at(self._rows.mapToSource(index).row()).clip_id

    @Slot(QModelIndex, QModelIndex)
    def _on_current_row_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if not self._is_filtering:
            self.clip_chosen.emit(self._clip_id(current))

    @Slot(QItemSelection, QItemSelection)
    def _on_selection_changed(self, _gained: QItemSelection, _lost: QItemSelection) -> None:
        self.selection_changed.emit()

    @Slot(int)
    def _on_state_chosen(self, position: int) -> None:
        self._filter(lambda: self._rows.set_state(list(LabelState)[position]))

    @Slot()
    def _on_return_pressed(self) -> None:
        self.table.setFocus()

    def _filter(self, change: Callable[[], None]) -> None:
        """Show other rows; the clip on screen stays, also when its row is filtered out."""
        held = self.current_clip_id()
        self._is_filtering = True
        change()
        if not self.choose(held):
            picked = self.table.selectionModel()
            picked.setCurrentIndex(QModelIndex(), QItemSelectionModel.SelectionFlag.Clear)
        self._is_filtering = False
        self._show_count()

    @Slot()
    def _show_count(self) -> None:
        shown, total = self._rows.rowCount(), self._clips.rowCount()
        answered = self._clips.num_answered()
        clips = f"{total:,} clip" + ("" if total == 1 else "s")
        if shown != total:
            clips = f"{shown:,} of {clips}"
        balance = "   ".join(
            f"{answer_in_words(answer)} {count:,}"
            for answer, count in sorted(self._clips.answer_counts().items())
        )
        unreadable = self._clips.num_unreadable()
        problems = f", {unreadable:,} cannot be read" if unreadable else ""
        self._count.setText(f"{clips}, {answered:,} answered{problems}" if total else "")
        self._count.setToolTip(f"The filter “{LabelState.PROBLEM}” shows which." * bool(unreadable))
        self._balance.setText(balance)
        self._balance.setToolTip(f"Answers about whole clips: {balance}" if balance else "")
        if shown:
            self._pages.setCurrentWidget(self.table)
        else:
            self._nothing.setText(
                "No clip passes the filter. Clear it to see all clips."
                if total
                else self._empty_text
            )
            self._pages.setCurrentWidget(self._nothing)
