"""Tests of clser_engine.audio.resample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clser_engine.audio.resample import resample


@settings(deadline=None, max_examples=60)
@given(
    lengths=st.lists(st.integers(0, 3000), min_size=1, max_size=8),
    rate=st.sampled_from([1234, 8000, 11025, 22050, 44100, 48000, 192000]),
)
def test_the_cut_into_blocks_does_not_matter(lengths, rate):
    samples = np.random.default_rng(0).uniform(-1, 1, sum(lengths)).astype(np.float32)
    blocks = np.split(samples, np.cumsum(lengths)[:-1])

    together = np.concatenate([np.zeros(0), *resample(iter(blocks), rate, 16000)])
    at_once = np.concatenate([np.zeros(0), *resample(iter([samples]), rate, 16000)])

    np.testing.assert_allclose(together, at_once, atol=1e-6)
    expected = len(samples) * 16000 / rate
    assert abs(len(together) - expected) <= 1 or (len(samples) and len(together) == 1)


def test_the_same_rate_passes_the_blocks_on():
    blocks = [np.ones(3, np.float32), np.zeros(2, np.float32)]

    assert list(resample(iter(blocks), 16000, 16000)) == blocks


@pytest.mark.parametrize("num_samples", [1, 2])
def test_too_short_for_one_sample_is_their_mean(num_samples):
    samples = np.full(num_samples, 0.25, np.float32)

    [block] = resample(iter([samples]), 192000, 16000)

    np.testing.assert_allclose(block, [0.25])


def test_nothing_stays_nothing():
    assert list(resample(iter([]), 44100, 16000)) == []
