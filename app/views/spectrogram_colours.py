"""Colours of the spectrogram: lightness in equal steps of CIELAB, from the background's side.

Equal steps of level are equal steps for the eye, in light and dark, and also without colour vision,
because the hue only follows the lightness: violet, red, yellow.

Source: CIE 15:2004, L*a*b* with the white D65, and IEC 61966-2-1 (sRGB).
"""

from functools import lru_cache

import numpy as np

from app.views.plot_pixels import ColourTable

STEPS = 256
DARK_LIGHTNESS = (4.0, 96.0)  # of silence and of the loudest sound
LIGHT_LIGHTNESS = (100.0, 12.0)
HUES_DEGREES = (300.0, 450.0)  # from dark to light: violet over red to yellow
MOST_CHROMA = 62.0  # more leaves what a screen can show
WHITE_D65 = np.array([0.95047, 1.0, 1.08883])
XYZ_TO_RGB = np.array(
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
)


@lru_cache(maxsize=2)
def spectrogram_colours(is_dark: bool) -> ColourTable:
    """Return 256 colours 0xAARRGGBB, silence first."""
    ends = DARK_LIGHTNESS if is_dark else LIGHT_LIGHTNESS
    lightness = np.linspace(*ends, STEPS)
    hue = np.radians(np.interp(lightness, (0.0, 100.0), HUES_DEGREES))
    # No colour at black and at white, most in between.
    chroma = MOST_CHROMA * np.sin(np.pi * np.clip(lightness / 100.0, 0.0, 1.0)) ** 0.8
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    rgb = np.rint(255 * lab_to_srgb(lab)).astype(int)
    return tuple(0xFF000000 | red << 16 | green << 8 | blue for red, green, blue in rgb.tolist())


def lab_to_srgb(lab: np.ndarray) -> np.ndarray:
    """Return (n, 3) sRGB, 0 to 1, clipped to what a screen can show, from (n, 3) CIELAB."""
    f_y = (lab[:, 0] + 16.0) / 116.0
    f = np.stack([f_y + lab[:, 1] / 500.0, f_y, f_y - lab[:, 2] / 200.0], axis=1)
    xyz = WHITE_D65 * np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    linear = np.clip(xyz @ XYZ_TO_RGB.T, 0.0, 1.0)
    srgb: np.ndarray = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    )
    return srgb
