"""Tests of clser_engine.models.frame_branch."""

from dataclasses import replace

import pytest
import torch

from clser_engine.audio.features import POWER_FLOOR, STEP_SAMPLES, FrameDescriptors
from clser_engine.models.frame_branch import (
    CONTEXT_STEPS,
    LONG_STEPS,
    LOOK_AHEAD_STEPS,
    MAIN_STEPS,
    SHIFT_STEPS,
    SHORT_STEPS,
    STEP_RATE_HZ,
    FrameBranch,
    longer_mean,
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


def mean_by_hand(values, step, steps):
    """Mean of (B, K, T) over the last `steps` of the frames up to `step`."""
    return values[:, :, max(0, step - steps + 1) : step + 1].sum(dim=2) / steps


def test_trailing_means_equal_a_slow_loop():
    values = torch.randn(2, 3, 20)

    found = trailing_mean(values, 5)
    longer = longer_mean(found, 5, 3)

    for step in range(20):
        for means, steps in ((found, 5), (longer, 15)):
            expected = mean_by_hand(values, step, steps)
            torch.testing.assert_close(means[:, :, step], expected, atol=1e-6, rtol=1e-5)


def test_trailing_peak_equals_a_slow_loop():
    values = torch.randn(2, 20)

    found = trailing_peak(values, 4)

    for t in range(20):
        assert torch.equal(found[:, t], values[:, max(0, t - 3) : t + 1].amax(dim=1))


@pytest.fixture
def described():
    """Descriptors of four seconds, of which some frames are quiet and some without a voice."""
    with torch.inference_mode():
        described = FrameDescriptors()(recording(4.0))
    generator = torch.Generator().manual_seed(3)
    quiet, hoarse = torch.rand(2, *described.valid.shape, generator=generator)
    return replace(
        described,
        energy_db=described.energy_db - 60 * (quiet > 0.7),
        periodicity=0.9 * (hoarse > 0.4).float(),
    )


def inputs_by_hand(branch, d):
    """What the classifier reads (T, D) of one recording, from the definitions, frame by frame."""
    energy = d.energy_db[0].double()
    peak = torch.stack([energy[max(0, t - 99) : t + 1].max() for t in range(len(energy))])
    seen = (energy > peak - 35).double()
    said = seen * (d.periodicity[0] > 0.5)
    log_mel = 10 * torch.log10(d.mel + POWER_FLOOR)
    values = torch.cat(
        [
            branch._spectral(d, log_mel, d.energy_db),
            d.energy_db[:, :, None] / 10,
            branch._voice(d, said[None] > 0),
        ],
        dim=2,
    )[0].double()
    weight = torch.cat([seen[:, None].expand(-1, 41), said[:, None].expand(-1, 5)], dim=1)
    onsets = 25 * (torch.diff(said, prepend=said[:1]) > 0).double()
    steps = len(energy) // 2 + SHIFT_STEPS

    def window(columns, step, length):
        return columns[2 * max(0, step - length + 1) : 2 * step + 2].sum(dim=0) / (2 * length)

    def moments(step, length):
        count = window(weight, step, length) + 1e-3
        mean = window(values * weight, step, length) / count
        spread = window(values**2 * weight, step, length) / count - mean**2
        return mean, (spread.clamp(min=0) + 1e-3).sqrt()

    main = torch.stack([moments(step, MAIN_STEPS)[0] for step in range(steps)])
    now = torch.stack(
        [window(values * weight, t, 1) / window(weight, t, 1).clamp(min=0.5) for t in range(steps)]
    )
    counts = torch.stack([window(weight, step, 1) for step in range(steps)])
    level, height = (now - main)[:, 40].clamp(-4, 4), (now - main)[:, 41].clamp(-3, 3)

    def shape(column, count, step):
        part = slice(max(0, step - MAIN_STEPS + 1), step + 1)
        share = count[part].sum() / MAIN_STEPS
        return (column[part] * count[part, None]).sum(dim=0) / MAIN_STEPS / (share + 1e-3)

    rows = []
    for step in range(SHIFT_STEPS, steps):
        (short_mean, short_sd), (mean, sd), (long_mean, long_sd) = (
            moments(step, length) for length in (SHORT_STEPS, MAIN_STEPS, LONG_STEPS)
        )
        shares = torch.stack([seen, said, onsets], dim=1)
        levels = torch.stack([level.clamp(min=0), level**3 / 4, level.abs()], dim=1)
        heights = torch.stack([height.clamp(min=0), height**3, height.abs()], dim=1)
        loud = counts[:, 0] * (level > 0)
        rows.append(
            torch.cat(
                [
                    short_mean[:40], short_sd[:40], short_mean[41:], short_sd[41:],
                    mean[:40], sd[:41], mean[41:], sd[41:],
                    window(shares, step, SHORT_STEPS), window(shares, step, MAIN_STEPS),
                    (short_mean - long_mean) / (long_sd + 0.05),
                    (mean - long_mean) / (long_sd + 0.05),
                    shape(levels, counts[:, 0], step), shape(heights, counts[:, 41], step),
                    shape(now[:, :40], loud, step) - mean[:40],
                ]
            )
        )  # fmt: skip
    return torch.stack(rows)


def test_what_the_classifier_reads_equals_a_slow_loop(described):
    branch = FrameBranch(3)

    found, _ = branch.inputs(described)

    expected = inputs_by_hand(branch, described).float()
    assert found.shape[1:] == (100, branch.num_inputs)
    torch.testing.assert_close(found[0], expected, atol=2e-4, rtol=1e-3)


def test_frames_that_do_not_count_change_nothing(described):
    branch = FrameBranch(3)
    silent = (described.periodicity < 0.5)[:, :, None]
    other = replace(described, tilt_db=torch.where(silent, 99.0, described.tilt_db))

    for found, expected in zip(branch.inputs(other), branch.inputs(described), strict=True):
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
