"""The window: shows what it is given and says what the person asks for."""

from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QVBoxLayout, QWidget

from app.domain.time_span import TimeSpan
from app.errors import Explanation
from app.models.clip_table import ClipTableModel
from app.views.timeline_panel import TimelinePanel
from app.widgets.clip_list import ClipList
from app.widgets.emotion_swatch import AnswerIcons
from app.widgets.label_bar import LabelBar
from app.widgets.message_bar import MessageBar
from app.widgets.statistics_line import StatisticsLine
from app.widgets.top_bar import TopBar
from app.widgets.transport_bar import TransportBar
from app.window.action_set import ActionSet
from app.window.action_table import ANSWER_PREFIX
from app.window.annotate_task import AnnotateTask
from app.window.bottom_strip import BottomStrip
from app.window.key_guard import KeyGuard
from app.window.task_bar import TaskBar
from clser_engine.labels import Emotion

TITLE = "CLSER Studio"
PAN_SHARE = 0.2  # of what is in view, for each press of a key
CURSOR_SHARE = 0.01  # of what is in view: some pixels, and finer the closer one looks
FIRST_SIZE = QSize(1280, 760)
TITLE_SIZE = QSize(0, 32)  # what the desktop draws above a window, unknown before it is shown
NO_PROJECT = "Open a project (Ctrl+O), or drop recordings, a folder or a project on the window."


class MainWindow(QMainWindow):
    """The one window of the program.

    Signals:
        answer_requested: The answer that the person chose by key or button.
        accept_requested: The person takes the suggestion.
        paths_dropped: Files or folders that were dropped (tuple of `Path`).
        label_saved: Id of a label that is on disk and on screen.
        theme_changed: The system or the person changed between light and dark.
        closing: The window goes away.
    """

    answer_requested = Signal(str)
    accept_requested = Signal()
    paths_dropped = Signal(object)
    label_saved = Signal(str)
    theme_changed = Signal()
    closing = Signal()

    def __init__(self, clips: ClipTableModel, icons: AnswerIcons) -> None:
        super().__init__()
        self.setWindowTitle(TITLE)
        self.setAcceptDrops(True)
        self._icons = icons
        self._emotions: tuple[Emotion, ...] = ()

        self.actions_ = ActionSet(self)
        self.top_bar = TopBar(self)
        self.message_bar = MessageBar(self)
        self.task_bar = TaskBar(self)
        self.clip_list = ClipList(clips, self)
        self.statistics = StatisticsLine(self.actions_.menu("E&ngine/&Suggestions"), self)
        self.clip_list.set_footer(self.statistics)
        self.timeline = TimelinePanel(self)
        self.transport = TransportBar(self.actions_["play_pause"], self.actions_["loop"], self)
        self.label_bar = LabelBar(icons, self)
        self.annotate = AnnotateTask(
            self.clip_list, self.timeline, self.transport, self.label_bar, self
        )
        self.bottom = BottomStrip(self)
        self.fit_into(self.screen().availableSize() - TITLE_SIZE)

        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.task_bar)
        middle.addWidget(self.annotate, stretch=1)
        centre = QWidget(self)
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top_bar)
        column.addWidget(self.message_bar)
        column.addLayout(middle, stretch=1)
        column.addWidget(self.bottom)
        self.setCentralWidget(centre)

        self._key_guard = KeyGuard(self, self._on_digit_pressed)
        self.label_bar.answer_requested.connect(self.answer_requested)
        self.label_bar.accept_requested.connect(self.accept_requested)
        self._connect_own_actions()
        self.set_emotions(())
        self.set_project("", "", False)
        self.setFocus()  # not the first button or field, which would keep Space for itself

    def fit_into(self, room: QSize) -> None:
        """Take the first size, or the room that there is, and share it out."""
        self.resize(FIRST_SIZE.boundedTo(room))
        self.annotate.share_out(self.width())

    def set_project(self, name: str, folder: str, is_read_only: bool) -> None:
        """Show which project is open; an empty name for none."""
        self.setWindowTitle(f"{name} – {TITLE}" if name else TITLE)
        self.top_bar.set_project(name, folder, is_read_only)
        self.clip_list.set_empty_text(
            "This project has no clips yet. Drop recordings or a folder here, or press"
            " Ctrl+Shift+O."
            if name
            else NO_PROJECT
        )
        if name and is_read_only:
            self.bottom.set_saved("read-only", "Nothing can be changed in this project.")
        else:
            self.bottom.set_saved("saved ✓" if name else "", "Every change is on disk.")

    def set_emotions(self, emotions: tuple[Emotion, ...]) -> None:
        """Offer the answers of a project."""
        self._emotions = emotions
        self._icons.set_emotions(emotions)
        self.actions_.set_answers(emotions, self.answer_requested.emit)
        self.label_bar.set_emotions(emotions)
        self.timeline.set_emotions(emotions)

    def allow_answers(self, why_not: str) -> None:
        """Enable answering, or say why it is off."""
        self.actions_.allow_answers(why_not)
        self.label_bar.allow(why_not)

    def allow_accept(self, why_not: str) -> None:
        """Enable taking the suggestion, or say why it is off."""
        self.actions_.allow("accept", why_not)
        self.label_bar.allow_accept(why_not)

    @Slot(object)
    def set_target(self, span: TimeSpan | None) -> None:
        """Say what an answer is about."""
        self.label_bar.set_target(span)

    @Slot(str, bool)
    def show_saved_label(self, label_id: str, goes_on: bool) -> None:
        """Show that a label is on disk, and go to the next clip if that is wished."""
        self.bottom.set_saved("saved ✓", f"Label {label_id[:8]} is on disk.")
        if goes_on and self.actions_["auto_advance"].isChecked():
            self.clip_list.step(1)
        self.label_saved.emit(label_id)

    @Slot()
    def show_unsaved(self) -> None:
        """Show that the last answer is not on disk."""
        self.bottom.set_saved("last answer not saved ✕", "The message above says why.")

    def show_explanation(self, explanation: Explanation) -> None:
        """Show an error as one sentence with its details."""
        self.message_bar.show_error(explanation.sentence, explanation.details)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ThemeChange):
            self.theme_changed.emit()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.closing.emit()
        super().closeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _local_paths(event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = _local_paths(event.mimeData().urls())
        if paths:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.paths_dropped.emit(paths)

    def _connect_own_actions(self) -> None:
        connect = self.actions_.connect
        connect("accept", self.accept_requested.emit)
        connect("next_clip", lambda: self.clip_list.step(1))
        connect("previous_clip", lambda: self.clip_list.step(-1))
        connect("next_unanswered", self.clip_list.step_to_unanswered)
        connect("find", self.clip_list.text_filter.setFocus)
        connect("zoom_in", self.timeline.zoom_in)
        connect("zoom_out", self.timeline.zoom_out)
        connect("zoom_fit", self.timeline.zoom_fit)
        connect("zoom_to_span", self.timeline.zoom_to_span)
        connect("clear_selection", self.timeline.clear_selection)
        connect("span_start", self.timeline.start_at_playhead)
        connect("span_end", self.timeline.end_at_playhead)
        connect("cursor_left", lambda: self.timeline.step_playhead(-CURSOR_SHARE))
        connect("cursor_right", lambda: self.timeline.step_playhead(CURSOR_SHARE))
        connect("pan_left", lambda: self.timeline.pan(-PAN_SHARE))
        connect("pan_right", lambda: self.timeline.pan(PAN_SHARE))
        connect("quit", self.close)

    def _on_digit_pressed(self, digit: int) -> bool:
        for emotion in self._emotions:
            if emotion.key == str(digit):
                action = self.actions_[f"{ANSWER_PREFIX}{emotion.name}"]
                action.trigger()
                return action.isEnabled()
        return False


def _local_paths(urls: list[QUrl]) -> tuple[Path, ...]:
    return tuple(Path(url.toLocalFile()) for url in urls if url.isLocalFile())
