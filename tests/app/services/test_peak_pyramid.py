"""Tests of app.services.peak_pyramid, against brute force over the samples."""

import numpy as np
import pytest

from app.services.peak_pyramid import (
    FULL_SCALE,
    PeakPyramid,
    base_frames_of,
    level_lengths,
)

TOLERANCE = 1.01 / FULL_SCALE  # int16, rounded outwards


def make_pyramid(samples, base_frames=64, block=64 * 100):
    levels = [
        np.zeros((length, 3), np.int16) for length in level_lengths(len(samples), base_frames)
    ]
    pyramid = PeakPyramid(levels, base_frames)
    for start in range(0, len(samples), block):
        pyramid.append(samples[start : start + block])
    return pyramid


def noise(num_frames, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, num_frames).astype(np.float32)


@pytest.mark.parametrize("block", [64, 64 * 7, 64 * 1000])
@pytest.mark.parametrize("num_frames", [1, 63, 64, 65, 64 * 2001, 200_003])
def test_every_level_equals_brute_force(num_frames, block):
    samples = noise(num_frames)

    pyramid = make_pyramid(samples, block=block)

    for level, peaks in enumerate(pyramid.levels):
        bucket = 64 * 4**level
        starts = range(0, num_frames, bucket)
        assert len(peaks) == len(starts)
        minima = [samples[start : start + bucket].min() for start in starts]
        maxima = [samples[start : start + bucket].max() for start in starts]
        np.testing.assert_allclose(peaks[:, 0] / FULL_SCALE, minima, atol=TOLERANCE)
        np.testing.assert_allclose(peaks[:, 1] / FULL_SCALE, maxima, atol=TOLERANCE)


@pytest.mark.parametrize("frames_read", [0, 64 * 100, 64 * 2500, 64 * 9000])
def test_the_peak_is_of_what_was_read_so_far(frames_read):
    samples = np.linspace(0, -0.5, 64 * 9000, dtype=np.float32)
    pyramid = make_pyramid(samples)  # the levels are filled, as a file's that was begun before
    pyramid = PeakPyramid(pyramid.levels, 64, frames_read)

    expected = abs(samples[frames_read - 1]) if frames_read else 0.0
    coarsest_bucket = 64 * 4**2 * 0.5 / len(samples)
    assert expected - TOLERANCE <= pyramid.peak <= expected + coarsest_bucket + TOLERANCE


def test_rms_of_whole_buckets_equals_brute_force():
    samples = noise(64 * 4**3 * 40)

    pyramid = make_pyramid(samples)

    for level, peaks in enumerate(pyramid.levels):
        expected = np.sqrt((samples.reshape(-1, 64 * 4**level).astype(float) ** 2).mean(axis=1))
        np.testing.assert_allclose(peaks[:, 2] / FULL_SCALE, expected, atol=0.001)


@pytest.mark.parametrize("bins", [1, 7, 500, 1920])
@pytest.mark.parametrize("span", [(0, 300_000), (12_345.6, 99_999.9), (250_000, 300_000)])
def test_an_envelope_covers_each_bin_and_little_more(bins, span):
    samples = noise(300_000)
    pyramid = make_pyramid(samples)

    envelope = pyramid.envelope(*span, bins)

    frames_per_bin = (span[1] - span[0]) / bins
    bucket = 64
    while bucket * 4 <= frames_per_bin and bucket < 64 * 4 ** (len(pyramid.levels) - 1):
        bucket *= 4
    edges = np.linspace(*span, bins + 1)
    for index in range(bins):
        inside = samples[
            int(edges[index]) : max(int(np.ceil(edges[index + 1])), int(edges[index]) + 1)
        ]
        low = int(edges[index] // bucket * bucket)
        high = int(np.ceil(edges[index + 1] / bucket) * bucket)
        around = samples[low : max(high, low + bucket)]
        assert envelope.maxima[index] >= inside.max() - TOLERANCE
        assert envelope.minima[index] <= inside.min() + TOLERANCE
        assert envelope.maxima[index] <= around.max() + TOLERANCE
        assert envelope.minima[index] >= around.min() - TOLERANCE


@pytest.mark.parametrize("position", [0, 1_000_003, 3_999_999])
def test_a_click_of_one_sample_is_visible_at_every_zoom(position):
    samples = np.zeros(4_000_000, np.float32)
    samples[position] = 1.0
    pyramid = make_pyramid(samples, block=64 * 5000)

    for span in (4_000_000, 1_000_000, 60_000, 2000, 100):
        start = min(max(position - span // 2, 0), 4_000_000 - span)
        envelope = pyramid.envelope(start, start + span, 1500)
        assert np.nanmax(envelope.maxima) == 1.0, span


def test_what_is_not_read_yet_is_nan_not_silence():
    samples = noise(64 * 1000)
    pyramid = PeakPyramid([np.zeros((1000, 3), np.int16)], 64)
    pyramid.append(samples[: 64 * 400])

    envelope = pyramid.envelope(0, 64 * 1000, 100)

    assert not np.isnan(envelope.maxima[:40]).any()
    assert np.isnan(envelope.maxima[40:]).all()
    assert np.isnan(envelope.rms[40:]).all()


def test_growing_gives_the_same_as_at_once():
    samples = noise(64 * 9001 + 17)

    at_once, grown = make_pyramid(samples, block=len(samples)), make_pyramid(samples, block=64 * 3)

    for first, second in zip(at_once.levels, grown.levels, strict=True):
        np.testing.assert_array_equal(first[:, :2], second[:, :2])
        np.testing.assert_allclose(first[:, 2], second[:, 2], atol=1)


def test_samples_beyond_full_scale_are_clipped_not_wrapped():
    pyramid = make_pyramid(np.array([3.0, -3.0], np.float32))

    envelope = pyramid.envelope(0, 2, 1)

    assert (envelope.minima[0], envelope.maxima[0]) == (-1.0, 1.0)


@pytest.mark.parametrize(
    ("rate", "frames"), [(8000, 64), (16000, 64), (44100, 128), (192000, 1024)]
)
def test_a_bucket_is_about_four_milliseconds(rate, frames):
    assert base_frames_of(rate) == frames
