"""Waveform at any zoom: peaks with the RMS inside, single samples when they are far apart."""

import numpy as np
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from app.services.peaks import AudioSource
from app.views.display_gain import display_gain
from app.views.envelope_pixels import draw_envelope
from app.views.plot_pixels import PlotPixels
from app.views.time_axis import TimeAxis
from app.views.time_pane import GUTTER_PX, MIN_PANE_PX, THREE_LINES_PX, TimePane

MIN_PX_PER_SAMPLE = 2.0  # from here on a line through the samples says more than columns
MARGIN = 0.92  # of the half height, so that full scale is seen to be inside
GUTTER_MARGIN_PX = 6
DESCRIPTION = "Waveform of the recording; drag to select, click to move the playhead"


class WaveformView(TimePane):
    """Waveform of the channel that is shown; a quiet recording is drawn taller, and it is said."""

    def __init__(self, axis: TimeAxis, parent: QWidget | None = None) -> None:
        super().__init__(
            axis,
            "Waveform",
            DESCRIPTION,
            parent,
        )
        self._source: AudioSource | None = None
        self.setMinimumHeight(MIN_PANE_PX)

    def set_source(self, source: AudioSource | None) -> None:
        """Show another recording; None shows nothing."""
        self._source = source
        self.redraw()

    def redraw(self) -> None:
        super().redraw()
        gain = display_gain(self._source)
        taller = f"; drawn {gain} times taller, the sound stays" if gain > 1 else ""
        self.setAccessibleDescription(DESCRIPTION + taller)

    def paint_plot(self, plot: PlotPixels) -> None:
        if self._source is None or self.axis.span_s <= 0.0 or self._shows_samples:
            super().paint_plot(plot)
            return
        envelope = self._source.envelope(self.axis.start_s, self.axis.end_s, plot.width)
        draw_envelope(plot, envelope, self.colours, MARGIN * display_gain(self._source))

    def paint_gutter(self, painter: QPainter, gutter: QRect) -> None:
        super().paint_gutter(painter, gutter)
        gain = display_gain(self._source)
        if gain > 1:
            has_room = gutter.height() >= THREE_LINES_PX
            words = self.tr("drawn ×") if has_room else "×"
            inner = gutter.adjusted(GUTTER_MARGIN_PX, 1, -GUTTER_MARGIN_PX, -3)
            line = Qt.AlignmentFlag.AlignTop if has_room else Qt.AlignmentFlag.AlignVCenter
            painter.drawText(inner, Qt.AlignmentFlag.AlignRight | line, f"{words}{gain}")

    def paint_over(self, painter: QPainter, plot: QRect) -> None:
        if self._source is None or self.axis.span_s <= 0.0:
            return
        if self._shows_samples:
            self._paint_samples(painter, plot)
        if self._source.read_s < self.axis.end_s and not self._source.is_complete:
            read_x = max(int(self.x_at(self._source.read_s)), plot.left())
            rest = QRect(read_x, plot.top(), plot.right() - read_x, plot.height())
            text = self.tr("not read yet")
            if painter.fontMetrics().horizontalAdvance(text) + 16 < rest.width():
                painter.drawText(rest, 0x84, text)  # centred

    @property
    def _shows_samples(self) -> bool:
        source = self._source
        if source is None:
            return False
        samples_shown = self.axis.span_s * source.info.sample_rate_hz
        is_wide = self.plot_width >= MIN_PX_PER_SAMPLE * samples_shown
        return is_wide and source.samples(self.axis.start_s, self.axis.end_s) is not None

    def _paint_samples(self, painter: QPainter, plot: QRect) -> None:
        assert self._source is not None
        found = self._source.samples(self.axis.start_s, self.axis.end_s)
        if found is None:
            return
        # Imported at the first zoom this deep: it takes 0.2 s, which the start must not wait, and
        # in another thread it makes Qt's types while this one uses them, which crashes.
        from pyqtgraph.functions import arrayToQPath

        first, samples = found
        rate = self._source.info.sample_rate_hz
        times_s = (first + np.arange(len(samples))) / rate
        scale = self.plot_width / self.axis.span_s
        xs = GUTTER_PX + (times_s - self.axis.start_s) * scale
        scale_y = MARGIN * display_gain(self._source)
        ys = plot.height() / 2 * (1.0 - scale_y * samples.astype(np.float64))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self.colours.wave_body)
        painter.drawPath(arrayToQPath(xs, ys, connect="all"))
        painter.setBrush(self.colours.wave_body)
        if self.plot_width >= 8 * len(samples):
            for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
                painter.drawEllipse(int(x) - 2, int(y) - 2, 4, 4)
