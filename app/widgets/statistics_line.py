"""What suggestions rest on: one quiet line below the clips, with a menu to choose."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.widgets.elided_label import ElidedLabel

BUSY = "adapting…"
NOTHING_YET = "nothing was analysed yet"
MARK = "⚠ "
ARROW_ROOM_PX = 28


class _ElidedButton(QToolButton):
    """A button whose text is cut where there is no room for it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_text(self, text: str) -> None:
        """Show a text, or as much of it as there is room for."""
        self._whole = text
        self._fit()

    def sizeHint(self) -> QSize:
        width = self.fontMetrics().horizontalAdvance(self._whole) + ARROW_ROOM_PX
        return QSize(width, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        room = self.width() - ARROW_ROOM_PX
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, room))


class StatisticsLine(QWidget):
    """Says what suggestions rest on, and below it what there is to know about that.

    Args:
        menu: The choices.
        parent: Owner.
    """

    def __init__(self, menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._button = _ElidedButton(self)
        self._button.setAutoRaise(True)
        self._button.setMenu(menu)
        self._button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self._button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._remark = ElidedLabel(self)
        self._remark.setAccessibleName("What to know about the suggestions")
        self._remark.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._button)
        layout.addWidget(self._remark)
        self.show_statistics("", (), "", is_busy=False)

    @property
    def text(self) -> str:
        """What the line says, whole."""
        return self._button.accessibleName()

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
        text = f"Suggestions: {BUSY if is_busy else words or NOTHING_YET}"
        self._button.show_text(text)
        self._button.setAccessibleName(text)
        sentences = [MARK + notice for notice in notices] + [effect] * bool(effect)
        remark = "   ".join(sentences)
        self._button.setAccessibleDescription(f"{' '.join(notices)} {effect}".strip())
        self._button.setToolTip(
            "\n".join([text + ".", *notices, "Click to choose what they are compared with."])
        )
        self._remark.show_text(remark)
        self._remark.setToolTip("\n".join(sentences))
        self._remark.setVisible(bool(remark))
