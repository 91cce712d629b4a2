"""What is always in sight: the project, the model in use and the state of the engine."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

SPACE_PX = 8
MARKS = {
    "starting": ("◌", "#8A8A8A"),
    "ready": ("●", "#009E73"),
    "busy": ("◐", "#0072B2"),
    "restarted": ("●", "#E69F00"),
    "failed": ("✕", "#D55E00"),
}


class TopBar(QFrame):
    """Shows three facts; a shape goes with each colour of the engine's state."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = QLabel(self)
        self._project.setAccessibleName("Project")
        self._project.setTextFormat(Qt.TextFormat.PlainText)
        bold = self._project.font()
        bold.setBold(True)
        self._project.setFont(bold)
        self._model = QLabel(self)
        self._model.setAccessibleName("Model in use")
        self._engine = QLabel(self)
        self._engine.setAccessibleName("State of the engine")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_PX, SPACE_PX // 2, SPACE_PX, SPACE_PX // 2)
        layout.setSpacing(3 * SPACE_PX)
        layout.addWidget(self._project)
        layout.addStretch(1)
        layout.addWidget(self._model)
        layout.addWidget(self._engine)
        self.set_project("")
        self.set_model("")
        self.set_engine("starting", "starting", "")

    def set_project(self, name: str, folder: str = "", read_only: bool = False) -> None:
        """Show the project's name; empty for none."""
        text = name or "No project"
        self._project.setText(f"{text} (read-only)" if read_only else text)
        self._project.setToolTip(folder or "Open a project or drop recordings on the window.")

    def set_model(self, model: str) -> None:
        """Show the model in use; empty while the engine has not said."""
        self._model.setText(f"model: {model.partition('@')[0]}" if model else "model: –")
        self._model.setToolTip(model or "Known when the engine is ready.")

    def set_engine(self, kind: str, text: str, device: str, notice: str = "") -> None:
        """Show the state of the engine in words with its mark.

        Args:
            kind: Its state.
            text: What it is busy with or why it failed.
            device: What it really runs on, empty while unknown.
            notice: Why that is not what was wished for, else empty.
        """
        mark, colour = MARKS.get(kind, MARKS["starting"])
        words = f"{kind} on {device}" if device and kind in ("ready", "busy") else kind
        if notice:
            words += ", not on the graphics card"
            text = f"{text}\n{notice}".strip()
        self._engine.setText(f"engine: {words} <span style='color:{colour}'>{mark}</span>")
        self._engine.setToolTip(text)
        self._engine.setAccessibleDescription(f"{words}. {text}")
