"""Tests of clser_engine.audio.alteration."""

import numpy as np
import pytest

from clser_engine.audio.alteration import SPEEDS, alter


@pytest.fixture
def speech():
    time = np.arange(16_000) / 16_000
    tone = sum(np.sin(2 * np.pi * 150 * k * time) / k for k in range(1, 9))
    return (0.1 * tone).astype(np.float32)


def test_equal_random_numbers_alter_in_the_same_way(speech):
    one, same, other = (alter(speech, np.random.default_rng(seed)) for seed in (1, 1, 2))

    np.testing.assert_array_equal(one, same)
    assert len(one) != len(other) or not np.allclose(one, other)


def test_length_follows_the_speed_and_the_level_stays_near(speech):
    for seed in range(20):
        altered = alter(speech, np.random.default_rng(seed))

        assert altered.dtype == np.float32
        assert len(speech) / SPEEDS[1] - 2 <= len(altered) <= len(speech) / SPEEDS[0] + 2
        assert np.isfinite(altered).all()
        change_db = 20 * np.log10(altered.std() / speech.std())
        assert abs(change_db) < 25


def test_the_spectrum_changes_by_more_than_the_level(speech):
    found = []
    for seed in range(10):
        altered = alter(speech, np.random.default_rng(seed))
        power = np.abs(np.fft.rfft(altered)) ** 2
        found.append(power[: len(power) // 8].sum() / power.sum())
    assert np.std(found) > 0.01


@pytest.mark.parametrize("samples", [0, 1, 7])
def test_short_and_silent_recordings_stay_so(samples):
    silent = alter(np.zeros(samples, np.float32), np.random.default_rng(0))

    assert not silent.any()
    assert np.isfinite(alter(np.ones(samples, np.float32), np.random.default_rng(0))).all()
