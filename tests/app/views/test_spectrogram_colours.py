"""Tests of app.views.spectrogram_colours."""

import numpy as np
import pytest
from PySide6.QtGui import QColor

from app.views.pane_colours import luminance
from app.views.spectrogram_colours import lab_to_srgb, spectrogram_colours


def lightness(rgb):
    y = luminance(QColor.fromRgb(rgb))
    return 116 * (y ** (1 / 3) if y > 0.008856 else 7.787 * y + 16 / 116) - 16


@pytest.mark.parametrize("is_dark", [True, False])
def test_equal_steps_of_level_are_equal_steps_of_lightness(is_dark):
    steps = np.diff([lightness(rgb) for rgb in spectrogram_colours(is_dark)[::15]])

    assert (np.sign(steps) == (1 if is_dark else -1)).all()
    assert np.abs(steps).max() < 1.5 * np.abs(steps).mean()


def test_silence_is_on_the_background_s_side():
    assert lightness(spectrogram_colours(True)[0]) < 10
    assert lightness(spectrogram_colours(False)[0]) > 98


@pytest.mark.parametrize(
    ("lab", "srgb"),
    [
        ((100, 0, 0), (1, 1, 1)),
        ((0, 0, 0), (0, 0, 0)),
        ((53.24, 80.09, 67.20), (1, 0, 0)),
        ((32.30, 79.19, -107.86), (0, 0, 1)),
    ],
)
def test_known_colours(lab, srgb):
    np.testing.assert_allclose(lab_to_srgb(np.array([lab], float))[0], srgb, atol=0.01)
