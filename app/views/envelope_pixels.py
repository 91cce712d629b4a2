"""An envelope drawn straight into pixels: a column per pixel, whatever the recording's length."""

import numpy as np

from app.services.peak_pyramid import Envelope
from app.views.pane_colours import PaneColours
from app.views.plot_pixels import PlotPixels


def draw_envelope(
    plot: PlotPixels, envelope: Envelope, colours: PaneColours, margin: float
) -> None:
    """Draw peaks with the RMS inside them, and grey where nothing is read yet.

    Args:
        plot: All of it is filled.
        envelope: As many bins as the plot is wide.
        colours: Of the pane.
        margin: Share of the half height that full scale takes.
    """
    height = plot.height
    middle = height // 2  # a whole row: silence is one even line
    scale = (middle - 1) * margin
    unknown = np.isnan(envelope.maxima)
    # Each column reaches to the one before, as a line through the samples would.
    minima, maxima = np.nan_to_num(envelope.minima), np.nan_to_num(envelope.maxima)
    minima[1:] = np.where(unknown[:-1], minima[1:], np.minimum(minima[1:], envelope.maxima[:-1]))
    maxima[1:] = np.where(unknown[:-1], maxima[1:], np.maximum(maxima[1:], envelope.minima[:-1]))
    top = np.rint(middle - maxima * scale).astype(np.int16)
    bottom = np.rint(middle - minima * scale).astype(np.int16)
    body = np.nan_to_num(envelope.rms) * scale
    body_top = np.maximum(top + 1, np.rint(middle - body)).astype(np.int16)
    body_bottom = np.minimum(bottom - 1, np.rint(middle + body)).astype(np.int16)

    rows = np.arange(height, dtype=np.int16)[:, None]
    levels = ((rows >= top) & (rows <= bottom)).view(np.uint8)
    levels += ((rows >= body_top) & (rows <= body_bottom)).view(np.uint8)
    if unknown.any():
        levels[:, unknown] = 3
    shades = colours.background, colours.wave, colours.wave_body, colours.unknown
    plot.draw(levels, tuple(shade.rgb() for shade in shades))
