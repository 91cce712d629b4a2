"""Grey with slanted lines: what is no emotion is told from grey ones without colour."""

import numpy as np
from numpy.typing import NDArray

from app.views.pane_colours import PaneColours, PixelArray

PERIOD_PX = 7
STROKE_PX = 1.5


def hatch(
    pixels: PixelArray,
    columns: NDArray[np.bool],
    colours: PaneColours,
    ratio: float,
    *,
    over: int | None = None,
) -> None:
    """Hatch columns of a plot.

    Args:
        pixels: (height, width) device pixels of the plot.
        columns: (width,) which columns.
        colours: Of the pane.
        ratio: Device pixels for each logical one.
        over: Hatch only pixels of this colour (0xAARRGGBB), all if None.
    """
    xs = np.flatnonzero(columns)
    if not len(xs):
        return
    ys = np.arange(len(pixels))[:, None]
    is_line = (xs + ys) % round(PERIOD_PX * ratio) < STROKE_PX * ratio
    pattern = np.where(is_line, colours.faint.rgb(), colours.unknown.rgb()).astype(np.uint32)
    if over is not None:
        before = pixels[:, xs]
        pattern = np.where(before == over, pattern, before)
    pixels[:, xs] = pattern
