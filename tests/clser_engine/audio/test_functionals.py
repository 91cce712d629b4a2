"""Tests of clser_engine.audio.functionals."""

import math

import numpy as np
import pytest
import torch

from clser_engine.audio.features import FrameDescriptors
from clser_engine.audio.functionals import Functionals
from clser_engine.audio.masked import (
    both,
    masked_correlation,
    masked_correlations,
    masked_mean,
    masked_moments,
    masked_quantiles,
)

RATE = 16_000


@pytest.fixture(scope="module")
def summarise():
    describe, functionals = FrameDescriptors().eval(), Functionals().eval()

    def of(waveform, lengths=None):
        with torch.inference_mode():
            return functionals(describe(waveform, lengths))

    return of


@pytest.fixture
def masked():
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(3, 40, generator=generator)
    mask = torch.rand(3, 40, generator=generator) > 0.4
    return values, mask


def speech(seconds=2.0, level=0.1, seed=0):
    """Voiced stretches with moving F0, noise and gaps."""
    time = torch.arange(round(seconds * RATE)) / RATE
    phase = 2 * math.pi * (160 * time + 6 * torch.sin(2 * math.pi * 1.1 * time))
    tone = sum(torch.sin(k * phase) / k for k in range(1, 12))
    noise = torch.randn(len(time), generator=torch.Generator().manual_seed(seed))
    gate = (torch.sin(2 * math.pi * 2.1 * time + 0.5) > -0.5).float()
    return (level * (tone * gate + 0.05 * noise))[None]


def test_quantiles_equal_numpy(masked):
    values, mask = masked

    found = masked_quantiles(values, mask, (0.05, 0.5, 0.8))

    for row in range(3):
        chosen = values[row][mask[row]].numpy()
        np.testing.assert_allclose(found[row], np.quantile(chosen, (0.05, 0.5, 0.8)), atol=1e-6)


def test_moments_equal_numpy(masked):
    values, mask = masked

    mean, deviation = masked_moments(values[:, :, None], mask)

    for row in range(3):
        chosen = values[row][mask[row]].numpy()
        assert float(mean[row, 0]) == pytest.approx(chosen.mean(), abs=1e-6)
        assert float(deviation[row, 0]) == pytest.approx(chosen.std(), abs=1e-5)


def test_correlation_equals_numpy(masked):
    values, mask = masked
    other = values + torch.randn(3, 40, generator=torch.Generator().manual_seed(1))

    found = masked_correlation(values, other, mask)

    for row in range(3):
        chosen = mask[row].numpy()
        expected = np.corrcoef(values[row].numpy()[chosen], other[row].numpy()[chosen])[0, 1]
        assert float(found[row, 0]) == pytest.approx(expected, abs=1e-4)


def test_an_empty_mask_gives_zeros():
    values, nothing = torch.randn(2, 5), torch.zeros(2, 5, dtype=torch.bool)

    assert (masked_quantiles(values, nothing, (0.5,)) == 0).all()
    assert (masked_mean(values[:, :, None], nothing) == 0).all()
    assert (masked_correlation(values, values, nothing) == 0).all()


def test_both_needs_the_frame_before():
    mask = torch.tensor([[True, True, False, True, True, True]])

    assert both(mask).tolist() == [[False, True, False, False, True, True]]


def test_names_match_the_numbers_and_differ(summarise):
    names = Functionals().names

    assert summarise(speech()).shape == (1, len(names))
    assert len(set(names)) == len(names)


def test_gain_changes_the_level_and_nothing_else(summarise):
    quiet, loud = summarise(speech(level=0.02))[0], summarise(speech(level=0.2))[0]
    names = Functionals().names
    other = [i for i, name in enumerate(names) if not name.startswith("level_")]

    torch.testing.assert_close(quiet[other], loud[other], atol=5e-3, rtol=5e-3)
    change_db = (loud - quiet)[names.index("level_db")]
    assert float(change_db) == pytest.approx(20, abs=0.01)
    assert float(loud[names.index("level_mean")]) > 1.5 * float(quiet[names.index("level_mean")])


def test_correlations_equal_numpy(masked):
    values, mask = masked
    triple = torch.stack([values, values.square(), values + values.roll(1, dims=1)], dim=2)

    found = masked_correlations(triple, mask)

    for row in range(3):
        matrix = np.corrcoef(triple[row][mask[row]].numpy().T)
        expected = [matrix[0, 1], matrix[0, 2], matrix[1, 2]]
        np.testing.assert_allclose(found[row], expected, atol=0.05)


def test_a_descriptor_that_does_not_move_correlates_with_nothing():
    values = torch.randn(1, 20, 2)
    values[:, :, 1] = 3.0

    found = masked_correlations(values, torch.ones(1, 20, dtype=torch.bool))

    assert float(found.abs().max()) < 1e-3


def test_changes_that_go_together_correlate_and_those_that_do_not_do_not(summarise):
    names = Functionals().names
    time = torch.arange(2 * RATE) / RATE
    frame = torch.floor(time * 50)
    glide = torch.sin(2 * math.pi * 3.1 * time)  # what F0 does

    def correlation(loudness):
        f0_hz = 200 * torch.exp2(glide / 6)
        phase = 2 * math.pi * torch.cumsum(f0_hz, dim=0) / RATE
        tone = sum(torch.sin(k * phase) / k for k in range(1, 8)) * torch.exp(0.5 * loudness)
        found = summarise((0.05 * tone)[None])[0]
        return float(found[names.index("correlation_of_changes_0")])  # of energy with F0

    slow = 3 * frame / 100  # moves far, but never with F0
    assert correlation(glide + slow) > 0.7
    assert correlation(-glide + slow) < -0.7
    assert abs(correlation(torch.cos(2 * math.pi * 3.1 * time))) < 0.35


def test_how_much_digital_silence_is_around_the_speech_changes_nothing(summarise):
    little = torch.nn.functional.pad(speech(), (640 * 2, 640 * 2))
    much = torch.nn.functional.pad(speech(), (640 * 20, 640 * 33))

    torch.testing.assert_close(summarise(much), summarise(little), atol=2e-3, rtol=2e-3)


def test_padding_in_a_batch_changes_nothing(summarise):
    short, long = speech(1.2), speech(2.0, seed=3)
    batch = torch.zeros(2, long.shape[1])
    batch[0, : short.shape[1]] = short
    batch[1] = long

    together = summarise(batch, torch.tensor([short.shape[1], long.shape[1]]))

    torch.testing.assert_close(together[:1], summarise(short), atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(together[1:], summarise(long), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("samples", [640, 1280, 3200, 8000])
def test_padding_hides_no_peak_at_the_end(summarise, samples):
    swelling = torch.randn(1, samples, generator=torch.Generator().manual_seed(5))
    swelling = swelling * torch.linspace(0.01, 0.3, samples)
    padded = torch.nn.functional.pad(swelling, (0, 9600))

    alone, together = summarise(swelling), summarise(padded, torch.tensor([samples]))

    torch.testing.assert_close(together, alone, atol=1e-3, rtol=1e-3)


def test_f0_statistics_are_those_of_the_tone(summarise):
    names = Functionals().names
    time = torch.arange(2 * RATE) / RATE
    # 12 semitones per second upwards from 110 Hz, without pause.
    phase = 2 * math.pi * 110 / math.log(2) * (torch.exp2(time) - 1)
    tone = sum(torch.sin(k * phase) / k for k in range(1, 10))

    found = dict(zip(names, summarise((0.1 * tone)[None])[0].tolist(), strict=True))

    assert found["f0_slope"] == pytest.approx(12, abs=1.0)
    assert found["f0_rising_share"] > 0.95
    assert found["voiced_share"] > 0.9
    assert found["f0_mean"] == pytest.approx(12 * math.log2(220 / 100), abs=0.5)


@pytest.mark.parametrize("samples", [1, 100, 640, 3000])
def test_degenerate_recordings_give_finite_numbers(summarise, samples):
    for waveform in (torch.zeros(1, samples), torch.ones(1, samples), torch.randn(1, samples)):
        assert torch.isfinite(summarise(waveform)).all()
