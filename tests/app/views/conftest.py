"""A panel that shows a real recording with a click, posteriors and labels."""

import os

import numpy as np
import pytest
import soundfile

from app.domain.labels import Label, Origin
from app.services.peaks import open_source
from app.services.ribbon import Ribbon
from app.services.view_cache import ViewCache
from app.views.timeline_panel import TimelinePanel
from clser_engine.labels import USUAL_EMOTIONS
from clser_engine.runtime import RunContext
from clser_engine.types import (
    Analysis,
    EmotionSegment,
    ModelId,
    Posteriors,
    UtterancePosterior,
)

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

RATE = 16000
DURATION_S = 10.0
CLICK_S = 4.0


def make_label(label_id, answer, start_s=None, end_s=None):
    return Label(
        label_id=label_id,
        clip_id="clip",
        answer=answer,
        origin=Origin.HAND,
        annotator="anna",
        created_at="2026-01-01T00:00:00.000Z",
        start_s=start_s,
        end_s=end_s,
    )


@pytest.fixture
def source(tmp_path):
    """Ten seconds of silence with one click of 20 ms at 4 s."""
    samples = np.zeros(int(DURATION_S * RATE), np.float32)
    samples[int(CLICK_S * RATE) : int((CLICK_S + 0.02) * RATE)] = 0.9
    path = tmp_path / "click.wav"
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    source = open_source(path, ViewCache(tmp_path / "views"))
    source.build(RunContext())
    return source


@pytest.fixture
def posteriors():
    """Noise at 25 frames a second, but anger from 4 s to 4.4 s."""
    values = np.random.default_rng(0).dirichlet([1, 1, 1, 1], 250).astype(np.float32)
    values[100:110] = [1, 0, 0, 0]
    values[90:100] = values[110:120] = [0, 0, 0, 1]
    return Posteriors(
        classes=("anger", "happiness", "sadness", "neutral"), frame_rate_hz=25.0, values=values
    )


@pytest.fixture
def ribbon(posteriors):
    """Anger from 1 s to 4 s and sadness from 6 s to 9 s; nobody speaks in between and around."""
    return Ribbon(
        Analysis(
            duration_s=DURATION_S,
            model=ModelId(name="default", sha256="ab" * 32),
            posteriors=posteriors,
            utterance=UtterancePosterior(
                emotion="anger",
                posterior=posteriors.values[0],
                confidence=0.5,
                statistics="none",
            ),
            functionals=np.zeros(2, np.float32),
            segments=(
                EmotionSegment(start_s=1.0, end_s=4.0, emotion="anger"),
                EmotionSegment(start_s=6.0, end_s=9.0, emotion="sadness"),
            ),
        )
    )


@pytest.fixture
def panel(qtbot):
    """An empty panel on screen."""
    panel = TimelinePanel()
    qtbot.addWidget(panel)
    panel.resize(1312, 800)
    panel.set_emotions(USUAL_EMOTIONS)
    with qtbot.waitExposed(panel):
        panel.show()
    return panel


@pytest.fixture
def full_panel(qtbot, panel, source, posteriors):
    """A panel with everything in it, loads answered at once."""

    def load(asked, wanted):
        asked.keep(asked.load(wanted, RunContext()))
        panel.refresh_source()

    panel.load_requested.connect(load)
    panel.set_source(source)
    panel.set_posteriors(posteriors)
    panel.set_labels([make_label("a", "anger", 4.0, 4.4), make_label("n", "neutral", 6.0, 8.0)])
    qtbot.wait(100)
    return panel
