"""The strip at the bottom: work that runs, and whether everything is on disk."""

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from app.widgets.progress_strip import ProgressStrip

SPACE_PX = 8


class BottomStrip(QFrame):
    """Holds a progress strip for each kind of long work and says what is saved."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.adding = ProgressStrip(parent=self)
        self.analysing = ProgressStrip(parent=self)
        self._saved = QLabel(self)
        self._saved.setAccessibleName("Whether every label is on disk")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_PX, 2, SPACE_PX, 2)
        layout.setSpacing(3 * SPACE_PX)
        layout.addWidget(self.adding)
        layout.addWidget(self.analysing)
        layout.addStretch(1)
        layout.addWidget(self._saved)
        self.setMinimumHeight(self.fontMetrics().height() + 2 * SPACE_PX)  # does not jump

    @property
    def saved_text(self) -> str:
        """What the strip says about saving."""
        return self._saved.text()

    def set_saved(self, text: str, help_text: str) -> None:
        """Say what is on disk."""
        self._saved.setText(text)
        self._saved.setToolTip(help_text)
