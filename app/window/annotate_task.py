"""The Annotate task: clips at the left; time axis, transport and answers at the right."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from app.views.timeline_panel import TimelinePanel
from app.widgets.clip_list import ClipList
from app.widgets.label_bar import LabelBar
from app.widgets.transport_bar import TransportBar

LIST_WIDTH_PX = 530
MAX_LIST_SHARE = 0.45
ROOMY_LIST_SHARE = 0.33  # a wide window has room for longer names too
SPACE_PX = 8


class AnnotateTask(QWidget):
    """Puts the parts of the task beside each other; it holds no logic."""

    def __init__(
        self,
        clip_list: ClipList,
        timeline: TimelinePanel,
        transport: TransportBar,
        label_bar: LabelBar,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._timeline = timeline
        self._nothing = QLabel("The recording that you choose is drawn here.", self)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.setWordWrap(True)
        self._nothing.setMargin(4 * SPACE_PX)
        self._nothing.setAccessibleName("Why no recording is shown")
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self._nothing)
        self._pages.addWidget(timeline)
        self._notice = QLabel(self)
        self._notice.setWordWrap(True)
        self._notice.setTextFormat(Qt.TextFormat.PlainText)
        self._notice.setMargin(SPACE_PX // 2)
        self._notice.setAccessibleName("What to know about the recording")
        self._notice.hide()
        right = QWidget(self)
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._notice)
        column.addWidget(self._pages, stretch=1)
        column.addWidget(transport)
        column.addWidget(label_bar)
        self.splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self.splitter.setAccessibleName("Clips and recording")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(clip_list)
        self.splitter.addWidget(right)
        self.splitter.setStretchFactor(0, 0)
        self.splitter.setStretchFactor(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.splitter)

    def share_out(self, width: int) -> None:
        """Give the list the width that shows all its columns, but never more than its share."""
        wished = max(LIST_WIDTH_PX, round(ROOMY_LIST_SHARE * width))
        list_width = min(wished, round(MAX_LIST_SHARE * width))
        self.splitter.setSizes([list_width, width - list_width])

    @property
    def text(self) -> str:
        """What stands in place of a recording, empty while one is shown."""
        return self._nothing.text() if self._pages.currentWidget() is self._nothing else ""

    @property
    def notice(self) -> str:
        """What stands above the recording, empty for nothing."""
        return self._notice.text()

    def show_notice(self, sentence: str) -> None:
        """Say above the recording what is to be known about it; empty for nothing."""
        self._notice.setText(sentence)
        self._notice.setVisible(bool(sentence))

    def show_timeline(self) -> None:
        """Show the recording."""
        self._pages.setCurrentWidget(self._timeline)

    def show_text(self, text: str) -> None:
        """Say in place of a recording why there is none."""
        self._nothing.setText(text)
        self._pages.setCurrentWidget(self._nothing)
