"""Tests of clser_engine.training.smoothing."""

import numpy as np
import pytest

from clser_engine.inference.smoothing import smooth
from clser_engine.training.smoothing import COMPACT, calibrated


def softmax(logits):
    values = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (values / values.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("temperature", [0.8, 3.0])
def test_calibration_of_frames_leaves_the_stretches_as_they_are(temperature):
    logits = np.random.default_rng(0).normal(size=(40, 4))

    found = smooth(softmax(logits / temperature), calibrated(COMPACT, temperature))

    np.testing.assert_allclose(found, smooth(softmax(logits), COMPACT), atol=1e-5)


def test_no_frame_is_trusted_more_than_it_says():
    assert calibrated(COMPACT, 10.0).trust == 1.0
