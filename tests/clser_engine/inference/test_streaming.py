"""Tests of clser_engine.inference.streaming, on the model that ships."""

import numpy as np
import pytest

from clser_engine.errors import BadValueError
from clser_engine.inference.streaming import StreamingPredictor


@pytest.mark.parametrize("largest", [2_000, 30_000, 200_000])
def test_streaming_equals_the_whole_recording(predictor, speech, largest):
    samples = speech(26.01)
    rng = np.random.default_rng(largest)
    stream = StreamingPredictor(predictor)
    found, start = [], 0
    while start < len(samples):
        size = int(rng.integers(0, largest))
        found.append(stream.push(samples[start : start + size]))
        start += size
    found.append(stream.flush())

    whole = predictor.analyze_samples(samples).posteriors

    assert np.abs(np.concatenate([f.values for f in found]) - whole.values).max() < 1e-4
    assert np.abs(np.concatenate([f.speech for f in found]) - whole.speech).max() < 1e-4


def test_posteriors_come_after_the_declared_look_ahead(predictor, speech):
    stream = StreamingPredictor(predictor)
    samples = speech(2.0)
    look_ahead = round(predictor.card.look_ahead_ms * 16)

    assert predictor.card.look_ahead_ms <= 320
    assert len(stream.push(samples[: 640 + look_ahead - 1]).values) == 0
    assert len(stream.push(samples[640 + look_ahead - 1 : 640 + look_ahead]).values) == 1


def test_memory_stays_bounded(predictor, speech):
    stream = StreamingPredictor(predictor)
    samples = speech(5.0)
    for _ in range(6):
        stream.push(samples)

    held_s = len(stream._buffer) / 16_000
    assert held_s < (predictor.card.receptive_field_ms + predictor.card.look_ahead_ms) / 1000 + 0.1


def test_a_flush_begins_a_new_signal(predictor, speech):
    stream = StreamingPredictor(predictor)
    samples = speech(1.3)
    first = np.concatenate([stream.push(samples).values, stream.flush().values])
    second = np.concatenate([stream.push(samples).values, stream.flush().values])

    assert len(first) == 33
    np.testing.assert_array_equal(first, second)
    assert stream.flush().values.shape == (0, 4)


def test_bad_samples_are_named(predictor):
    stream = StreamingPredictor(predictor)

    with pytest.raises(BadValueError) as raised:
        stream.push(np.zeros((3, 2), np.float32))
    assert str(raised.value) == "Bad samples shape: got (3, 2), expected (N,)."
    with pytest.raises(BadValueError) as raised:
        stream.push(np.array([0.0, np.nan], np.float32))
    assert str(raised.value) == "Bad samples: got one that is not finite, expected none."
