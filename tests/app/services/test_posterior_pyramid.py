"""Tests of app.services.posterior_pyramid, against brute force over the frames."""

import numpy as np
import pytest

from app.services.posterior_pyramid import PosteriorPyramid
from clser_engine.types import Posteriors

RATE = 25.0


def make(num_frames, seed=0):
    values = np.random.default_rng(seed).dirichlet([1, 1, 1, 1], num_frames).astype(np.float32)
    return PosteriorPyramid(
        Posteriors(classes=("a", "b", "c", "d"), frame_rate_hz=RATE, values=values)
    ), values


@pytest.mark.parametrize(("num_frames", "bins"), [(1000, 100), (9000, 1000), (90_000, 1500)])
def test_pooled_bins_that_fit_the_buckets_equal_brute_force(num_frames, bins):
    pyramid, values = make(num_frames)

    means, maxima, known = pyramid.pool(0.0, num_frames / RATE, bins)

    assert known == bins
    for index in range(0, bins, 7):
        low, high = index * num_frames / bins, (index + 1) * num_frames / bins
        bucket = 1
        while bucket * 4 <= num_frames / bins and num_frames / bucket > 2000:
            bucket *= 4
        first, stop = int(low // bucket * bucket), int(-(-high // bucket) * bucket)
        np.testing.assert_allclose(maxima[index], values[first:stop].max(axis=0), atol=1e-6)
        mean_stop = int(high // bucket * bucket)
        np.testing.assert_allclose(means[index], values[first:mean_stop].mean(axis=0), atol=1e-5)


def test_a_burst_of_one_frame_is_visible_with_hours_on_screen():
    values = np.tile(np.array([0, 0, 0, 1], np.float32), (720_000, 1))
    values[432_101] = [1, 0, 0, 0]
    pyramid = PosteriorPyramid(
        Posteriors(classes=("a", "b", "c", "d"), frame_rate_hz=RATE, values=values)
    )

    for bins in (1, 300, 1800, 3600):
        _, maxima, _ = pyramid.pool(0.0, 720_000 / RATE, bins)
        assert maxima[:, 0].max() == 1.0


def test_bins_finer_than_frames_show_the_frame_that_covers_them():
    pyramid, values = make(100)

    means, maxima, known = pyramid.pool(1.0, 1.2, 50)

    assert known == 50
    np.testing.assert_array_equal(means, values[25 + np.arange(50) // 10])
    np.testing.assert_array_equal(maxima, means)


def test_what_lies_behind_the_last_frame_is_not_known():
    pyramid, _ = make(100)

    _, _, known = pyramid.pool(2.0, 6.0, 100)
    _, _, nothing = pyramid.pool(5.0, 6.0, 100)

    assert known == 50
    assert nothing == 0


@pytest.mark.parametrize("num_frames", [1, 2, 2001])
@pytest.mark.parametrize("bins", [1, 3, 5000])
def test_any_view_has_as_many_bins_as_asked(num_frames, bins):
    pyramid, _ = make(num_frames)

    for start, end in ((0.0, num_frames / RATE), (0.0, 1000.0), (num_frames / RATE - 0.01, 900.0)):
        means, maxima, _ = pyramid.pool(start, end, bins)
        assert means.shape == maxima.shape == (bins, 4)
        assert (maxima >= means - 1e-6).all()


def test_the_value_at_a_time_is_the_frame_that_covers_it():
    pyramid, values = make(100)

    np.testing.assert_array_equal(pyramid.values_at(0.0), values[0])
    np.testing.assert_array_equal(pyramid.values_at(1.0399), values[25])
    np.testing.assert_array_equal(pyramid.values_at(3.999), values[99])
    assert pyramid.values_at(4.0) is None
    assert pyramid.values_at(-0.001) is None
