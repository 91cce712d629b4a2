"""Frame descriptors of a waveform: log-mel, energy, F0, voicing; one implementation for all uses.

The same module trains the model, is exported into the ONNX graph and runs while streaming, so no
second implementation can drift from it. Everything is framing, matrix products and pooling of fixed
reach: no loop depends on the data, and a frame depends on samples within `REACH_S` of it only.

Shapes: B recordings, N samples, T frames of 20 ms, M mel bands, L lags.

Source of the F0 method: Boersma, "Accurate short-term analysis of the fundamental frequency and
the harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, 1993 (normalised
autocorrelation, equations 9 and 20 to 24).
Differs from the source: candidates are 140 log-spaced lags, evaluated from the power spectrum below
2 kHz by one matrix product; the path is found by a fixed number of max-product steps in each
direction instead of Viterbi over the whole recording, so that it can stream.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

SAMPLE_RATE_HZ = 16_000
BLOCK_SAMPLES = 160
HOP_SAMPLES = 320
FRAME_RATE_HZ = SAMPLE_RATE_HZ / HOP_SAMPLES
STEP_SAMPLES = 640  # one frame of the model: two frames of descriptors

MEL_BANDS = 64
MEL_LOW_HZ, MEL_HIGH_HZ = 60.0, 7800.0
MEL_WINDOW = 512
POWER_FLOOR = 1e-10  # below the noise of 16-bit samples, above that of float32 sums

PITCH_LOW_HZ, PITCH_HIGH_HZ = 60.0, 500.0
PITCH_WINDOW = 720  # 45 ms: nearly three periods of 60 Hz
PITCH_FFT = 1024  # at least window plus longest lag, so that the correlation does not wrap
PITCH_LAGS = 140
PITCH_BAND_HZ = 2000.0
OCTAVE_COST = 0.04
PATH_STEPS = 4  # frames that the path looks back and ahead
PATH_DECAY = 0.85  # an older frame argues less
JUMP_COST = 0.3
VOICED_ABOVE = 0.5
REACH_S = (PATH_STEPS * HOP_SAMPLES + PITCH_WINDOW) / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Descriptors:
    """What one pass over the waveform yields, every 20 ms.

    Args:
        valid: (B, T) bool, True where the frame lies inside the recording.
        mel: (B, T, M) power in mel bands, pre-emphasised, linear.
        energy_db: (B, T) energy of the frame in dB re full scale.
        f0_semitones: (B, T) F0 in semitones re 100 Hz, meaningful where voiced.
        periodicity: (B, T) normalised autocorrelation at the chosen lag, 0 to 1.
        tilt_db: (B, T, 2) level of the first harmonic over the second and over the strongest
            of 300 to 1000 Hz.
    """

    valid: Tensor
    mel: Tensor
    energy_db: Tensor
    f0_semitones: Tensor
    periodicity: Tensor
    tilt_db: Tensor


def num_steps(samples: int) -> int:
    """Return how many model frames of 40 ms a recording of that many samples has."""
    return -(-samples // STEP_SAMPLES)


def mel_filters(sample_rate_hz: int, num_bins: int, fft_size: int) -> NDArray[np.float32]:
    """Return triangular mel filters of unit area, (num_bins, M) float32."""
    low, high = (2595 * math.log10(1 + hz / 700) for hz in (MEL_LOW_HZ, MEL_HIGH_HZ))
    edges_hz = 700 * (10 ** (np.linspace(low, high, MEL_BANDS + 2) / 2595) - 1)
    bins_hz = np.arange(num_bins) * sample_rate_hz / fft_size
    left, centre, right = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising = (bins_hz[:, None] - left) / (centre - left)
    falling = (right - bins_hz[:, None]) / (right - centre)
    triangle = np.maximum(0.0, np.minimum(rising, falling))
    # A band narrower than a bin may fall between bins: it then takes the nearest one.
    for band in np.flatnonzero(triangle.sum(axis=0) == 0):
        triangle[np.abs(bins_hz - centre[band]).argmin(), band] = 1.0
    filters: NDArray[np.float32] = (triangle / triangle.sum(axis=0)).astype(np.float32)
    return filters


def dft_matrix(window: np.ndarray, fft_size: int, num_bins: int) -> np.ndarray:
    """Return the windowed DFT as one matrix (window, 2 * num_bins): cosines, then sines."""
    phase = 2 * np.pi * np.arange(len(window))[:, None] * np.arange(num_bins) / fft_size
    scale = window[:, None] / np.sqrt((window**2).sum())
    return np.concatenate([np.cos(phase) * scale, np.sin(phase) * scale], axis=1).astype(np.float32)


class FrameDescriptors(nn.Module):
    """Log-mel power, energy, F0 and periodicity of a waveform, every 20 ms."""

    mel_dft: Tensor
    mel_weights: Tensor
    pitch_dft: Tensor
    lag_cosines: Tensor
    lag_window: Tensor
    lag_weight: Tensor
    lag_bonus: Tensor
    lag_semitones: Tensor

    def __init__(self) -> None:
        super().__init__()
        hann = np.hanning(MEL_WINDOW + 1)[:-1]
        bins = MEL_WINDOW // 2
        self._constant("mel_dft", dft_matrix(hann, MEL_WINDOW, bins))
        self._constant("mel_weights", mel_filters(SAMPLE_RATE_HZ, bins, MEL_WINDOW))

        window = np.hanning(PITCH_WINDOW + 1)[:-1]
        bins = int(PITCH_BAND_HZ * PITCH_FFT / SAMPLE_RATE_HZ)
        self._constant("pitch_dft", dft_matrix(window, PITCH_FFT, bins))
        lags = SAMPLE_RATE_HZ / np.geomspace(PITCH_LOW_HZ, PITCH_HIGH_HZ, PITCH_LAGS)
        band = np.arange(bins)
        # Without the lowest bins (offset, hum) and with a soft upper edge.
        taper = np.clip((band - 2) / 2, 0, 1) * np.clip((bins - band) / 16, 0, 1)
        cosines = np.cos(2 * np.pi * band[:, None] * lags / PITCH_FFT) * taper[:, None]
        self._constant("lag_cosines", cosines)
        self._constant("lag_weight", taper)
        spectrum = np.abs(np.fft.rfft(window, 8 * PITCH_FFT)) ** 2
        of_window = np.cos(
            2 * np.pi * np.arange(len(spectrum)) * lags[:, None] / (8 * PITCH_FFT)
        ) @ (spectrum * np.r_[1.0, np.full(len(spectrum) - 2, 2.0), 1.0])
        self._constant("lag_window", of_window / (spectrum[0] + 2 * spectrum[1:-1].sum()))
        semitones = 12 * np.log2(SAMPLE_RATE_HZ / lags / 100)
        self._constant("lag_semitones", semitones)
        self._constant("lag_bonus", OCTAVE_COST * (semitones - semitones[0]) / 12)

    def _constant(self, name: str, values: np.ndarray) -> None:
        """Keep an array that follows from the settings, so it is in no file of weights."""
        tensor = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
        self.register_buffer(name, tensor, persistent=False)

    def forward(self, waveform: Tensor, lengths: Tensor | None = None) -> Descriptors:
        """Describe waveforms.

        Args:
            waveform: (B, N) at 16 kHz, finite, any level.
            lengths: (B,) samples of each that are real, the rest padding; None means all N.

        Returns:
            Descriptors with T = 2 * ceil(N / 640); shorter recordings have invalid frames at the
            end, whose numbers mean nothing but are finite.
        """
        steps = (waveform.shape[1] + STEP_SAMPLES - 1) // STEP_SAMPLES
        num_frames = 2 * steps
        if lengths is None:
            valid = torch.ones_like(waveform[:, :1]) > 0  # (B, 1)
            valid = valid.expand(-1, num_frames)  # (B, T)
        else:
            frames = 2 * ((lengths + STEP_SAMPLES - 1) // STEP_SAMPLES)  # (B,)
            valid = torch.arange(num_frames, device=waveform.device) < frames[:, None]  # (B, T)
            inside = torch.arange(waveform.shape[1], device=waveform.device) < lengths[:, None]
            waveform = waveform * inside

        blocks = self._blocks(waveform, num_frames)  # (B, 2 T + 4, 160)
        power, mel = self._mel(blocks, num_frames)  # (B, T), (B, T, M)
        energy_db = 10 * torch.log10(power + POWER_FLOOR)  # (B, T)
        f0, periodicity, tilt = self._pitch(blocks, num_frames, valid)
        return Descriptors(
            valid=valid,
            mel=mel,
            energy_db=energy_db,
            f0_semitones=f0,
            periodicity=periodicity,
            tilt_db=tilt,
        )

    def _blocks(self, waveform: Tensor, num_frames: int) -> Tensor:
        """Cut into blocks of 10 ms with two of silence on either side."""
        padded = F.pad(waveform, (2 * BLOCK_SAMPLES, STEP_SAMPLES + 2 * BLOCK_SAMPLES))
        padded = padded[:, : (2 * num_frames + 4) * BLOCK_SAMPLES]
        return padded.reshape(padded.shape[0], -1, BLOCK_SAMPLES)

    def _mel(self, blocks: Tensor, num_frames: int) -> tuple[Tensor, Tensor]:
        """Return the energy of the waveform and the mel power of the pre-emphasised one."""
        # Frame t is centred on the 20 ms it stands for: 4 blocks around, 64 samples off each side.
        near = torch.cat([blocks[:, i : i + 2 * num_frames : 2] for i in range(1, 5)], dim=2)
        frame = near[:, :, 64:576]  # (B, T, 512)
        power = frame.square().mean(dim=2)  # (B, T)
        emphasised = frame - 0.97 * near[:, :, 63:575]
        parts = emphasised @ self.mel_dft  # (B, T, 2 * bins)
        real, imaginary = parts.chunk(2, dim=2)
        return power, (real.square() + imaginary.square()) @ self.mel_weights

    def _pitch(
        self, blocks: Tensor, num_frames: int, valid: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return F0 in semitones, periodicity and the tilt of the harmonics."""
        near = torch.cat([blocks[:, i : i + 2 * num_frames : 2] for i in range(6)], dim=2)
        frame = near[:, :, 120:840]  # (B, T, 720)
        real, imaginary = (frame @ self.pitch_dft).chunk(2, dim=2)
        power = real.square() + imaginary.square()  # (B, T, bins)
        total = (power @ self.lag_weight)[:, :, None]  # (B, T, 1)
        correlation = (power @ self.lag_cosines) / (total + 1e-8)  # (B, T, L)
        correlation = (correlation / self.lag_window).clamp(max=1.0)
        evidence = (correlation + self.lag_bonus) * valid[:, :, None]
        score = evidence + self._path(evidence, 1) + self._path(evidence, -1)  # (B, T, L)
        best = score.argmax(dim=2, keepdim=True)  # (B, T, 1)
        periodicity = correlation.gather(2, best).clamp(min=0.0)[:, :, 0]  # (B, T)

        # A parabola through the chosen lag and its neighbours is finer than the grid.
        centre = best.clamp(1, PITCH_LAGS - 2)
        left, middle, right = (correlation.gather(2, centre + step) for step in (-1, 0, 1))
        bend = left - 2 * middle + right
        peak = (0.5 * (left - right) / bend.clamp(max=-1e-4)).clamp(-1.0, 1.0)
        step = float(self.lag_semitones[1] - self.lag_semitones[0])
        f0 = (self.lag_semitones[centre] + step * peak)[:, :, 0]  # (B, T)

        hz = 100 * torch.exp(f0 * (math.log(2) / 12))
        decibel = 10 * torch.log10(power + POWER_FLOOR)  # (B, T, bins)
        first = self._level_at(decibel, hz)
        second = self._level_at(decibel, 2 * hz)
        strongest = decibel[:, :, 19:64].amax(dim=2)  # 300 to 1000 Hz
        return f0, periodicity, torch.stack([first - second, first - strongest], dim=2)

    def _path(self, evidence: Tensor, direction: int) -> Tensor:
        """Return what the neighbours on one side say for each lag, after PATH_STEPS steps."""
        message = torch.zeros_like(evidence)
        for _ in range(PATH_STEPS):
            belief = (evidence + message) * PATH_DECAY  # (B, T, L)
            near = F.max_pool1d(belief, kernel_size=7, stride=1, padding=3)
            anywhere = belief.amax(dim=2, keepdim=True) - JUMP_COST
            moved = torch.maximum(near, anywhere)
            if direction > 0:
                message = F.pad(moved[:, :-1], (0, 0, 1, 0))
            else:
                message = F.pad(moved[:, 1:], (0, 0, 0, 1))
        return message

    @staticmethod
    def _level_at(decibel: Tensor, hz: Tensor) -> Tensor:
        """Read a spectrum (B, T, bins) in dB between its bins at (B, T) Hz."""
        position = (hz * PITCH_FFT / SAMPLE_RATE_HZ)[:, :, None]
        low = position.floor().clamp(0, decibel.shape[2] - 2)
        share = (position - low).clamp(0, 1)
        index = low.long()
        below, above = decibel.gather(2, index), decibel.gather(2, index + 1)
        return (below + share * (above - below))[:, :, 0]
