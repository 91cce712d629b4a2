"""All panes of the selected recording on one time axis.

The panel shows and asks. Wiring:

    controller.source_opened.connect(panel.set_source)
    controller.source_changed.connect(panel.refresh_source)
    panel.load_requested.connect(controller.load)

with an `app.controllers.source_controller.SourceController`.
"""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.domain.labels import Label
from app.domain.time_span import TimeSpan
from app.services.peaks import AudioSource
from app.services.ribbon import NO_SPEECH, Ribbon
from app.views.emotion_colours import words_of
from app.views.label_view import LabelView
from app.views.overlay import Overlay
from app.views.overview_view import OverviewView
from app.views.posterior_view import NO_SPEECH_WORDS, PosteriorView
from app.views.ruler_view import RulerView, format_time
from app.views.spectrogram_view import SpectrogramView
from app.views.time_axis import ZOOM_STEP, TimeAxis
from app.views.time_pane import GUTTER_PX, TimePane
from app.views.waveform_view import WaveformView
from clser_engine.labels import Emotion
from clser_engine.types import Posteriors

LOAD_DELAY_MS = 40  # a wheel turns in many small steps: load what is fine once it rests
KEY_PAN = 0.2  # of the visible span
PANE_STRETCH = {"waveform": 3, "spectrogram": 3, "posteriors": 4}


class TimelinePanel(QWidget):
    """Overview, ruler, waveform, spectrogram, posterior lanes, labels and a line of exact values.

    Signals:
        seek_requested: Seconds; the person clicked there.
        span_selected: `TimeSpan` or None; the person selected a stretch or nothing.
        label_selected: Id of the label that the person chose, empty for none; comes after its span.
        label_moved: Id of a label and the `TimeSpan` that the person wants it to have.
        view_changed: Start and end of the visible span, seconds.
        load_requested: The source, and what of it the view lacks (`Loaded`).
    """

    seek_requested = Signal(float)
    span_selected = Signal(object)
    label_selected = Signal(str)
    label_moved = Signal(str, object)
    view_changed = Signal(float, float)
    load_requested = Signal(object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Timeline"))
        self.setAccessibleDescription(
            self.tr("Waveform, spectrogram, posteriors and labels of the selected recording")
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._source: AudioSource | None = None
        self.axis = TimeAxis(self)
        self.overview = OverviewView(self.axis, self)
        self.ruler = RulerView(self.axis, self)
        self.waveform = WaveformView(self.axis, self)
        self.spectrogram = SpectrogramView(self.axis, self)
        self.posteriors = PosteriorView(self.axis, self)
        self.labels = LabelView(self.axis, self)
        self.readout = QLabel(self)
        self.readout.setAccessibleName(self.tr("Values under the pointer"))
        self.readout.setTextFormat(Qt.TextFormat.PlainText)
        self.readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.readout.setContentsMargins(6, 2, 6, 2)
        self._overlay = Overlay(self.axis, self)

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for pane in self.panes:
            layout.addWidget(pane, PANE_STRETCH.get(pane.accessibleName().lower(), 0))
            pane.installEventFilter(self)
        layout.addWidget(self.readout)

        self._load_timer = QTimer(self, interval=LOAD_DELAY_MS, singleShot=True)
        self._load_timer.timeout.connect(self._ask_for_fine_data)
        self.axis.view_changed.connect(self._on_view_changed)
        self.axis.selection_finished.connect(self.span_selected)
        self.axis.selection_finished.connect(self.labels.follow_selection)  # after the span
        self.axis.selection_changed.connect(lambda _: self._show_values())
        self.axis.pointer_changed.connect(lambda _: self._show_values())
        self.axis.seek_requested.connect(self.seek_requested)
        self.labels.label_selected.connect(self.label_selected)
        self.labels.label_moved.connect(self.label_moved)
        self._show_values()

    @property
    def panes(self) -> tuple[TimePane, ...]:
        """All panes, from top to bottom."""
        return (
            self.overview,
            self.ruler,
            self.waveform,
            self.spectrogram,
            self.posteriors,
            self.labels,
        )

    @property
    def source(self) -> AudioSource | None:
        """What is drawn."""
        return self._source

    @property
    def selected_span(self) -> TimeSpan | None:
        """What is selected."""
        return self.axis.selection

    @property
    def visible_span(self) -> TimeSpan:
        """What is on screen."""
        return TimeSpan(self.axis.start_s, self.axis.end_s)

    @Slot(object)
    def set_source(self, source: AudioSource | None) -> None:
        """Show another recording from its start, whole; None shows nothing.

        Another channel of the same recording leaves view, playhead and selection where they are.
        """
        before, self._source = self._source, source
        for pane in (self.overview, self.waveform, self.spectrogram):
            pane.set_source(source)
        if source is None or before is None or source.info.path != before.info.path:
            self.axis.set_duration(source.duration_s if source else 0.0)
        self._load_timer.start()

    @Slot()
    def refresh_source(self) -> None:
        """Draw what was read or loaded meanwhile."""
        if self._source is not None:
            if self._source.duration_s != self.axis.duration_s:
                self.axis.correct_duration(self._source.duration_s)
            for pane in (self.overview, self.waveform, self.spectrogram):
                pane.redraw()
            self._load_timer.start()

    def set_posteriors(self, posteriors: Posteriors | None, ribbon: Ribbon | None = None) -> None:
        """Show posteriors and their stretches of one emotion, None for not analysed."""
        self.posteriors.set_posteriors(posteriors, ribbon)
        self.overview.set_ribbon(self.posteriors.ribbon)
        self._show_values()

    def set_analysis_state(self, words: str) -> None:
        """Say in the posterior pane what is going on, for example `analysing 40 %`."""
        self.posteriors.set_state(words)

    def set_labels(self, labels: Sequence[Label]) -> None:
        """Show exactly these labels of the recording."""
        self.labels.set_labels(labels)

    def set_emotions(self, emotions: Sequence[Emotion]) -> None:
        """Take the project's emotions with their colours and letters."""
        self.posteriors.set_emotions(emotions)
        self.labels.set_emotions(emotions)

    def set_playhead(self, time_s: float) -> None:
        """Move the playhead."""
        self.axis.set_playhead(time_s)

    def follow_playhead(self) -> None:
        """Bring the playhead on screen, a page at a time."""
        self.axis.show(self.axis.playhead_s)

    def set_selected_span(self, span: TimeSpan | None) -> None:
        """Select a span without asking anybody."""
        self.axis.set_selection(span)

    def set_visible_span(self, start_s: float, end_s: float) -> None:
        """Show a span, for example the one that was shown last time."""
        self.axis.set_view(start_s, end_s)

    @Slot()
    def zoom_in(self) -> None:
        """Show half as much, about the pointer or the playhead."""
        self.axis.zoom(ZOOM_STEP**2)

    @Slot()
    def zoom_out(self) -> None:
        """Show twice as much."""
        self.axis.zoom(ZOOM_STEP**-2)

    @Slot()
    def zoom_fit(self) -> None:
        """Show the whole recording."""
        self.axis.fit()

    @Slot()
    def zoom_to_span(self) -> None:
        """Show the selected span, with a little around it."""
        span = self.axis.selection
        if span is not None:
            margin = 0.05 * span.duration_s
            self.axis.set_view(span.start_s - margin, span.end_s + margin)

    def pan(self, fraction: float) -> None:
        """Move by a fraction of the visible span, to the right when positive."""
        self.axis.pan(fraction)

    @Slot()
    def go_to_start(self) -> None:
        """Show the start at the same zoom."""
        self.axis.set_view(0.0, self.axis.span_s)

    @Slot()
    def go_to_end(self) -> None:
        """Show the end at the same zoom."""
        self.axis.set_view(self.axis.duration_s - self.axis.span_s, self.axis.duration_s)

    @Slot()
    def start_at_playhead(self) -> None:
        """Let the selection, and the label that is selected, start at the playhead."""
        self.axis.move_edge("start", self.axis.playhead_s)

    @Slot()
    def end_at_playhead(self) -> None:
        """Let the selection, and the label that is selected, end at the playhead."""
        self.axis.move_edge("end", self.axis.playhead_s)

    def step_playhead(self, fraction: float) -> None:
        """Ask for the playhead to go by a fraction of the visible span."""
        step_s = fraction * self.axis.span_s
        time_s = min(max(self.axis.playhead_s + step_s, 0.0), self.axis.duration_s)
        self.seek_requested.emit(time_s)
        self.axis.show(time_s)

    @Slot()
    def clear_selection(self) -> None:
        """Select nothing."""
        if self.axis.selection is not None:
            self.axis.set_selection(None)
            self.axis.selection_finished.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        slots = {
            Qt.Key.Key_Plus: self.zoom_in,
            Qt.Key.Key_Equal: self.zoom_in,
            Qt.Key.Key_Minus: self.zoom_out,
            Qt.Key.Key_Left: lambda: self.pan(-KEY_PAN),
            Qt.Key.Key_Right: lambda: self.pan(KEY_PAN),
            Qt.Key.Key_Home: self.go_to_start,
            Qt.Key.Key_End: self.go_to_end,
            Qt.Key.Key_Escape: self.clear_selection,
        }
        plain = event.modifiers() & ~(
            Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier
        )
        slot = slots.get(Qt.Key(event.key()))
        if slot is not None and plain == Qt.KeyboardModifier.NoModifier:
            slot()
        elif event.key() == Qt.Key.Key_0 and plain == Qt.KeyboardModifier.ControlModifier:
            self.zoom_fit()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move):
            self._place_overlay()
        elif event.type() == QEvent.Type.MouseButtonPress:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._load_timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._load_timer.start()

    def _place_overlay(self) -> None:
        top, bottom = self.ruler.geometry().top(), self.labels.geometry().bottom()
        self._overlay.setGeometry(GUTTER_PX, top, self.ruler.plot_width, bottom - top)
        self._overlay.raise_()

    @Slot(float, float)
    def _on_view_changed(self, start_s: float, end_s: float) -> None:
        self._load_timer.start()
        self.view_changed.emit(start_s, end_s)

    @Slot()
    def _ask_for_fine_data(self) -> None:
        if self._source is None or not self.isVisible() or self.axis.span_s <= 0.0:
            return
        bins = round(self.waveform.plot_width * self.devicePixelRatioF())
        wanted = self._source.wanted(self.axis.start_s, self.axis.end_s, bins)
        if wanted.samples or wanted.tiles:
            self.load_requested.emit(self._source, wanted)

    def _show_values(self) -> None:
        """Write time, selection, label and the posteriors of all classes under the pointer.

        The selection comes first: on a narrow window the end of the line is cut off.
        """
        time_s, selection = self.axis.pointer_s, self.axis.selection
        parts = []
        if selection is not None:
            parts.append(self.tr("selection ") + f"{selection.duration_s:.3f} s")
        if time_s is not None:
            parts.append(format_time(time_s))
            label = self.labels.label_at(time_s)
            if label is not None:
                parts.append(self.tr("label: ") + words_of(label.answer))
            parts += self._emotion_at(time_s)
        elif selection is None:
            parts.append(self.tr("Point at a time to read its values; drag to select a stretch"))
        self.readout.setText("   ·   ".join(parts))

    def _emotion_at(self, time_s: float) -> list[str]:
        """Return what the model says of a time; where nobody speaks, only that."""
        pyramid, ribbon = self.posteriors.pyramid, self.posteriors.ribbon
        values = pyramid.values_at(time_s) if pyramid else None
        if pyramid is None or values is None:
            return []
        classes = pyramid.posteriors.classes
        code = int(values.argmax()) if ribbon is None else ribbon.code_at(time_s)
        if code == NO_SPEECH:
            return [self.tr(NO_SPEECH_WORDS)]
        pairs = zip(classes, values.tolist(), strict=True)
        what = self.tr("strongest: ") if ribbon is None else self.tr("phrase: ")
        return [
            "  ".join(f"{words_of(name)} {value:.3f}" for name, value in pairs),
            what + words_of(classes[code]),
        ]
