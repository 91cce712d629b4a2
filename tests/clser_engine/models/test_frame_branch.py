"""Tests of clser_engine.models.frame_branch."""

import pytest
import torch

from clser_engine.audio.features import STEP_SAMPLES, FrameDescriptors
from clser_engine.models.frame_branch import (
    CONTEXT_STEPS,
    LOOK_AHEAD_STEPS,
    SHIFT_STEPS,
    STEP_RATE_HZ,
    FrameBranch,
    _Windows,
    trailing_mean,
    trailing_peak,
)


@pytest.fixture(scope="module")
def posteriors():
    torch.manual_seed(0)
    describe, branch = FrameDescriptors().eval(), FrameBranch(3).eval()
    # As trained ones are, so that a dependence through normalisation cannot hide.
    branch.head.mean.normal_(std=0.3)
    branch.head.scale.uniform_(0.5, 2.0)

    def of(waveform, lengths=None):
        with torch.inference_mode():
            return branch(describe(waveform, lengths)).softmax(dim=2)

    return of


def recording(seconds, seed=0):
    generator = torch.Generator().manual_seed(seed)
    samples = round(seconds * 16_000)
    loudness = torch.rand(1, samples // 1600 + 1, generator=generator).repeat_interleave(
        1600, dim=1
    )
    return 0.2 * loudness[:, :samples] * torch.randn(1, samples, generator=generator)


def test_the_declared_look_ahead_is_at_most_320_ms():
    assert LOOK_AHEAD_STEPS / STEP_RATE_HZ <= 0.32


def test_trailing_mean_equals_a_slow_loop():
    values = torch.randn(2, 20, 3)

    found = trailing_mean(values, 5)

    for t in range(20):
        expected = values[:, max(0, t - 4) : t + 1].sum(dim=1) / 5
        torch.testing.assert_close(found[:, t], expected, atol=1e-6, rtol=1e-5)


def test_trailing_peak_equals_a_slow_loop():
    values = torch.randn(2, 20)

    found = trailing_peak(values, 4)

    for t in range(20):
        assert torch.equal(found[:, t], values[:, max(0, t - 3) : t + 1].amax(dim=1))


def test_moments_of_a_window_equal_a_slow_loop():
    values, weight = torch.randn(1, 24, 3), (torch.rand(1, 24, 1) > 0.4).float()

    mean, deviation = _Windows(values, weight).moments(4)

    for step in range(12):
        frames = slice(max(0, 2 * (step - 3)), 2 * step + 2)
        chosen = values[0, frames][weight[0, frames, 0] > 0]
        if len(chosen) == 0:
            continue
        shrunk = len(chosen) / 8 / (len(chosen) / 8 + 1e-3)  # next to empty windows count little
        expected = chosen.mean(dim=0) * shrunk
        torch.testing.assert_close(mean[0, step], expected, atol=1e-5, rtol=1e-4)
        spread = chosen.square().mean(dim=0) * shrunk - expected.square() + 1e-3
        torch.testing.assert_close(deviation[0, step], spread.sqrt(), atol=1e-4, rtol=1e-3)
    assert mean.shape == (1, 12 + SHIFT_STEPS, 3)


def test_frames_that_do_not_count_change_nothing():
    values, weight = torch.randn(1, 24, 3), (torch.rand(1, 24, 1) > 0.4).float()
    other = torch.where(weight > 0, values, 50 * torch.ones(1))

    for found, expected in zip(
        _Windows(other, weight).moments(5), _Windows(values, weight).moments(5), strict=True
    ):
        torch.testing.assert_close(found, expected)


def test_nothing_later_than_the_look_ahead_changes_a_posterior(posteriors):
    waveform = recording(8.0)
    cut = 100 * STEP_SAMPLES
    changed = torch.cat([waveform[:, :cut], recording(4.0, seed=5)], dim=1)

    same = (posteriors(waveform)[0] == posteriors(changed)[0]).all(dim=1)

    # Frame t ends at (t + 1) steps and may hear LOOK_AHEAD_STEPS more.
    assert same[: 100 - LOOK_AHEAD_STEPS].all()
    assert not same[100:160].any()


def test_the_past_beyond_the_receptive_field_changes_nothing(posteriors):
    waveform = recording(16.0)

    whole = posteriors(waveform)[:, CONTEXT_STEPS + 40 :]
    cut = posteriors(waveform[:, 40 * STEP_SAMPLES :])[:, CONTEXT_STEPS:]

    torch.testing.assert_close(cut, whole, atol=1e-6, rtol=0)


def test_padding_in_a_batch_changes_nothing(posteriors):
    short, long = recording(1.5), recording(3.0, seed=2)
    batch = torch.zeros(2, long.shape[1])
    batch[0, : short.shape[1]] = short
    batch[1] = long

    together = posteriors(batch, torch.tensor([short.shape[1], long.shape[1]]))

    alone = posteriors(short)
    torch.testing.assert_close(together[:1, : alone.shape[1]], alone, atol=1e-5, rtol=0)
    torch.testing.assert_close(together[1:], posteriors(long), atol=1e-5, rtol=0)


def test_gain_changes_nothing(posteriors):
    waveform = recording(3.0)

    torch.testing.assert_close(posteriors(0.1 * waveform), posteriors(waveform), atol=2e-3, rtol=0)


@pytest.mark.parametrize("samples", [1, 640, 641])
def test_rows_are_posteriors_however_short(posteriors, samples):
    for waveform in (torch.zeros(1, samples), torch.ones(1, samples)):
        found = posteriors(waveform)

        assert found.shape == (1, -(-samples // 640), 3)
        torch.testing.assert_close(found.sum(dim=2), torch.ones(found.shape[:2]))
