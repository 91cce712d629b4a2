"""What tests of the formats share."""

import numpy as np
import pytest

from clser_engine.types import Analysis, EmotionSegment, ModelId, Posteriors, UtterancePosterior

CLASSES = ("anger", "happiness", "sadness", "neutral")


@pytest.fixture
def make_analysis():
    """Make an analysis with random posteriors."""

    def make(num_frames=50, frame_rate_hz=25.0, with_speech=True):
        rng = np.random.default_rng(0)
        values = rng.dirichlet(np.full(4, 0.2), num_frames).astype(np.float32)
        return Analysis(
            duration_s=num_frames / frame_rate_hz,
            model=ModelId(name="default", sha256="0123abcd"),
            posteriors=Posteriors(
                classes=CLASSES,
                frame_rate_hz=frame_rate_hz,
                values=values,
                speech=rng.random(num_frames, dtype=np.float32) if with_speech else None,
            ),
            utterance=UtterancePosterior(
                emotion="sadness",
                posterior=np.array([0.1, 0.1, 0.7, 0.1], np.float32),
                confidence=0.625,
                statistics="project (34 clips)",
                ood_score=0.75,
                is_known=False,
                notice="It sounds strange.",
            ),
            functionals=rng.standard_normal(7).astype(np.float32),
            segments=(
                EmotionSegment(start_s=0.1, end_s=0.4, emotion="anger"),
                EmotionSegment(start_s=0.4, end_s=1.28, emotion="sadness"),
            ),
        )

    return make
