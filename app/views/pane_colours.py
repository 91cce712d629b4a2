"""Colours of the panes, from the palette, as 0xAARRGGBB numbers for pixel arrays."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QPalette

PixelArray = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaneColours:
    """What panes are painted with; equal for equal palettes.

    Args:
        background: Of the plot.
        gutter: Of the strip with the lanes' names.
        text: On background and gutter.
        faint: Lines that should not draw the eye.
        wave: Peaks of the waveform.
        wave_body: RMS of the waveform.
        unknown: Where nothing is read or analysed yet.
        accent: Playhead and selection.
        is_dark: Whether the background is dark.
    """

    background: QColor
    gutter: QColor
    text: QColor
    faint: QColor
    wave: QColor
    wave_body: QColor
    unknown: QColor
    accent: QColor
    is_dark: bool


def colours_of(palette: QPalette) -> PaneColours:
    """Return the colours for a palette."""
    background, text = (
        palette.color(QPalette.ColorRole.Base),
        palette.color(QPalette.ColorRole.Text),
    )
    is_dark = background.lightnessF() < 0.5
    return PaneColours(
        background=background,
        gutter=palette.color(QPalette.ColorRole.Window),
        text=palette.color(QPalette.ColorRole.WindowText),
        faint=mix(background, text, 0.25),
        wave=mix(background, QColor("#56B4E9") if is_dark else QColor("#0072B2"), 0.6),
        wave_body=QColor("#56B4E9") if is_dark else QColor("#0072B2"),
        unknown=mix(background, text, 0.12),
        accent=QColor("#F0E442") if is_dark else QColor("#B00040"),
        is_dark=is_dark,
    )


def mix(low: QColor, high: QColor, share: float) -> QColor:
    """Return the colour `share` of the way from `low` to `high`."""
    return QColor.fromRgbF(
        low.redF() + (high.redF() - low.redF()) * share,
        low.greenF() + (high.greenF() - low.greenF()) * share,
        low.blueF() + (high.blueF() - low.blueF()) * share,
    )


@lru_cache(maxsize=64)  # a few per theme, asked for in every frame
def ramp(low: int, high: int, steps: int) -> tuple[int, ...]:
    """Return `steps` colours from one (0xAARRGGBB) to another."""
    ends = QColor.fromRgb(low), QColor.fromRgb(high)
    return tuple(mix(*ends, step / (steps - 1)).rgb() for step in range(steps))


def luminance(colour: QColor) -> float:
    """Return the relative luminance of WCAG 2.2, 0 to 1."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (colour.redF(), colour.greenF(), colour.blueF())
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: QColor, second: QColor) -> float:
    """Return the contrast ratio of WCAG 2.2, 1 to 21."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def text_on(colour: QColor) -> QColor:
    """Return black or white, whichever reads better on a colour (at least 4.58 always)."""
    return _text_on(colour.rgb())


@lru_cache(maxsize=256)  # asked for with every letter that is drawn
def _text_on(rgb: int) -> QColor:
    colour = QColor.fromRgb(rgb)
    black, white = QColor(0, 0, 0), QColor(255, 255, 255)
    return black if contrast(colour, black) >= contrast(colour, white) else white
