"""Tests of app.services.ribbon, against a slow look at every moment."""

import numpy as np
import pytest

from app.domain.time_span import TimeSpan
from app.services.ribbon import NO_SPEECH, Ribbon, ribbon_of
from clser_engine.types import (
    Analysis,
    EmotionSegment,
    ModelId,
    Posteriors,
    UtterancePosterior,
)

CLASSES = ("anger", "happiness", "sadness")


def make(*segments, duration_s=10.0, has_speech=True):
    frames = round(duration_s * 25)
    return Analysis(
        duration_s=duration_s,
        model=ModelId(name="default", sha256="ab" * 32),
        posteriors=Posteriors(
            classes=CLASSES,
            frame_rate_hz=25.0,
            values=np.full((frames, 3), 1 / 3, np.float32),
            speech=np.ones(frames, np.float32) if has_speech else None,
        ),
        utterance=UtterancePosterior(
            emotion="anger",
            posterior=np.full(3, 1 / 3, np.float32),
            confidence=0.5,
            statistics="none",
        ),
        functionals=np.zeros(2, np.float32),
        segments=tuple(
            EmotionSegment(start_s=start, end_s=end, emotion=emotion)
            for start, end, emotion in segments
        ),
    )


def test_what_no_segment_covers_is_no_speech():
    ribbon = Ribbon(make((1.0, 3.0, "anger"), (3.0, 4.0, "sadness"), (6.0, 9.0, "anger")))

    assert [ribbon.code_at(t) for t in (0.0, 0.99, 1.0, 2.9, 3.0, 4.0, 6.0, 9.0, 12.0)] == [
        *(NO_SPEECH, NO_SPEECH, 0, 0, 2, NO_SPEECH, 0, NO_SPEECH, NO_SPEECH)
    ]
    assert ribbon.pauses == (TimeSpan(0.0, 1.0), TimeSpan(4.0, 6.0), TimeSpan(9.0, 10.0))


def test_a_recording_of_speech_alone_has_no_pause():
    ribbon = Ribbon(make((0.0, 10.0, "happiness")))

    assert ribbon.pauses == ()
    assert set(ribbon.pool(0.0, 10.0, 7).tolist()) == {1}


def test_where_nobody_speaks_at_all_everything_is_a_pause():
    ribbon = Ribbon(make())

    assert ribbon.pauses == (TimeSpan(0.0, 10.0),)
    assert set(ribbon.pool(2.0, 3.0, 5).tolist()) == {NO_SPEECH}


@pytest.mark.parametrize("bins", [1, 3, 40, 1000])
def test_each_bin_shows_what_has_most_of_it(bins):
    rng = np.random.default_rng(1)
    edges = np.sort(rng.random(40)) * 10
    segments = [
        (start, end, CLASSES[rng.integers(3)])
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    ]
    ribbon = Ribbon(make(*segments))

    codes = ribbon.pool(0.5, 9.5, bins)

    width = 9.0 / bins
    for index, code in enumerate(codes.tolist()):
        low = 0.5 + index * width
        times = low + (np.arange(4000) + 0.5) / 4000 * width
        seen = np.array([ribbon.code_at(t) for t in times[:: 1 if bins < 10 else 40]])
        shares = {c: (seen == c).mean() for c in range(NO_SPEECH, 3)}
        assert shares[code] >= max(shares.values()) - 0.03


def test_a_model_that_cannot_tell_speech_has_no_ribbon():
    assert ribbon_of(make(has_speech=False)) is None
    assert ribbon_of(make()) is not None
