"""The device pixels of a plot, filled from bytes and a table of 256 colours.

Qt turns bytes into colours several times faster than array indexing does.
"""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage, QPainter

from app.views.pane_colours import PixelArray

ByteArray = NDArray[np.uint8]
ColourTable = tuple[int, ...]


class PlotPixels:
    """The part of a pane's picture to the right of the gutter.

    Args:
        pixels: (height, width) of the whole pane, C-contiguous.
        left: Width of the gutter in device pixels.
    """

    def __init__(self, pixels: PixelArray, left: int) -> None:
        height, width = pixels.shape
        self._left = left
        self._image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
        self.pixels: PixelArray = pixels[:, left:]

    @property
    def width(self) -> int:
        """Width of the plot."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height of the plot."""
        return int(self.pixels.shape[0])

    def draw(self, levels: ByteArray, table: ColourTable, top: int = 0) -> None:
        """Fill the plot's rows from `top` on.

        Args:
            levels: (rows, width) uint8, C-contiguous: an index into the table for each pixel.
            table: Colours as 0xAARRGGBB.
            top: Where the first row goes.
        """
        height, width = levels.shape
        if not height or not width:
            return
        image = QImage(levels.data, width, height, width, QImage.Format.Format_Indexed8)
        image.setColorTable(table)
        painter = QPainter(self._image)
        painter.drawImage(self._left, top, image)
        painter.end()
