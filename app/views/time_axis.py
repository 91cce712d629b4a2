"""The one owner of what stretch of time is on screen, of playhead, pointer and selection."""

from PySide6.QtCore import QObject, Signal

from app.domain.time_span import TimeSpan

MIN_SPAN_S = 0.002  # some 30 samples at 16 kHz: single samples are far apart then
ZOOM_STEP = 1.4142135623730951  # two steps double


class TimeAxis(QObject):
    """Visible span, playhead, pointer and selected span of one recording.

    Setters clamp to the recording and emit only when something changed.

    Signals:
        view_changed: Start and end of the visible span, seconds.
        playhead_changed: Seconds.
        pointer_changed: Seconds under the pointer, or None.
        selection_changed: `TimeSpan` or None, also while it is dragged.
        selection_finished: `TimeSpan` or None, when the person let go.
        edge_moved: `TimeSpan`, when the person let go of one of its edges; comes before
            `selection_finished`.
        seek_requested: Seconds; the person clicked there.
    """

    view_changed = Signal(float, float)
    playhead_changed = Signal(float)
    pointer_changed = Signal(object)
    selection_changed = Signal(object)
    selection_finished = Signal(object)
    edge_moved = Signal(object)
    seek_requested = Signal(float)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.duration_s = 0.0
        self.start_s = 0.0
        self.end_s = 0.0
        self.playhead_s = 0.0
        self.pointer_s: float | None = None
        self.selection: TimeSpan | None = None

    @property
    def span_s(self) -> float:
        """Length of the visible span."""
        return self.end_s - self.start_s

    def set_duration(self, duration_s: float) -> None:
        """Take a recording of another length: all of it is shown, nothing selected."""
        self.duration_s = max(duration_s, 0.0)
        self.playhead_s = 0.0
        self.set_selection(None)
        self.start_s, self.end_s = 0.0, self.duration_s
        self.view_changed.emit(self.start_s, self.end_s)
        self.playhead_changed.emit(0.0)

    def correct_duration(self, duration_s: float) -> None:
        """Take the true length of the same recording, when its header promised another."""
        showed_all = self.end_s >= self.duration_s
        self.duration_s = max(duration_s, 0.0)
        self.set_view(self.start_s, self.duration_s if showed_all else self.end_s)

    def set_view(self, start_s: float, end_s: float) -> None:
        """Show a span; its length is kept where it would reach beyond the recording."""
        shortest = min(MIN_SPAN_S, self.duration_s)
        span = min(max(end_s - start_s, shortest), self.duration_s)
        start = min(max(start_s, 0.0), self.duration_s - span)
        if (start, start + span) != (self.start_s, self.end_s):
            self.start_s, self.end_s = start, start + span
            self.view_changed.emit(self.start_s, self.end_s)

    def zoom(self, factor: float, about_s: float | None = None) -> None:
        """Make the visible span `factor` times shorter; the time `about_s` stays where it is."""
        if self.span_s <= 0.0:
            return
        about = self._zoom_centre() if about_s is None else about_s
        shortest = min(MIN_SPAN_S, self.duration_s)
        span = min(max(self.span_s / factor, shortest), self.duration_s)
        start = about - (about - self.start_s) * span / self.span_s
        self.set_view(start, start + span)

    def pan(self, fraction: float) -> None:
        """Move by a fraction of the visible span, to the right when positive."""
        step = fraction * self.span_s
        self.set_view(self.start_s + step, self.end_s + step)

    def show(self, time_s: float) -> None:
        """Bring a time on screen, moving no further than needed for a page."""
        if not self.start_s <= time_s < self.end_s:
            self.set_view(time_s - 0.1 * self.span_s, time_s + 0.9 * self.span_s)

    def fit(self) -> None:
        """Show the whole recording."""
        self.set_view(0.0, self.duration_s)

    def set_playhead(self, time_s: float) -> None:
        """Move the playhead."""
        time_s = min(max(time_s, 0.0), self.duration_s)
        if time_s != self.playhead_s:
            self.playhead_s = time_s
            self.playhead_changed.emit(time_s)

    def set_pointer(self, time_s: float | None) -> None:
        """Tell where the pointer is, None when it is on no pane."""
        if time_s != self.pointer_s:
            self.pointer_s = time_s
            self.pointer_changed.emit(time_s)

    def set_selection(self, span: TimeSpan | None) -> None:
        """Select a span, None for nothing; its ends may come in any order."""
        if span is not None:
            low, high = sorted((span.start_s, span.end_s))
            low, high = max(low, 0.0), min(high, self.duration_s)
            span = TimeSpan(low, high) if high > low else None
        if span != self.selection:
            self.selection = span
            self.selection_changed.emit(span)

    def move_edge(self, edge: str, time_s: float) -> None:
        """Put the "start" or the "end" of the selection at a time, as by hand.

        Where nothing is selected, or the time lies beyond the other edge, the selection reaches to
        the end, or from the start, of the recording.
        """
        old = self.selection
        if edge == "start":
            keeps = old is not None and time_s < old.end_s
            span = TimeSpan(time_s, old.end_s if old and keeps else self.duration_s)
        else:
            keeps = old is not None and time_s > old.start_s
            span = TimeSpan(old.start_s if old and keeps else 0.0, time_s)
        self.set_selection(span)
        self.finish_edge()

    def finish_edge(self) -> None:
        """Tell that the person let go of an edge of the selection."""
        if self.selection is not None:
            self.edge_moved.emit(self.selection)
        self.selection_finished.emit(self.selection)

    def _zoom_centre(self) -> float:
        """Return the pointer, else the playhead, where on screen, else the middle."""
        for time_s in (self.pointer_s, self.playhead_s):
            if time_s is not None and self.start_s <= time_s <= self.end_s and time_s > 0.0:
                return time_s
        return (self.start_s + self.end_s) / 2
