"""Frame branch: an emotion posterior every 40 ms, from the past and a short look-ahead.

Functionals of trailing windows, as an utterance has of the whole of it, and how far they are from
what the last seconds were like: so a change of emotion shows, and the speaker's own voice and the
microphone drop out. The classifier is that of utterances. (A learned convolution over log-mel
was 4 points of frame error worse on unseen languages.) Everything has a fixed reach into the past,
so that a recording can be analysed in blocks or live with the same result.

Shapes: B recordings, T frames of 40 ms (2 T of 20 ms), K descriptors, D inputs, C classes.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clser_engine.audio.features import (
    FRAME_RATE_HZ,
    MEL_BANDS,
    POWER_FLOOR,
    VOICED_ABOVE,
    Descriptors,
)
from clser_engine.audio.functionals import cosine_terms, mel_centres_hz
from clser_engine.audio.masked import change
from clser_engine.models.heads import LinearHead

STEP_RATE_HZ = FRAME_RATE_HZ / 2
SHIFT_STEPS = 5  # 200 ms that the branch waits for on purpose
LOOK_AHEAD_STEPS = 8  # with the reach of the descriptors' windows and F0 path: 320 ms
PEAK_STEPS = 50  # 2 s: what counts as active is relative to the peak of that past
SHORT_STEPS = 25  # 1 s
MAIN_STEPS = 75  # 3 s
LONGEST_POOL = 25
LONG_STEPS = 150  # 6 s: what the two others are compared with
CONTEXT_STEPS = PEAK_STEPS + max(LONG_STEPS, 2 * MAIN_STEPS) + 7
"""Frames of the past that a posterior may depend on, with a margin for the descriptors' reach."""
ACTIVE_BELOW_PEAK_DB = 35.0
SILENCE_DB = -80.0
CEPSTRA = 16
SPECTRAL, VOICE = 2 * CEPSTRA + 8, 5
FEW = 1e-3  # share of a window below which it is next to empty


def trailing_mean(values: Tensor, steps: int) -> Tensor:
    """Mean of (B, T, K) over the last `steps` frames, missing ones counting as zero."""
    padded = F.pad(values.transpose(1, 2), (steps - 1, 0))
    # The mean of the means of equal pieces: a pool of 150 frames takes three times as long.
    piece = next(size for size in range(min(steps, LONGEST_POOL), 0, -1) if steps % size == 0)
    means = F.avg_pool1d(padded, piece, stride=1)  # (B, K, T + steps - piece)
    found = means[:, :, : values.shape[1]]
    for start in range(piece, steps, piece):
        found = found + means[:, :, start : start + values.shape[1]]
    return (found * (piece / steps)).transpose(1, 2)


def trailing_peak(values: Tensor, steps: int) -> Tensor:
    """Largest of (B, T) over the last `steps` frames."""
    padded = F.pad(values[:, None], (steps - 1, 0), value=-200.0)
    return F.max_pool1d(padded, steps, stride=1)[:, 0]


def masked_trailing_mean(values: Tensor, weight: Tensor, steps: int) -> Tensor:
    """Mean of (B, T, K) weighted by (B, T, 1) over the last `steps`; about 0 without weight."""
    return trailing_mean(values * weight, steps) / (trailing_mean(weight, steps) + FEW)


class FrameBranch(nn.Module):
    """Emotion logits every 40 ms."""

    cepstrum: Tensor
    bands: Tensor
    centre_khz: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        hz = mel_centres_hz()
        self._constant("cepstrum", cosine_terms(MEL_BANDS, CEPSTRA))
        limits = ((60, 500), (500, 1000), (1000, 2000), (2000, 4000), (4000, 8000))
        masks = [(hz >= low) & (hz < high) for low, high in limits]
        self._constant("bands", np.stack([mask / mask.sum() for mask in masks], axis=1))
        self._constant("centre_khz", hz / 1000)
        described = SPECTRAL + VOICE
        self.num_inputs = 2 * (2 * described + 3) + 2 * (described + 1) + SPECTRAL + 7
        self.head = LinearHead(self.num_inputs, num_classes)

    def _constant(self, name: str, values: np.ndarray) -> None:
        tensor = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
        self.register_buffer(name, tensor, persistent=False)

    def forward(self, descriptors: Descriptors) -> Tensor:
        """Return calibrated logits (B, T, C)."""
        inputs, _ = self.inputs(descriptors)
        batch, steps, width = inputs.shape
        logits: Tensor = self.head(inputs.reshape(-1, width))
        return logits.reshape(batch, steps, -1)

    def inputs(self, d: Descriptors) -> tuple[Tensor, Tensor]:
        """Return what the classifier reads (B, T, D), and which frames are active (B, T) bool."""
        energy = d.energy_db  # (B, 2 T)
        peak = trailing_peak(energy.masked_fill(~d.valid, -200.0), 2 * PEAK_STEPS)
        active = d.valid & (energy > peak - ACTIVE_BELOW_PEAK_DB) & (energy > SILENCE_DB)
        voiced = active & (d.periodicity > VOICED_ABOVE)
        seen, said = active.to(energy.dtype)[:, :, None], voiced.to(energy.dtype)[:, :, None]
        log_mel = 10 * torch.log10(d.mel + POWER_FLOOR)  # (B, 2 T, M)
        level = energy[:, :, None] / 10
        spectral = torch.cat([self._spectral(d, log_mel, energy), level], dim=2)
        voice = self._voice(d, voiced)

        # Each of them summed over pairs of frames, by how much of the pair counts.
        parts = _Windows(spectral, seen), _Windows(voice, said)
        onsets = _to_steps((change(said) > 0).to(energy.dtype)) * 25
        (short_s, short_sd), (short_v, short_vd) = (p.moments(SHORT_STEPS) for p in parts)
        (main_s, main_sd), (main_v, main_vd) = (p.moments(MAIN_STEPS) for p in parts)
        (long_s, long_sd), (long_v, long_vd) = (p.moments(LONG_STEPS) for p in parts)
        found = [
            short_s[:, :, :SPECTRAL], short_sd[:, :, :SPECTRAL], short_v, short_vd,
            main_s[:, :, :SPECTRAL], main_sd, main_v, main_vd,
        ]  # fmt: skip
        for steps in (SHORT_STEPS, MAIN_STEPS):
            found += [trailing_mean(part.weight, steps) for part in parts]
            found.append(trailing_mean(onsets, steps))
        for spectra, voices in ((short_s, short_v), (main_s, main_v)):
            found += [(spectra - long_s) / (long_sd + 0.05), (voices - long_v) / (long_vd + 0.05)]
        found += self._shapes(parts, main_s, main_v)
        return torch.cat(found, dim=2)[:, SHIFT_STEPS:], active.reshape(active.shape[0], -1, 2).any(
            dim=2
        )

    @staticmethod
    def _shapes(parts: "tuple[_Windows, _Windows]", mean_s: Tensor, mean_v: Tensor) -> list[Tensor]:
        """Return skewness and spread of level and F0, and what loud frames sound like."""
        spectral, voice = parts
        level = (spectral.mean - mean_s)[:, :, SPECTRAL:].clamp(-4.0, 4.0)
        height = (voice.mean - mean_v)[:, :, :1].clamp(-3.0, 3.0)
        levels = torch.cat([level.clamp(min=0.0), level**3 / 4, level.abs()], dim=2)
        heights = torch.cat([height.clamp(min=0.0), height**3, height.abs()], dim=2)
        loud = spectral.weight * (level > 0).to(level.dtype)
        louder = masked_trailing_mean(spectral.mean[:, :, :SPECTRAL], loud, MAIN_STEPS)
        return [
            masked_trailing_mean(levels, spectral.weight, MAIN_STEPS),
            masked_trailing_mean(heights, voice.weight, MAIN_STEPS),
            louder - mean_s[:, :, :SPECTRAL],
        ]

    def _spectral(self, d: Descriptors, log_mel: Tensor, energy: Tensor) -> Tensor:
        """Descriptors of active frames, all of the order of 1: (B, 2 T, SPECTRAL)."""
        cepstra = (log_mel @ self.cepstrum) / 20
        balance = log_mel @ self.bands  # (B, 2 T, 5)
        share = d.mel / (d.mel.sum(dim=2, keepdim=True) + POWER_FLOOR)
        centroid = (share @ self.centre_khz)[:, :, None]
        flux = change(log_mel).abs().mean(dim=2, keepdim=True) / 5
        movement = change(energy[:, :, None]).abs() / 5
        return torch.cat(
            [
                cepstra,
                change(cepstra).abs() * 2,
                (balance[:, :, 1:] - balance[:, :, :1]) / 10,
                centroid,
                flux,
                movement.clamp(max=4.0),
                d.periodicity[:, :, None],
            ],
            dim=2,
        )

    @staticmethod
    def _voice(d: Descriptors, voiced: Tensor) -> Tensor:
        """Descriptors of voiced frames, all of the order of 1: (B, 2 T, VOICE)."""
        semitones = (d.f0_semitones / 6)[:, :, None]
        movement = change(d.f0_semitones).abs()
        movement = movement.clamp(max=3.0)[:, :, None]
        harmonicity = -torch.log10((1 - d.periodicity).clamp(min=1e-2))[:, :, None]
        return torch.cat([semitones, movement, d.tilt_db / 10, harmonicity], dim=2)


class _Windows:
    """Weighted descriptors on the grid of 40 ms, and their moments over trailing windows.

    Args:
        values: (B, 2 T, K).
        weight: (B, 2 T, 1), 0 where a frame does not count.

    Attributes:
        weight: (B, T + shift, 1) share of each pair of frames that counts.
        mean: (B, T + shift, K) of what counts in the pair.
    """

    def __init__(self, values: Tensor, weight: Tensor) -> None:
        self.weight = _to_steps(weight)
        self._total = _to_steps(values * weight)
        self._squares = _to_steps(values.square() * weight)
        self.mean = self._total / self.weight.clamp(min=0.5)

    def moments(self, steps: int) -> tuple[Tensor, Tensor]:
        """Return mean and deviation over the last `steps`, (B, T + shift, K) each."""
        count = trailing_mean(self.weight, steps) + FEW
        mean = trailing_mean(self._total, steps) / count
        spread = trailing_mean(self._squares, steps) / count - mean.square()
        return mean, (spread.clamp(min=0) + 1e-3).sqrt()


def _to_steps(values: Tensor) -> Tensor:
    """Mean of pairs of 20 ms frames, then the shift as frames of nothing: (B, T + shift, K)."""
    halves = values.reshape(values.shape[0], -1, 2, values.shape[2])
    return F.pad((halves[:, :, 0] + halves[:, :, 1]) / 2, (0, 0, 0, SHIFT_STEPS))
