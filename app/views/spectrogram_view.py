"""Spectrogram at any zoom, with colours that mean the same level everywhere."""

import numpy as np
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from app.services.peaks import AudioSource
from app.views.plot_pixels import PlotPixels
from app.views.spectrogram_colours import spectrogram_colours
from app.views.time_axis import TimeAxis
from app.views.time_pane import MIN_PANE_PX, THREE_LINES_PX, TimePane

GUTTER_MARGIN_PX = 6


class SpectrogramView(TimePane):
    """Spectrogram from 0 Hz up to 8 kHz, or to half the sample rate."""

    def __init__(self, axis: TimeAxis, parent: QWidget | None = None) -> None:
        super().__init__(
            axis,
            "Spectrogram",
            "Spectrogram of the recording; drag to select, click to move the playhead",
            parent,
        )
        self._source: AudioSource | None = None
        self.setMinimumHeight(MIN_PANE_PX)

    def set_source(self, source: AudioSource | None) -> None:
        """Show another recording; None shows nothing."""
        self._source = source
        self.redraw()

    def paint_plot(self, plot: PlotPixels) -> None:
        if self._source is None or self.axis.span_s <= 0.0:
            super().paint_plot(plot)
            return
        height, width = plot.height, plot.width
        columns, known = self._source.spectrogram(self.axis.start_s, self.axis.end_s, width)
        rows = np.arange(height - 1, -1, -1) * columns.shape[1] // height  # low tones at the bottom
        plot.draw(np.ascontiguousarray(columns.T)[rows], spectrogram_colours(self.colours.is_dark))
        plot.pixels[:, known:] = self.colours.unknown.rgb()

    def paint_gutter(self, painter: QPainter, gutter: QRect) -> None:
        super().paint_gutter(painter, gutter)
        if self._source is None or gutter.height() < THREE_LINES_PX:
            return
        inner = gutter.adjusted(GUTTER_MARGIN_PX, 1, -GUTTER_MARGIN_PX, -3)
        right = Qt.AlignmentFlag.AlignRight
        top = f"{self._source.shape.top_hz / 1000:.3g} kHz"
        painter.drawText(inner, right | Qt.AlignmentFlag.AlignTop, top)
        painter.drawText(inner, right | Qt.AlignmentFlag.AlignBottom, "0")
