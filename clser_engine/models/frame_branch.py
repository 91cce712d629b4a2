"""Frame branch: an emotion posterior every 40 ms, from the past and a short look-ahead.

Functionals of trailing windows, as an utterance has of the whole of it, and how far they are from
what the last seconds were like: so a change of emotion shows, and the speaker's own voice and the
microphone drop out. The classifier is that of utterances. (A learned convolution over log-mel
was 4 points of frame error worse on unseen languages.) Everything has a fixed reach into the past,
so that a recording can be analysed in blocks or live with the same result.

Shapes: B recordings, T frames of 40 ms (2 T of 20 ms), M mel bands, K descriptors, D inputs, C
classes.
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
MAIN_STEPS = 3 * SHORT_STEPS
LONG_STEPS = 2 * MAIN_STEPS  # what the two others are compared with
CONTEXT_STEPS = PEAK_STEPS + max(LONG_STEPS, 2 * MAIN_STEPS) + 7
"""Frames of the past that a posterior may depend on, with a margin for the descriptors' reach."""
ACTIVE_BELOW_PEAK_DB = 35.0
SILENCE_DB = -80.0
CEPSTRA = 16
SPECTRAL, VOICE = 2 * CEPSTRA + 8, 5
MOMENTS = SPECTRAL + 1 + VOICE  # descriptors whose means and deviations are taken
COUNTS = 3  # before them in a window: active and voiced frames, and onsets of voicing
FEW = 1e-3  # share of a window below which it is next to empty


def trailing_mean(values: Tensor, steps: int) -> Tensor:
    """Mean of (B, K, T) over the last `steps` frames, missing ones counting as zero."""
    return F.avg_pool1d(F.pad(values, (steps - 1, 0)), steps, stride=1)


def longer_mean(means: Tensor, steps: int, times: int) -> Tensor:
    """Mean over the last `times * steps` frames of what is a mean over `steps`, both (B, K, T).

    A pool of 150 frames would take six times as long as one of 25.
    """
    frames = means.shape[2]
    padded = F.pad(means, ((times - 1) * steps, 0))
    found = means
    for number in range(times - 1):
        found = found + padded[:, :, number * steps : number * steps + frames]
    return found / times


def trailing_peak(values: Tensor, steps: int) -> Tensor:
    """Largest of (B, T) over the last `steps` frames."""
    padded = F.pad(values[:, None], (steps - 1, 0), value=-200.0)
    return F.max_pool1d(padded, steps, stride=1)[:, 0]


class FrameBranch(nn.Module):
    """Emotion logits every 40 ms."""

    cepstrum: Tensor
    bands: Tensor
    centre_khz: Tensor
    counts: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        hz = mel_centres_hz()
        self._constant("cepstrum", cosine_terms(MEL_BANDS, CEPSTRA))
        limits = ((60, 500), (500, 1000), (1000, 2000), (2000, 4000), (4000, 8000))
        masks = [(hz >= low) & (hz < high) for low, high in limits]
        self._constant("bands", np.stack([mask / mask.sum() for mask in masks], axis=1))
        self._constant("centre_khz", hz / 1000)
        # Which count goes with each descriptor: voiced frames for those of the voice.
        counts = torch.tensor([0] * (SPECTRAL + 1) + [1] * VOICE)
        self.register_buffer("counts", counts, persistent=False)
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
        spectral, voice = self._spectral(d, log_mel, energy), self._voice(d, voiced)
        onsets = 25 * (change(said) > 0).to(energy.dtype)
        values = torch.cat([spectral, level, voice], dim=2)  # (B, 2 T, MOMENTS)
        counted = values * torch.cat([seen, said], dim=2)[:, :, self.counts]
        # All windows at once: the counts, the descriptors that count and their squares.
        now = _to_steps(torch.cat([seen, said, onsets, counted, counted * values], dim=2))
        short = trailing_mean(now, SHORT_STEPS)
        main = longer_mean(short, SHORT_STEPS, MAIN_STEPS // SHORT_STEPS)
        long = longer_mean(main, MAIN_STEPS, LONG_STEPS // MAIN_STEPS)
        (short_mean, short_sd), (main_mean, main_sd), (long_mean, long_sd) = (
            self._moments(window) for window in (short, main, long)
        )
        found = [
            short_mean[:, :SPECTRAL], short_sd[:, :SPECTRAL],
            short_mean[:, SPECTRAL + 1 :], short_sd[:, SPECTRAL + 1 :],
            main_mean[:, :SPECTRAL], main_sd[:, : SPECTRAL + 1],
            main_mean[:, SPECTRAL + 1 :], main_sd[:, SPECTRAL + 1 :],
            short[:, :COUNTS],
            main[:, :COUNTS],
            (short_mean - long_mean) / (long_sd + 0.05),
            (main_mean - long_mean) / (long_sd + 0.05),
            *self._shapes(now, main, main_mean),
        ]  # fmt: skip
        inputs = torch.cat(found, dim=1)[:, :, SHIFT_STEPS:].transpose(1, 2)
        return inputs, active.reshape(active.shape[0], -1, 2).any(dim=2)

    def _moments(self, window: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and deviation (B, MOMENTS, T) of the descriptors in windows."""
        count = window[:, self.counts] + FEW
        mean = window[:, COUNTS : COUNTS + MOMENTS] / count
        spread = window[:, COUNTS + MOMENTS :] / count - mean.square()
        return mean, (spread.clamp(min=0) + 1e-3).sqrt()

    def _shapes(self, now: Tensor, main: Tensor, main_mean: Tensor) -> list[Tensor]:
        """Return skewness and spread of level and F0, and what loud frames sound like."""
        seen, said = now[:, :1], now[:, 1:2]
        mean = now[:, COUNTS : COUNTS + MOMENTS] / now[:, self.counts].clamp(min=0.5)
        away = mean - main_mean
        level = away[:, SPECTRAL : SPECTRAL + 1].clamp(-4.0, 4.0)
        height = away[:, SPECTRAL + 1 : SPECTRAL + 2].clamp(-3.0, 3.0)
        levels = torch.cat([level.clamp(min=0.0), level**3 / 4, level.abs()], dim=1)
        heights = torch.cat([height.clamp(min=0.0), height**3, height.abs()], dim=1)
        loud = seen * (level > 0).to(level.dtype)
        columns = [levels * seen, heights * said, mean[:, :SPECTRAL] * loud, loud]
        means = trailing_mean(torch.cat(columns, dim=1), SHORT_STEPS)
        means = longer_mean(means, SHORT_STEPS, MAIN_STEPS // SHORT_STEPS)
        louder = means[:, 6:-1] / (means[:, -1:] + FEW)
        return [
            means[:, :3] / (main[:, :1] + FEW),
            means[:, 3:6] / (main[:, 1:2] + FEW),
            louder - main_mean[:, :SPECTRAL],
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


def _to_steps(values: Tensor) -> Tensor:
    """Mean of pairs of 20 ms frames, then the shift as frames of nothing: (B, K, T + shift)."""
    halves = values.reshape(values.shape[0], -1, 2, values.shape[2])
    steps = (halves[:, :, 0] + halves[:, :, 1]) / 2
    return F.pad(steps.transpose(1, 2), (0, SHIFT_STEPS))
