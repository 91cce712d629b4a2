"""Time ruler: round numbers, as many as fit."""

import math

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from app.views.time_axis import TimeAxis
from app.views.time_pane import GUTTER_PX, TimePane

MIN_TICK_PX = 96  # room for "1:02:03.250" and air
STEPS_S = (
    *(number * 10.0**power for power in range(-5, 1) for number in (1, 2, 5)),
    *(10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0),
)


class RulerView(TimePane):
    """Ruler of the shared axis; a drag pans, a click moves the playhead."""

    def __init__(self, axis: TimeAxis, parent: QWidget | None = None) -> None:
        super().__init__(axis, "Time", "Time ruler", parent)
        self.setFixedHeight(self.fontMetrics().height() + 4)

    def paint_over(self, painter: QPainter, plot: QRect) -> None:
        if self.axis.span_s <= 0.0:
            return
        step = tick_step(self.axis.span_s * MIN_TICK_PX / self.plot_width)
        first = math.ceil(self.axis.start_s / step)
        last = math.floor(self.axis.end_s / step)
        for number in range(first, last + 1):
            x = self.x_at(number * step)
            painter.setPen(self.colours.faint)
            painter.drawLine(QPointF(x, plot.bottom() - 5), QPointF(x, plot.bottom()))
            painter.setPen(self.colours.text)
            box = QRect(int(x) + 3, 0, MIN_TICK_PX, plot.height())
            if box.left() < GUTTER_PX + self.plot_width - MIN_TICK_PX // 2:  # else cut off
                painter.drawText(
                    box, Qt.AlignmentFlag.AlignVCenter, format_time(number * step, step)
                )


def tick_step(at_least_s: float) -> float:
    """Return the smallest round step that is long enough."""
    for step in STEPS_S:
        if step >= at_least_s:
            return step
    return math.ceil(at_least_s / 3600.0) * 3600.0


def format_time(time_s: float, precision_s: float = 0.001) -> str:
    """Return `m:ss.mmm` or `h:mm:ss`, with as many decimals as the precision needs."""
    decimals = max(0, min(6, -math.floor(math.log10(precision_s) + 1e-9)))
    scaled = round(time_s * 10**decimals)
    seconds, fraction = divmod(scaled, 10**decimals)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    return f"{text}.{fraction:0{decimals}d}" if decimals else text
