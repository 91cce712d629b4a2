"""Tests of clser_engine.models.speech_branch."""

import pytest
import torch

from clser_engine.audio.features import STEP_SAMPLES, FrameDescriptors
from clser_engine.models.frame_branch import CONTEXT_STEPS, LOOK_AHEAD_STEPS
from clser_engine.models.speech_branch import REACH_STEPS, SpeechBranch, trailing_max


@pytest.fixture(scope="module")
def speech():
    torch.manual_seed(0)
    describe, branch = FrameDescriptors().eval(), SpeechBranch().eval()

    def of(waveform, lengths=None):
        with torch.inference_mode():
            return branch(describe(waveform, lengths)).sigmoid()

    return of


def recording(seconds, seed=0):
    generator = torch.Generator().manual_seed(seed)
    samples = round(seconds * 16_000)
    loudness = torch.rand(1, samples // 1600 + 1, generator=generator).repeat_interleave(
        1600, dim=1
    )
    return 0.2 * loudness[:, :samples] * torch.randn(1, samples, generator=generator)


def test_trailing_max_equals_a_slow_loop():
    values = torch.randn(2, 20, 3)

    found = trailing_max(values, 4, -7.0)

    for t in range(20):
        assert torch.equal(found[:, t], values[:, max(0, t - 3) : t + 1].amax(dim=1))
    assert (trailing_max(values - 100, 4, -7.0)[:, :3] == -7.0).all()


def test_nothing_later_than_the_look_ahead_of_the_frames_changes_it(speech):
    waveform = recording(8.0)
    cut = 100 * STEP_SAMPLES
    changed = torch.cat([waveform[:, :cut], recording(4.0, seed=5)], dim=1)

    same = speech(waveform)[0] == speech(changed)[0]

    assert same[: 100 - LOOK_AHEAD_STEPS].all()
    assert not same[100:160].any()


def test_its_past_is_no_longer_than_that_of_the_frames(speech):
    waveform = recording(16.0)

    whole = speech(waveform)[:, CONTEXT_STEPS + 40 :]
    cut = speech(waveform[:, 40 * STEP_SAMPLES :])[:, CONTEXT_STEPS:]

    assert REACH_STEPS + 7 <= CONTEXT_STEPS
    torch.testing.assert_close(cut, whole, atol=1e-6, rtol=0)


def test_padding_in_a_batch_changes_nothing(speech):
    short, long = recording(1.5), recording(3.0, seed=2)
    batch = torch.zeros(2, long.shape[1])
    batch[0, : short.shape[1]] = short
    batch[1] = long

    together = speech(batch, torch.tensor([short.shape[1], long.shape[1]]))

    alone = speech(short)
    torch.testing.assert_close(together[:1, : alone.shape[1]], alone, atol=1e-5, rtol=0)
    torch.testing.assert_close(together[1:], speech(long), atol=1e-5, rtol=0)


@pytest.mark.parametrize("samples", [1, 640, 641])
def test_it_is_a_probability_however_short(speech, samples):
    for waveform in (torch.zeros(1, samples), torch.ones(1, samples)):
        found = speech(waveform)

        assert found.shape == (1, -(-samples // 640))
        assert ((found >= 0) & (found <= 1)).all()
