"""The whole recording in one strip, with a frame around what the panes below show."""

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.services.peaks import AudioSource
from app.services.ribbon import NO_SPEECH, Ribbon
from app.views.display_gain import display_gain
from app.views.envelope_pixels import draw_envelope
from app.views.hatching import hatch
from app.views.plot_pixels import PlotPixels
from app.views.time_axis import TimeAxis
from app.views.time_pane import GUTTER_PX, TimePane

HEIGHT_PX = 52
MIN_HEIGHT_PX = 22  # on a small screen the panes below need the room more
MARGIN = 0.95
MIN_FRAME_PX = 6.0  # a view of a second in hours must still be seen and held


class OverviewView(TimePane):
    """Whole recording; drag the frame to pan, click elsewhere to go there."""

    def __init__(self, axis: TimeAxis, parent: QWidget | None = None) -> None:
        super().__init__(
            axis,
            "Overview",
            "The whole recording; the frame is what the panes below show, drag it to move",
            parent,
        )
        self._source: AudioSource | None = None
        self._ribbon: Ribbon | None = None
        self._frame_offset_s = 0.0
        self.setMinimumHeight(MIN_HEIGHT_PX)
        self.setMaximumHeight(HEIGHT_PX)
        axis.view_changed.disconnect(self.redraw_plot)  # the strip stays, only the frame moves
        axis.view_changed.connect(lambda *_: self.update())
        axis.playhead_changed.connect(lambda _: self.update())

    def set_source(self, source: AudioSource | None) -> None:
        """Show another recording; None shows nothing."""
        self._source = source
        self.redraw()

    def set_ribbon(self, ribbon: Ribbon | None) -> None:
        """Hatch where nobody speaks; None where that is not known."""
        self._ribbon = ribbon
        self.redraw_plot()

    def time_at(self, x: float) -> float:
        return (x - GUTTER_PX) * self.axis.duration_s / self.plot_width

    def x_at(self, time_s: float) -> float:
        if self.axis.duration_s <= 0.0:
            return float(GUTTER_PX)
        return GUTTER_PX + time_s * self.plot_width / self.axis.duration_s

    def sizeHint(self) -> QSize:
        return QSize(0, HEIGHT_PX)

    @property
    def frame(self) -> QRectF:
        """The frame around what is shown below."""
        left, right = self.x_at(self.axis.start_s), self.x_at(self.axis.end_s)
        spare = max(MIN_FRAME_PX - (right - left), 0.0) / 2
        return QRectF(left - spare, 1.0, right - left + 2 * spare, self.height() - 3.0)

    def paint_plot(self, plot: PlotPixels) -> None:
        if self._source is None:
            super().paint_plot(plot)
            return
        envelope = self._source.envelope(0.0, self.axis.duration_s, plot.width)
        draw_envelope(plot, envelope, self.colours, MARGIN * display_gain(self._source))
        if self._ribbon is not None:
            is_pause = self._ribbon.pool(0.0, self.axis.duration_s, plot.width) == NO_SPEECH
            background = self.colours.background.rgb()
            hatch(plot.pixels, is_pause, self.colours, self.devicePixelRatioF(), over=background)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._source is None:
            return
        painter = QPainter(self)
        painter.setClipRect(QRect(GUTTER_PX, 0, self.plot_width, self.height()))
        frame = self.frame
        shade = QColor(self.colours.background)
        shade.setAlpha(150)
        painter.fillRect(QRectF(GUTTER_PX, 0.0, frame.left() - GUTTER_PX, self.height()), shade)
        painter.fillRect(
            QRectF(frame.right(), 0.0, self.width() - frame.right(), self.height()), shade
        )
        painter.setPen(self.colours.text)
        painter.drawRect(frame)
        painter.setPen(self.colours.accent)
        x = int(self.x_at(self.axis.playhead_s))
        painter.drawLine(x, 0, x, self.height())
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            return
        x = event.position().x()
        time_s = self.time_at(x)
        if not self.frame.left() <= x <= self.frame.right():
            half = self.axis.span_s / 2
            self.axis.set_view(time_s - half, time_s + half)
        self._frame_offset_s = time_s - self.axis.start_s
        self._grab = "frame"

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grab == "frame":
            start = self.time_at(event.position().x()) - self._frame_offset_s
            self.axis.set_view(start, start + self.axis.span_s)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grab = ""
