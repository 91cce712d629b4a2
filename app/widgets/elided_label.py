"""A line of text that never asks for more room than there is."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QWidget


class ElidedLabel(QLabel):
    """Cuts plain text in the middle, where a path is least telling; its tooltip shows it whole.

    Marked up text is shown as a label shows it.

    Args:
        parent: Owner.
        cut: Where else to cut.
    """

    def __init__(
        self,
        parent: QWidget | None = None,
        cut: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle,
    ) -> None:
        super().__init__(parent)
        self._cut = cut

    def show_text(self, text: str, text_format: Qt.TextFormat = Qt.TextFormat.PlainText) -> None:
        """Show a text; one that may hold a file's name is plain."""
        self.setTextFormat(text_format)
        self.setText(text)
        self.setToolTip(text if self._is_plain else "")
        self.updateGeometry()

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        return QSize(0, hint.height()) if self._is_plain else hint

    def paintEvent(self, event: QPaintEvent) -> None:
        text, metrics = self.text(), self.fontMetrics()
        if not self._is_plain or metrics.horizontalAdvance(text) <= self.width():
            super().paintEvent(event)
            return
        painter = QPainter(self)
        shown = metrics.elidedText(text, self._cut, self.width())
        painter.drawText(self.rect(), self.alignment(), shown)
        painter.end()

    @property
    def _is_plain(self) -> bool:
        return self.textFormat() == Qt.TextFormat.PlainText
