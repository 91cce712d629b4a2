"""Tests of app.services.spectrogram."""

import numpy as np
import pytest

from app.services.spectrogram import (
    FIRST_STORED_LEVEL,
    FLOOR_DB,
    TOP_DB,
    StoredLevels,
    blend_columns,
    compute_columns,
    pool_bins,
    pool_columns,
    shape_of,
)

RATE = 16000


def noise(num_frames, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal(num_frames)).astype(np.float32)


def to_db(byte):
    return FLOOR_DB + byte / 255 * (TOP_DB - FLOOR_DB)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("level", [0, 1])
def test_the_reference_is_full_scale_at_every_rate_and_hop(rate, level):
    shape = shape_of(rate)
    times = np.arange(rate) / rate
    tone = (0.01 * np.sin(2 * np.pi * 1000 * times)).astype(np.float32)  # -40 dB

    columns = compute_columns(tone, 0, shape, level, 10, 12)

    row = int(columns[0].argmax())
    assert row * rate / shape.window_frames == pytest.approx(1000, abs=20)
    assert to_db(columns.max()) == pytest.approx(-40, abs=0.6)


def test_a_column_equals_the_transform_written_out():
    shape, samples = shape_of(RATE), noise(RATE)
    hop, window = shape.hop_frames(1), shape.window_frames

    columns = compute_columns(samples, 0, shape, 1, 0, 62)

    padded = np.pad(samples, window)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    for index in (0, 1, 30, 61):
        first = index * hop + hop // 2 - window // 2 + window
        spectrum = np.abs(np.fft.rfft(padded[first : first + window] * hann))[: shape.rows]
        level_db = 20 * np.log10(np.maximum(spectrum * 2 / hann.sum(), 1e-6))
        expected = np.clip((level_db - FLOOR_DB) / (TOP_DB - FLOOR_DB) * 255, 0, 255)
        np.testing.assert_allclose(columns[index], expected, atol=1)


def test_the_same_sound_has_the_same_colours_in_any_tile():
    shape, samples = shape_of(RATE), noise(5 * RATE)
    halo = shape.window_frames
    whole = compute_columns(samples, 0, shape, 0, 0, 1000)

    first_frame = 300 * shape.hop_frames(0) - halo
    part = samples[first_frame : 556 * shape.hop_frames(0) + halo]
    tile = compute_columns(part, first_frame, shape, 0, 300, 556)

    np.testing.assert_array_equal(tile, whole[300:556])


@pytest.mark.parametrize("num_frames", [1, 100, 16_001, 160_007])
@pytest.mark.parametrize("block", [640, 64_000])
def test_stored_levels_hold_every_column_whatever_the_blocks(num_frames, block):
    shape, samples = shape_of(RATE), noise(num_frames)
    lengths = shape.stored_lengths(num_frames)
    stored = StoredLevels([np.zeros((length, shape.rows), np.uint8) for length in lengths], shape)

    for start in range(0, num_frames, block):
        stored.append(samples[start : start + block], is_last=start + block >= num_frames)

    fine = compute_columns(samples, 0, shape, 1, 0, shape.num_columns(num_frames, 1))
    expected = pool_columns(fine)
    assert stored.columns_done == len(expected) == shape.num_columns(num_frames, FIRST_STORED_LEVEL)
    np.testing.assert_array_equal(stored.levels[0], expected)


def test_coarser_levels_are_halfway_between_the_mean_and_the_largest_of_four():
    shape = shape_of(RATE)
    num_frames = shape.hop_frames(FIRST_STORED_LEVEL) * 4003
    samples = noise(num_frames)
    lengths = shape.stored_lengths(num_frames)
    stored = StoredLevels([np.zeros((length, shape.rows), np.uint8) for length in lengths], shape)

    for start in range(0, num_frames, 64_000):
        stored.append(samples[start : start + 64_000], is_last=start + 64_000 >= num_frames)

    assert len(stored.levels) == 2
    for column in (0, 1, 999, 1000):
        four = stored.levels[0][4 * column : 4 * column + 4].astype(float)
        expected = (four.mean(axis=0) + four.max(axis=0)) / 2
        np.testing.assert_allclose(stored.levels[1][column], expected, atol=1)


def test_a_short_sound_still_shows_with_an_hour_on_screen():
    columns = np.zeros((56_250, 2), np.uint8)
    columns[20_001] = 255

    while len(columns) > 2000:
        columns = blend_columns(columns)

    assert columns.max() >= 60


def test_a_short_sound_keeps_its_colour_within_a_level():
    columns = np.zeros((1000, 3), np.uint8)
    columns[517] = 200

    for bins in (1, 10, 333):
        assert pool_bins(columns, np.linspace(0, 1000 * 64, bins + 1), 64).max() == 200


def test_bins_finer_than_columns_repeat_the_column_that_covers_them():
    columns = np.arange(10, dtype=np.uint8)[:, None]

    pooled = pool_bins(columns, np.linspace(128, 256, 9), 64)

    assert pooled[:, 0].tolist() == [2, 2, 2, 2, 3, 3, 3, 3]
