"""Tests of app.views.display_gain: quiet recordings are seen, and it is said how."""

import numpy as np
import pytest
import soundfile

from app.services.peaks import open_source
from app.services.view_cache import ViewCache
from app.views.display_gain import display_gain
from app.views.time_pane import GUTTER_PX
from clser_engine.runtime import RunContext

RATE = 16000


@pytest.fixture
def tone(tmp_path):
    """Make the source of ten seconds of a tone that peaks at a level."""

    def make(peak):
        path = tmp_path / f"tone {peak}.wav"
        times = np.arange(10 * RATE) / RATE
        soundfile.write(path, peak * np.sin(2 * np.pi * 125 * times), RATE, subtype="FLOAT")
        source = open_source(path, ViewCache(tmp_path / "views"))
        source.build(RunContext())
        return source

    return make


@pytest.mark.parametrize(
    ("peak", "gain"),
    [(0.0, 1), (1.0, 1), (0.6, 1), (0.49, 2), (0.1, 8), (0.03, 32), (0.001, 64), (4.0, 1)],
)
def test_the_gain_is_the_largest_power_of_two_that_fits(tone, peak, gain):
    assert display_gain(tone(peak)) == gain


def test_without_a_recording_nothing_is_amplified():
    assert display_gain(None) == 1


def rows_of_waveform(pane):
    """Return how many pixel rows the waveform touches."""
    grabbed = pane.grab().toImage()
    image = grabbed.convertToFormat(grabbed.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1)
    plot = rows[4:-4, GUTTER_PX + 40 : image.width() - 40]
    return int((plot != pane.colours.background.rgb()).any(axis=1).sum())


@pytest.mark.parametrize("span", [(0.0, 10.0), (5.0, 5.01)])
def test_a_quiet_recording_fills_the_panes_and_says_how_much_taller(qtbot, panel, tone, span):
    source = tone(0.05)
    panel.load_requested.connect(lambda asked, wanted: asked.keep(asked.load(wanted, RunContext())))
    panel.set_source(source)
    panel.set_visible_span(*span)
    qtbot.wait(100)
    panel.refresh_source()

    assert rows_of_waveform(panel.overview) > panel.overview.height() * 0.6
    assert panel.waveform.accessibleDescription().endswith("drawn 16 times taller, the sound stays")
    assert rows_of_waveform(panel.waveform) > panel.waveform.height() * 0.6


def test_a_loud_recording_is_drawn_as_it_is_and_says_nothing(panel, tone):
    panel.set_source(tone(0.9))

    assert "taller" not in panel.waveform.accessibleDescription()
