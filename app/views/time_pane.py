"""What all panes on the time axis share: the gutter, the mapping of time, wheel and drag.

A pane keeps its picture. It is drawn anew when the view or the data changed; moving the playhead
or the pointer, which an overlay shows, only copies pixels.
"""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import (
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.domain.time_span import TimeSpan
from app.views.pane_colours import PaneColours, PixelArray, colours_of
from app.views.plot_pixels import PlotPixels
from app.views.time_axis import ZOOM_STEP, TimeAxis

GUTTER_PX = 112  # fits "happiness" with its letter, and "Spectrogram", in the usual fonts
MIN_PANE_PX = 28  # so that all panes fit a 1080p screen at 200 %, below a long message too
THREE_LINES_PX = 52  # from here on a gutter has room above and below its name
GRAB_PX = 5  # how near to an edge a press takes hold of it
CLICK_PX = 3  # a press that moves less is a click
WHEEL_NOTCH = 120.0  # eighths of a degree, by Qt's convention
WHEEL_PAN = 0.1  # of the visible span for each notch


class TimePane(QWidget):
    """One pane; a sub-class draws its plot in `paint_plot` and `paint_over`.

    Args:
        axis: Shared time axis.
        name: Shown in the gutter, and the accessible name.
        description: Accessible description.
    """

    def __init__(
        self, axis: TimeAxis, name: str, description: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.axis = axis
        self.times_drawn = 0
        self._is_dirty = True
        self._colours: PaneColours | None = None
        self._is_gutter_dirty = True
        self._pixels: PixelArray = np.zeros((1, 1), np.uint32)
        self._plot = PlotPixels(self._pixels, 0)
        self._image = QImage()
        self._grab = ""  # what a drag moves: "", "pan", "select", "start", "end"
        self._pressed_at = QPointF()
        self._dragged_from = 0.0
        self.setAccessibleName(name)
        self.setAccessibleDescription(description)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        axis.view_changed.connect(self.redraw_plot)

    @property
    def plot_width(self) -> int:
        """Width of the plot in logical pixels; equal in all panes of a panel."""
        return max(self.width() - GUTTER_PX, 1)

    @property
    def colours(self) -> PaneColours:
        """Colours that suit the palette."""
        if self._colours is None:
            self._colours = colours_of(self.palette())
        return self._colours

    def redraw(self) -> None:
        """Draw the picture anew with the next paint."""
        self._is_gutter_dirty = True
        self.redraw_plot()

    def redraw_plot(self) -> None:
        """Draw the plot anew with the next paint; the gutter stays."""
        self._is_dirty = True
        self.update()

    def time_at(self, x: float) -> float:
        """Return the time at a logical x of this widget."""
        return self.axis.start_s + (x - GUTTER_PX) * self.axis.span_s / self.plot_width

    def x_at(self, time_s: float) -> float:
        """Return the logical x of a time."""
        if self.axis.span_s <= 0.0:
            return float(GUTTER_PX)
        return GUTTER_PX + (time_s - self.axis.start_s) * self.plot_width / self.axis.span_s

    def paint_plot(self, plot: PlotPixels) -> None:
        """Fill the plot's device pixels; what this leaves alone is undefined."""
        plot.pixels.fill(self.colours.background.rgb())

    def paint_over(self, painter: QPainter, plot: QRect) -> None:
        """Draw text and lines over the plot, in logical pixels of this widget."""

    def paint_gutter(self, painter: QPainter, gutter: QRect) -> None:
        """Draw the gutter; by default the pane's name."""
        painter.drawText(
            gutter.adjusted(6, 0, -6, 0),
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
            self.accessibleName(),
        )

    def clicked(self, time_s: float, position: QPointF) -> None:
        """React to a click: by default the person wants to hear from there."""
        self.axis.set_selection(None)
        self.axis.selection_finished.emit(None)
        self.axis.seek_requested.emit(time_s)

    def has_edge_at(self, position: QPointF) -> bool:
        """Whether a press at a position takes hold of an edge."""
        return bool(self._edge_at(position.x()))

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        if self._is_dirty or self._image.devicePixelRatio() != ratio:  # or on another screen now
            self._draw()
        target = QRectF(event.rect())
        source = QRectF(target.topLeft() * ratio, target.size() * ratio)
        painter = QPainter(self)
        painter.drawImage(target, self._image, source)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.redraw()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._colours = None
            self.redraw()
        super().changeEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches_x = event.angleDelta().x() / WHEEL_NOTCH
        notches_y = event.angleDelta().y() / WHEEL_NOTCH
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            notches_x, notches_y = notches_x or notches_y, 0.0
        if abs(notches_x) > abs(notches_y):
            self.axis.pan(-notches_x * WHEEL_PAN)
        elif notches_y:
            self.axis.zoom(ZOOM_STEP**notches_y, self.time_at(event.position().x()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed_at = event.position()
        self._dragged_from = self.time_at(event.position().x())
        pans = event.button() == Qt.MouseButton.MiddleButton or (
            event.button() == Qt.MouseButton.LeftButton
            and event.modifiers() & Qt.KeyboardModifier.ControlModifier
        )
        if pans:
            self._grab = "pan"
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif event.button() == Qt.MouseButton.LeftButton:
            self._grab = self._edge_at(event.position().x()) or "press"
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        time_s = self.time_at(x)
        inside = x >= GUTTER_PX and self.axis.duration_s > 0.0
        self.axis.set_pointer(min(max(time_s, 0.0), self.axis.duration_s) if inside else None)
        moved = abs(x - self._pressed_at.x()) > CLICK_PX
        if self._grab == "pan":
            step = self._dragged_from - time_s
            self.axis.set_view(self.axis.start_s + step, self.axis.end_s + step)
        elif self._grab == "press" and moved:
            self._grab = "select"
        if self._grab == "select":
            self.axis.set_selection(TimeSpan(self._dragged_from, time_s))
        elif self._grab in ("start", "end"):
            self._drag_edge(time_s)
        elif not self._grab:
            near = self.has_edge_at(event.position())
            self.setCursor(Qt.CursorShape.SizeHorCursor if near else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        grab, self._grab = self._grab, ""
        if grab == "pan":
            self.unsetCursor()
        elif grab == "press" and event.position().x() >= GUTTER_PX:
            self.clicked(self.time_at(event.position().x()), event.position())
        elif grab == "select":
            self.axis.selection_finished.emit(self.axis.selection)
        elif grab in ("start", "end"):
            self.axis.finish_edge()

    def leaveEvent(self, event: QEvent) -> None:
        self.axis.set_pointer(None)

    def _edge_at(self, x: float) -> str:
        """Return which edge of the selection is under an x: "start", "end" or ""."""
        selection = self.axis.selection
        if selection is None:
            return ""
        distances = {
            "start": abs(self.x_at(selection.start_s) - x),
            "end": abs(self.x_at(selection.end_s) - x),
        }
        nearest = min(distances, key=lambda edge: distances[edge])
        return nearest if distances[nearest] <= GRAB_PX else ""

    def _drag_edge(self, time_s: float) -> None:
        selection = self.axis.selection
        if selection is None:
            return
        fixed = selection.end_s if self._grab == "start" else selection.start_s
        if (time_s > fixed) == (self._grab == "start"):  # dragged across the other edge
            self._grab = "end" if self._grab == "start" else "start"
        self.axis.set_selection(TimeSpan(fixed, time_s))

    def _draw(self) -> None:
        """Draw the picture."""
        ratio = self.devicePixelRatioF()
        shape = max(round(self.height() * ratio), 1), max(round(self.width() * ratio), 1)
        if self._pixels.shape != shape or self._image.devicePixelRatio() != ratio:
            self._make_image(shape, ratio)
        self.paint_plot(self._plot)
        painter = QPainter(self._image)
        painter.setFont(self.font())
        if self._is_gutter_dirty:
            gutter = QRect(0, 0, GUTTER_PX, self.height())
            painter.fillRect(gutter, self.colours.gutter)
            painter.setPen(self.colours.text)
            painter.setClipRect(gutter)
            self.paint_gutter(painter, gutter)
            self._is_gutter_dirty = False
        plot = QRect(GUTTER_PX, 0, self.plot_width, self.height())
        painter.setClipRect(plot)
        painter.setPen(self.colours.text)
        self.paint_over(painter, plot)
        painter.setPen(self.colours.faint)
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        painter.end()
        self._is_dirty = False
        self.times_drawn += 1

    def _make_image(self, shape: tuple[int, int], ratio: float) -> None:
        height, width = shape
        self._pixels = np.zeros(shape, np.uint32)
        self._plot = PlotPixels(self._pixels, min(round(GUTTER_PX * ratio), width - 1))
        self._image = QImage(
            self._pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32
        )
        self._image.setDevicePixelRatio(ratio)
        self._is_gutter_dirty = True
