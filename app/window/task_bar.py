"""The narrow bar at the left that switches between the tasks that exist."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QToolButton, QVBoxLayout, QWidget

SPACE_PX = 8
WIDTH_PX = 64
TASKS = (("annotate", "✎", "Annotate", "Listen to clips and label them"),)


class TaskBar(QFrame):
    """One button for each task; the current one is pressed.

    Signals:
        task_chosen: Name of the task.
    """

    task_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(WIDTH_PX)
        self._group = QButtonGroup(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, SPACE_PX, 2, SPACE_PX)
        for name, mark, text, help_text in TASKS:
            button = QToolButton(self)
            button.setText(f"{mark}\n{text}")
            button.setToolTip(help_text)
            button.setAccessibleName(text)
            button.setCheckable(True)
            button.setAutoRaise(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setFixedSize(WIDTH_PX - 4, 52)
            button.clicked.connect(lambda _checked, name=name: self.task_chosen.emit(name))
            self._group.addButton(button)
            layout.addWidget(button)
        self._group.buttons()[0].setChecked(True)
        layout.addStretch(1)
