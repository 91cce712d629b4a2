"""An envelope drawn straight into pixels: a column per pixel, whatever the recording's length."""

import numpy as np

from app.services.peak_pyramid import Envelope
from app.views.pane_colours import PaneColours, PixelArray


def draw_envelope(
    pixels: PixelArray, envelope: Envelope, colours: PaneColours, margin: float
) -> None:
    """Draw peaks and the RMS inside them; columns that are NaN stay as they are.

    Args:
        pixels: (height, width) of the plot.
        envelope: As many bins as the plot is wide.
        colours: Of the pane.
        margin: Share of the half height that full scale takes.
    """
    height = pixels.shape[0]
    middle = (height - 1) / 2
    scale = middle * margin
    rows = np.arange(height, dtype=np.int16)[:, None]
    # Each column reaches to the one before, as a line through the samples would.
    minima, maxima = envelope.minima.copy(), envelope.maxima.copy()
    minima[1:] = np.fmin(minima[1:], envelope.maxima[:-1])
    maxima[1:] = np.fmax(maxima[1:], envelope.minima[:-1])
    unknown = np.isnan(envelope.maxima)
    minima[unknown] = maxima[unknown] = np.nan
    with np.errstate(invalid="ignore"):
        tops = np.nan_to_num(np.rint(middle - maxima * scale), nan=height)
        bottoms = np.nan_to_num(np.rint(middle - minima * scale), nan=-1)
        body = np.nan_to_num(np.rint(envelope.rms * scale), nan=0)
    top, bottom = tops.astype(np.int16), bottoms.astype(np.int16)
    np.copyto(pixels, np.uint32(colours.wave.rgb()), where=(rows >= top) & (rows <= bottom))
    inner_top = np.maximum(top, np.rint(middle - body).astype(np.int16))
    inner_bottom = np.minimum(bottom, np.rint(middle + body).astype(np.int16))
    inside = (rows > inner_top) & (rows < inner_bottom)
    np.copyto(pixels, np.uint32(colours.wave_body.rgb()), where=inside)
