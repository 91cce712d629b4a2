"""What suggestions rest on: one quiet line below the clips, with a menu to choose."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QStyleOptionToolButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.widgets.elided_label import ElidedLabel

BUSY = "comparing clips…"
NOTHING_YET = "no clip has been analysed yet"
MARK = "⚠ "
SPACE_PX = 8
MAX_SENTENCES = 3  # the list of clips needs the room more; pointing at them shows all


class _MenuButton(QToolButton):
    """A button with a menu and an arrow of its own: Qt's looks like a comma in small buttons."""

    def initStyleOption(self, option: QStyleOptionToolButton) -> None:  # noqa: N802  its name in Qt
        super().initStyleOption(option)
        option.features &= ~QStyleOptionToolButton.ToolButtonFeature.HasMenu


class StatisticsLine(QWidget):
    """Says what suggestions rest on, and below it what there is to know about that.

    Args:
        menu: The choices.
        parent: Owner.
    """

    def __init__(self, menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = ElidedLabel(self, Qt.TextElideMode.ElideRight)
        self._words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._words.setAccessibleName("What suggestions rest on")
        self._button = _MenuButton(self)
        self._button.setText("Change ▾")
        self._button.setAutoRaise(True)
        self._button.setMenu(menu)
        self._button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._button.setAccessibleName("Change what suggestions rest on")
        self._button.setToolTip("Choose what the model compares each clip with")
        self._remark = QLabel(self)
        self._remark.setAccessibleName("What to know about the suggestions")
        self._remark.setTextFormat(Qt.TextFormat.PlainText)
        self._remark.setWordWrap(True)
        line = QHBoxLayout()
        line.setSpacing(SPACE_PX)
        line.addWidget(self._words, stretch=1)
        line.addWidget(self._button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(line)
        layout.addWidget(self._remark)
        self.show_statistics("", (), "", is_busy=False)

    @property
    def text(self) -> str:
        """What the line says."""
        return self._words.text()

    @property
    def remark(self) -> str:
        """What stands below it, empty for nothing."""
        return self._remark.text()

    def show_statistics(
        self, words: str, notices: tuple[str, ...], effect: str, *, is_busy: bool
    ) -> None:
        """Say what suggestions rest on.

        Args:
            words: For example `adapted to 34 clips of this project`, empty for nothing yet.
            notices: What there is to know about it, one sentence each.
            effect: What the last choice changed, or empty.
            is_busy: Whether it is being computed anew.
        """
        self._words.show_text(f"Suggestions: {BUSY if is_busy else words or NOTHING_YET}")
        sentences = [*([effect] if effect else []), *(MARK + notice for notice in notices)]
        more = len(sentences) - MAX_SENTENCES
        shown = [*sentences[:MAX_SENTENCES], *([f"… and {more} more"] if more > 0 else [])]
        self._remark.setText("\n".join(shown))
        self._remark.setToolTip("\n".join(sentences))
        self._remark.setVisible(bool(sentences))
