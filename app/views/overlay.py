"""Playhead, pointer and selection over all panes: moving them draws no pane anew."""

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.views.pane_colours import colours_of
from app.views.time_axis import TimeAxis

SELECTION_OPACITY = 0.16
LINE_ROOM_PX = 2  # repainted on each side of a line


class Overlay(QWidget):
    """Transparent sheet over the plots; its left edge is the visible span's start."""

    def __init__(self, axis: TimeAxis, parent: QWidget) -> None:
        super().__init__(parent)
        self._axis = axis
        self._playhead_x = self._pointer_x = -1
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        axis.view_changed.connect(lambda *_: self.update())
        axis.selection_changed.connect(lambda _: self.update())
        axis.playhead_changed.connect(lambda _: self._move_lines())
        axis.pointer_changed.connect(lambda _: self._move_lines())

    def x_at(self, time_s: float | None) -> int:
        """Return the x of a time, -1 for none."""
        if time_s is None or self._axis.span_s <= 0.0:
            return -1
        return round((time_s - self._axis.start_s) * self.width() / self._axis.span_s)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colours = colours_of(self.palette())
        selection = self._axis.selection
        if selection is not None and self._axis.span_s > 0.0:
            scale = self.width() / self._axis.span_s
            left = (selection.start_s - self._axis.start_s) * scale
            # Far beyond the edges Qt's arithmetic would overflow: clip first.
            left, right = max(left, -4.0), (selection.end_s - self._axis.start_s) * scale
            right = min(right, self.width() + 4.0)
            if right > left:
                tint = QColor(colours.accent)
                tint.setAlphaF(SELECTION_OPACITY)
                box = QRectF(left, 0.0, right - left, self.height())
                painter.fillRect(box, tint)
                painter.setPen(colours.accent)
                painter.drawRect(box.adjusted(0, -1, -1, 1))
        self._playhead_x, self._pointer_x = self._line_xs()
        painter.setPen(QColor(colours.text.red(), colours.text.green(), colours.text.blue(), 130))
        painter.drawLine(self._pointer_x, 0, self._pointer_x, self.height())
        painter.setPen(colours.accent)
        painter.drawLine(self._playhead_x, 0, self._playhead_x, self.height())
        painter.end()

    def _line_xs(self) -> tuple[int, int]:
        return tuple(  # type: ignore[return-value]  # two in, two out
            min(max(self.x_at(time_s), -1), self.width() + 1)
            for time_s in (self._axis.playhead_s, self._axis.pointer_s)
        )

    def _move_lines(self) -> None:
        """Repaint only where a line was and where it goes."""
        for x in (self._playhead_x, self._pointer_x, *self._line_xs()):
            self.update(QRect(x - LINE_ROOM_PX, 0, 2 * LINE_ROOM_PX, self.height()))
