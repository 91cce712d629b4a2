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
HOP_SAMPLES = 320
FRAME_RATE_HZ = SAMPLE_RATE_HZ / HOP_SAMPLES
STEP_SAMPLES = 640  # one frame of the model: two frames of descriptors

MEL_BANDS = 64
MEL_LOW_HZ, MEL_HIGH_HZ = 60.0, 7800.0
MEL_WINDOW = 512
ENERGY_PIECE = 64  # divides window and hop: energies are summed over pieces
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
PACKED = MEL_BANDS + 5  # numbers of a packed frame


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


def pack(d: Descriptors) -> Tensor:
    """Join descriptors into one array (B, T, M + 5): mel, energy, F0, periodicity, two tilts."""
    rest = torch.stack([d.energy_db, d.f0_semitones, d.periodicity], dim=2)
    return torch.cat([d.mel, rest, d.tilt_db], dim=2)


def unpack(packed: Tensor, lengths: Tensor) -> Descriptors:
    """Split what `pack` joined.

    Args:
        packed: (B, T, M + 5).
        lengths: (B,) frames of each that are real, the rest padding.
    """
    mel, rest = packed[:, :, :MEL_BANDS], packed[:, :, MEL_BANDS:]
    return Descriptors(
        valid=torch.arange(packed.shape[1], device=packed.device) < lengths[:, None],
        mel=mel,
        energy_db=rest[:, :, 0],
        f0_semitones=rest[:, :, 1],
        periodicity=rest[:, :, 2],
        tilt_db=rest[:, :, 3:],
    )


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


def _strongest_of_seven(values: Tensor) -> Tensor:
    """Return the largest of each number of (B, T, L) and its three neighbours on either side."""
    padded = F.pad(values, (3, 3), value=-1e9)
    pair = torch.maximum(padded[:, :, :-1], padded[:, :, 1:])
    four = torch.maximum(pair[:, :, :-2], pair[:, :, 2:])
    return torch.maximum(four[:, :, :-3], four[:, :, 3:])  # (B, T, L)


def dft_tables(
    positions: np.ndarray, fft_size: int, num_bins: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return cosines and sines of a DFT's lowest bins at sample positions, each (N, num_bins)."""
    phase = 2 * np.pi * positions[:, None] * np.arange(num_bins) / fft_size
    return np.cos(phase), np.sin(phase)


class FrameDescriptors(nn.Module):
    """Log-mel power, energy, F0 and periodicity of a waveform, every 20 ms."""

    mel_window: Tensor
    mel_dft_even: Tensor
    mel_dft_odd: Tensor
    mel_weights_even: Tensor
    mel_weights_odd: Tensor
    pitch_cosines: Tensor
    pitch_sines: Tensor
    backwards: Tensor
    lag_cosines: Tensor
    lag_window: Tensor
    lag_bonus: Tensor
    lag_semitones: Tensor

    def __init__(self) -> None:
        super().__init__()
        hann = np.hanning(MEL_WINDOW + 1)[:-1]
        half = MEL_WINDOW // 2
        # Even bins of a DFT see the sum of the window's halves and odd bins their difference, which
        # halves the work; the filters take the bins in that order.
        tables = np.stack(dft_tables(np.arange(half), MEL_WINDOW, half), axis=1)
        self._constant("mel_window", hann / np.sqrt((hann**2).sum()))
        self._constant("mel_dft_even", tables[:, :, 0::2].reshape(half, half))
        self._constant("mel_dft_odd", tables[:, :, 1::2].reshape(half, half))
        filters = mel_filters(SAMPLE_RATE_HZ, half, MEL_WINDOW)
        self._constant("mel_weights_even", filters[0::2])
        self._constant("mel_weights_odd", filters[1::2])

        window = np.hanning(PITCH_WINDOW + 1)[:-1]
        half = PITCH_WINDOW // 2
        bins = int(PITCH_BAND_HZ * PITCH_FFT / SAMPLE_RATE_HZ)
        # The power does not depend on where time begins: from the centre of the window cosines are
        # even and sines odd, so that either needs half of it.
        scale = window[half:, None] / np.sqrt((window**2).sum())
        scale[0] /= 2  # the centre itself is in both halves
        cosines, sines = dft_tables(np.arange(half), PITCH_FFT, bins)
        self._constant("pitch_cosines", cosines * scale)
        self._constant("pitch_sines", sines * scale)
        backwards = torch.arange(HOP_SAMPLES - 1, -1, -1)
        self.register_buffer("backwards", backwards, persistent=False)
        lags = SAMPLE_RATE_HZ / np.geomspace(PITCH_LOW_HZ, PITCH_HIGH_HZ, PITCH_LAGS)
        band = np.arange(bins)
        # Without the lowest bins (offset, hum) and with a soft upper edge.
        taper = np.clip((band - 2) / 2, 0, 1) * np.clip((bins - band) / 16, 0, 1)
        cosines = np.cos(2 * np.pi * band[:, None] * lags / PITCH_FFT) * taper[:, None]
        # One column more gives the power itself.
        self._constant("lag_cosines", np.concatenate([cosines, taper[:, None]], axis=1))
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

        power, mel = self._mel(waveform, num_frames)  # (B, T), (B, T, M)
        energy_db = 10 * torch.log10(power + POWER_FLOOR)  # (B, T)
        f0, periodicity, tilt = self._pitch(waveform, num_frames, valid)
        return Descriptors(
            valid=valid,
            mel=mel,
            energy_db=energy_db,
            f0_semitones=f0,
            periodicity=periodicity,
            tilt_db=tilt,
        )

    @staticmethod
    def _cut(waveform: Tensor, before: int, size: int) -> Tensor:
        """Return (B, size) samples from `before` samples before the first one, silent outside."""
        return F.pad(waveform, (before, size - before - waveform.shape[1]))

    def _mel(self, waveform: Tensor, num_frames: int) -> tuple[Tensor, Tensor]:
        """Return the energy of the waveform and the mel power of the pre-emphasised one."""
        # Frame t is centred on the 20 ms it stands for: 96 samples before them, 96 after.
        batch, overhang = waveform.shape[0], (MEL_WINDOW - HOP_SAMPLES) // 2
        size = (num_frames + 1) * HOP_SAMPLES
        padded = self._cut(waveform, overhang + 1, size + 1)
        samples, before = padded[:, 1:], padded[:, :-1]
        pieces = samples.reshape(batch, -1, ENERGY_PIECE).square().mean(dim=2)  # (B, 5 T + 5)
        power = F.avg_pool1d(
            pieces[:, None], MEL_WINDOW // ENERGY_PIECE, HOP_SAMPLES // ENERGY_PIECE
        )[:, 0]  # (B, T)
        rows = (samples - 0.97 * before).reshape(batch, -1, HOP_SAMPLES)  # (B, T + 1, 320)
        half = MEL_WINDOW // 2
        first = rows[:, :-1, :half] * self.mel_window[:half]  # (B, T, 256)
        second = torch.cat([rows[:, :-1, half:], rows[:, 1:, : MEL_WINDOW - HOP_SAMPLES]], dim=2)
        second = second * self.mel_window[half:]
        even = ((first + second) @ self.mel_dft_even).square()  # (B, T, 256): cosines, then sines
        odd = ((first - second) @ self.mel_dft_odd).square()
        even, odd = (part[:, :, : half // 2] + part[:, :, half // 2 :] for part in (even, odd))
        return power, even @ self.mel_weights_even + odd @ self.mel_weights_odd

    def _pitch(
        self, waveform: Tensor, num_frames: int, valid: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return F0 in semitones, periodicity and the tilt of the harmonics."""
        batch, half, hop = waveform.shape[0], PITCH_WINDOW // 2, HOP_SAMPLES
        # From the centre of each frame on, and from there back in time: 320 samples a row.
        after = self._cut(waveform, hop // 2, (num_frames + 2) * hop).reshape(batch, -1, hop)
        back = self._cut(waveform, hop + hop // 2 - 1, (num_frames + 1) * hop)
        back = back.reshape(batch, -1, hop).transpose(1, 2)[:, self.backwards].transpose(1, 2)
        near = (after[:, 1:-1], back[:, 1:])  # (B, T, 320)
        far = (after[:, 2:, : half - hop], back[:, :-1, : half - hop])  # (B, T, 40)
        even = torch.cat([near[0] + near[1], far[0] + far[1]], dim=2)  # (B, T, 360)
        odd = torch.cat([near[0] - near[1], far[0] - far[1]], dim=2)
        real, imaginary = even @ self.pitch_cosines, odd @ self.pitch_sines
        power = real.square() + imaginary.square()  # (B, T, bins)
        products = power @ self.lag_cosines  # (B, T, L + 1)
        correlation = products[:, :, :-1] / (products[:, :, -1:] + 1e-8)  # (B, T, L)
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
            near = _strongest_of_seven(belief)
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
