"""Tests of clser_engine.audio.features."""

import math

import numpy as np
import pytest
import torch

from clser_engine.audio.features import (
    MEL_BANDS,
    PITCH_FFT,
    PITCH_LAGS,
    PITCH_WINDOW,
    FrameDescriptors,
    mel_filters,
    num_steps,
)

RATE = 16_000


@pytest.fixture(scope="module")
def describe():
    return FrameDescriptors().eval()


def voice(seconds, f0=180.0, level=0.1):
    """A vowel-like tone with falling harmonics."""
    time = torch.arange(round(seconds * RATE)) / RATE
    tone = sum(torch.sin(2 * math.pi * f0 * k * time) / k for k in range(1, 11))
    return (level * tone)[None]


def mel_by_hand(waveform, frame):
    """One mel frame with numpy's FFT: 512 samples centred on the frame's 20 ms."""
    start = frame * 320 + 160 - 256
    padded = np.pad(waveform, (1000, 2000))
    piece = padded[1000 + start - 1 : 1000 + start + 512].astype(np.float64)
    emphasised = piece[1:] - 0.97 * piece[:-1]
    window = np.hanning(513)[:-1]
    spectrum = np.abs(np.fft.rfft(emphasised * window)[:256]) ** 2 / (window**2).sum()
    return spectrum @ mel_filters(RATE, 256, 512)


def test_mel_power_equals_a_slow_fft():
    waveform = 0.1 * torch.randn(1, 8000, generator=torch.Generator().manual_seed(1))

    mel = FrameDescriptors()(waveform).mel[0].numpy()

    for frame in (0, 1, 7, 23):
        np.testing.assert_allclose(mel[frame], mel_by_hand(waveform[0].numpy(), frame), rtol=2e-3)


def correlation_by_hand(samples, lag):
    """Boersma's normalised autocorrelation at a whole lag, with plain loops."""
    window = np.hanning(PITCH_WINDOW + 1)[:-1]

    def autocorrelation(values, shift):
        return sum(values[i] * values[i + shift] for i in range(len(values) - shift))

    windowed = samples * window
    signal = autocorrelation(windowed, lag) / autocorrelation(windowed, 0)
    return signal / (autocorrelation(window, lag) / autocorrelation(window, 0))


def test_autocorrelation_equals_a_slow_loop(describe):
    # Below 1.5 kHz and above the band's lower edge, so that the band limit changes nothing.
    time = np.arange(RATE) / RATE
    tone = sum(np.sin(2 * np.pi * 200 * k * time + k) for k in range(1, 7))
    frame = 20
    start = frame * 320 + 160 - PITCH_WINDOW // 2
    expected = correlation_by_hand(tone[start : start + PITCH_WINDOW], 80)  # 200 Hz

    found = describe(torch.from_numpy(tone[None].astype(np.float32)))

    assert float(found.periodicity[0, frame]) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("f0", [70.0, 110.0, 187.3, 250.0, 330.0, 470.0])
def test_f0_of_a_tone_is_found_within_a_fifth_of_a_semitone(describe, f0):
    found = describe(voice(1.0, f0))

    semitones = found.f0_semitones[0, 10:-10]
    assert (semitones - 12 * math.log2(f0 / 100)).abs().max() < 0.2
    assert found.periodicity[0, 10:-10].min() > 0.9


def test_noise_is_not_voiced(describe):
    noise = 0.1 * torch.randn(1, RATE, generator=torch.Generator().manual_seed(0))

    assert describe(noise).periodicity.mean() < 0.4


def test_gain_changes_level_and_nothing_else(describe):
    quiet, loud = describe(voice(0.5, level=0.01)), describe(voice(0.5, level=0.1))

    torch.testing.assert_close(
        loud.energy_db - quiet.energy_db, torch.full((1, 26), 20.0), atol=0.01, rtol=0
    )
    torch.testing.assert_close(loud.f0_semitones, quiet.f0_semitones, atol=1e-3, rtol=0)
    torch.testing.assert_close(loud.mel, 100 * quiet.mel, rtol=1e-3, atol=1e-9)


def test_padding_in_a_batch_changes_nothing(describe):
    short, long = voice(0.48, 150.0), voice(1.0, 220.0)
    batch = torch.zeros(2, long.shape[1])
    batch[0, : short.shape[1]] = short
    batch[0, short.shape[1] :] = 0.5  # rubbish in the padding must not be heard
    batch[1] = long

    together = describe(batch, torch.tensor([short.shape[1], long.shape[1]]))

    alone = describe(short)
    frames = alone.mel.shape[1]
    assert together.valid.sum(dim=1).tolist() == [frames, 50]
    for name in ("mel", "energy_db", "f0_semitones", "periodicity", "tilt_db"):
        torch.testing.assert_close(
            getattr(together, name)[:1, :frames], getattr(alone, name), atol=2e-3, rtol=1e-3
        )


def test_a_frame_depends_on_nearby_samples_only(describe):
    waveform = 0.1 * torch.randn(1, 2 * RATE, generator=torch.Generator().manual_seed(2))
    changed = waveform.clone()
    changed[:, RATE:] = voice(1.0)

    before, after = describe(waveform), describe(changed)

    # 50 frames up to the change, less 4 of the path and 2 of the window.
    for name in ("mel", "energy_db", "f0_semitones", "periodicity", "tilt_db"):
        assert torch.equal(getattr(before, name)[:, :44], getattr(after, name)[:, :44]), name


@pytest.mark.parametrize("samples", [1, 2, 319, 640, 641])
def test_very_short_recordings_give_finite_numbers(describe, samples):
    found = describe(torch.full((1, samples), 0.5))

    assert found.mel.shape == (1, 2 * num_steps(samples), MEL_BANDS)
    for name in ("mel", "energy_db", "f0_semitones", "periodicity", "tilt_db"):
        assert torch.isfinite(getattr(found, name)).all(), name


def test_silence_gives_finite_numbers_and_no_voice(describe):
    found = describe(torch.zeros(1, RATE))

    assert (found.energy_db == -100).all()
    assert (found.periodicity == 0).all()
    assert torch.isfinite(found.f0_semitones).all()


def test_lags_and_window_fit_the_transform(describe):
    longest_lag = RATE / 60

    assert PITCH_WINDOW + longest_lag <= PITCH_FFT
    assert describe.lag_semitones.shape == (PITCH_LAGS,)
