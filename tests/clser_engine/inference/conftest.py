"""The shipped model and recordings to analyse."""

import numpy as np
import pytest
import soundfile

from clser_engine.inference.predictor import load_predictor
from clser_engine.resources import resource_path


@pytest.fixture(scope="session")
def known_speech(predictor):
    """Analyses of recordings of the demo that the model knows for speech."""
    paths = sorted(resource_path("demo").glob("??_?_*.flac"))
    analyses = [predictor.analyze(path) for path in paths]
    known = [analysis for analysis in analyses if analysis.utterance.is_known]
    assert len(known) >= 6
    return known


@pytest.fixture(scope="session")
def predictor():
    """The default model as it ships, in onnxruntime."""
    return load_predictor()


@pytest.fixture(scope="session")
def speech():
    """Make samples with voiced stretches, noise and pauses."""

    def make(seconds, seed=0):
        rng = np.random.default_rng(seed)
        time = np.arange(round(seconds * 16_000)) / 16_000
        phase = 2 * np.pi * (150 * time + 9 * np.sin(2 * np.pi * 0.7 * time + seed))
        tone = sum(np.sin(k * phase) / k for k in range(1, 12))
        gate = np.sin(2 * np.pi * 1.7 * time + seed) > -0.4
        noise = rng.standard_normal(len(time))
        loudness = 0.5 + 0.4 * np.sin(2 * np.pi * 0.13 * time)
        return (0.15 * loudness * (tone * gate + 0.03 * noise)).astype(np.float32)

    return make


@pytest.fixture
def recording(tmp_path, speech):
    """Write samples as a 16 kHz WAV of floats and return its path."""

    def write(seconds, seed=0):
        path = tmp_path / f"{seconds}-{seed}.wav"
        soundfile.write(path, speech(seconds, seed), 16_000, subtype="FLOAT")
        return path

    return write
