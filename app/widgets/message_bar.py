"""One sentence about what went wrong or what to do next, in the window and out of the way."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QStyle,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

SPACE_PX = 8
DETAILS_HEIGHT_PX = 120
MARK_PX = 16


class MessageBar(QFrame):
    """Shows the newest message, with a way out where there is one, until it is dismissed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._mark = QLabel(self)
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setAccessibleName("Message")
        self._take: Callable[[], object] | None = None
        self._way_out = QToolButton(self)
        self._way_out.setAccessibleName("Way out")  # until there is one
        self._way_out.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._way_out.clicked.connect(self._on_way_out_taken)
        self._more = QToolButton(self)
        self._more.setText("Details")
        self._more.setAccessibleName("Show details of the message")
        self._more.setCheckable(True)
        self._more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._dismiss = QToolButton(self)
        self._dismiss.setText("Dismiss")
        self._dismiss.setAccessibleName("Dismiss the message")
        self._dismiss.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._details = QPlainTextEdit(self)
        self._details.setReadOnly(True)
        self._details.setAccessibleName("Details of the message")
        self._details.setFixedHeight(DETAILS_HEIGHT_PX)
        self._details.hide()
        row = QHBoxLayout()
        row.addWidget(self._mark)
        row.addWidget(self._text, stretch=1)
        row.addWidget(self._way_out)
        row.addWidget(self._more)
        row.addWidget(self._dismiss)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_PX, SPACE_PX // 2, SPACE_PX, SPACE_PX // 2)
        layout.addLayout(row)
        layout.addWidget(self._details)
        self._more.toggled.connect(self._details.setVisible)
        self._dismiss.clicked.connect(self.dismiss)
        self.hide()

    @property
    def text(self) -> str:
        """The sentence on screen, empty for none."""
        return self._text.text() if not self.isHidden() else ""

    def show_error(self, sentence: str, details: str = "") -> None:
        """Say what went wrong."""
        self._show(QStyle.StandardPixmap.SP_MessageBoxWarning, sentence, details)

    def show_hint(self, text: str) -> None:
        """Say what can be done next."""
        self._show(QStyle.StandardPixmap.SP_MessageBoxInformation, text, "")

    def offer(self, text: str, help_text: str, take: Callable[[], object]) -> None:
        """Put a button beside the message on screen that does what the message advises."""
        self._take = take
        self._way_out.setText(text)
        self._way_out.setAccessibleName(text)
        self._way_out.setToolTip(help_text)
        self._way_out.show()

    @Slot()
    def dismiss(self) -> None:
        """Take the message away."""
        self._more.setChecked(False)
        self.hide()

    def _show(self, mark: QStyle.StandardPixmap, text: str, details: str) -> None:
        self._mark.setPixmap(self.style().standardIcon(mark).pixmap(MARK_PX, MARK_PX))
        self._text.setText(text)
        self._details.setPlainText(details)
        self._more.setChecked(False)
        self._more.setVisible(bool(details))
        self._take = None
        self._way_out.hide()
        self.show()

    @Slot()
    def _on_way_out_taken(self) -> None:
        take = self._take
        self.dismiss()
        if take is not None:
            take()
