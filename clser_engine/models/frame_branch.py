"""Frame branch of the compact model: causal, with a small look-ahead and a finite past.

It joins learned frames (a temporal convolution over level-normalised log-mel) with handcrafted
functionals over trailing windows. Every operation reaches back a fixed number of frames, so one
hour in blocks, a live stream and a whole file give the same numbers.

Shapes: B recordings, T frames of 40 ms (2 T of 20 ms in the descriptors), K descriptors, C classes.
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
from clser_engine.audio.functionals import change, cosine_terms, mel_centres_hz

STEP_RATE_HZ = FRAME_RATE_HZ / 2
SHIFT_STEPS = 5  # 200 ms that the branch waits for on purpose
LOOK_AHEAD_STEPS = 8  # with the reach of the descriptors' windows and F0 path: 320 ms
PEAK_STEPS = 50  # 2 s: what counts as active is relative to the peak of that past
LONG_STEPS = 75  # 3 s
SHORT_STEPS = 20  # 0.8 s
CHANNELS = 48
KERNEL = 5
DILATIONS = (1, 2, 4)
CONTEXT_STEPS = PEAK_STEPS + LONG_STEPS + (KERNEL - 1) * sum(DILATIONS) + 7
"""Frames of the past that a posterior may depend on, with a margin for the descriptors' reach."""
ACTIVE_BELOW_PEAK_DB = 35.0
SILENCE_DB = -80.0
CEPSTRA = 16


def trailing_mean(values: Tensor, steps: int) -> Tensor:
    """Mean of (B, T, K) over the last `steps` frames, missing ones counting as zero."""
    padded = F.pad(values.transpose(1, 2), (steps - 1, 0))
    return F.avg_pool1d(padded, steps, stride=1).transpose(1, 2)


def trailing_peak(values: Tensor, steps: int) -> Tensor:
    """Largest of (B, T) over the last `steps` frames."""
    padded = F.pad(values[:, None], (steps - 1, 0), value=-200.0)
    return F.max_pool1d(padded, steps, stride=1)[:, 0]


class CausalBlock(nn.Module):
    """Residual depthwise-separable convolution that sees the past only."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self._past = (KERNEL - 1) * dilation
        self.norm = nn.LayerNorm(channels)
        self.depthwise = nn.Conv1d(channels, channels, KERNEL, dilation=dilation, groups=channels)
        self.pointwise = nn.Conv1d(channels, channels, 1)

    def forward(self, frames: Tensor) -> Tensor:
        """Map frames (B, T, channels) to frames of the same shape."""
        past = F.pad(self.norm(frames).transpose(1, 2), (self._past, 0))
        update = self.pointwise(F.silu(self.depthwise(past)))  # (B, channels, T)
        joined: Tensor = frames + update.transpose(1, 2)
        return joined


class FrameBranch(nn.Module):
    """Emotion logits every 40 ms."""

    cepstrum: Tensor
    bands: Tensor
    centre_khz: Tensor
    temperature: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        hz = mel_centres_hz()
        self._constant("cepstrum", cosine_terms(MEL_BANDS, CEPSTRA))
        limits = ((60, 500), (500, 1000), (1000, 2000), (2000, 4000), (4000, 8000))
        masks = [(hz >= low) & (hz < high) for low, high in limits]
        self._constant("bands", np.stack([mask / mask.sum() for mask in masks], axis=1))
        self._constant("centre_khz", hz / 1000)
        self.learned_input = nn.Linear(MEL_BANDS + 4, CHANNELS)
        self.learned = nn.Sequential(*(CausalBlock(CHANNELS, dilation) for dilation in DILATIONS))
        spectral, voice = 2 * CEPSTRA + 8, 5
        self.num_trailing = 3 * (spectral + voice) + 4
        self.trailing_norm = nn.BatchNorm1d(self.num_trailing)
        self.output = nn.Sequential(
            nn.Linear(CHANNELS + self.num_trailing, 96),
            nn.BatchNorm1d(96),
            nn.SiLU(),
            nn.Dropout(0.3),
            nn.Linear(96, num_classes),
        )
        self.register_buffer("temperature", torch.ones(1))

    def _constant(self, name: str, values: np.ndarray) -> None:
        tensor = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
        self.register_buffer(name, tensor, persistent=False)

    def forward(self, descriptors: Descriptors) -> tuple[Tensor, Tensor]:
        """Return logits (B, T, C) and how active each frame is (B, T), 0 to 1."""
        inputs, activity = self.inputs(descriptors)
        batch, steps, width = inputs.shape
        logits = self.classify(inputs.reshape(-1, width)).reshape(batch, steps, -1)
        return logits / self.temperature, activity

    def classify(self, inputs: Tensor) -> Tensor:
        """Return logits (F, C) for any F frames of what `inputs` returns."""
        learned, trailing = inputs[:, :CHANNELS], inputs[:, CHANNELS:]
        trailing = self.trailing_norm(trailing).clamp(-4.0, 4.0)
        logits: Tensor = self.output(torch.cat([learned, trailing], dim=1))
        return logits

    def inputs(self, d: Descriptors) -> tuple[Tensor, Tensor]:
        """Return learned and handcrafted frames (B, T, CHANNELS + num_trailing) and activity."""
        energy = d.energy_db  # (B, 2 T)
        peak = trailing_peak(energy.masked_fill(~d.valid, -200.0), 2 * PEAK_STEPS)
        active = d.valid & (energy > peak - ACTIVE_BELOW_PEAK_DB) & (energy > SILENCE_DB)
        voiced = active & (d.periodicity > VOICED_ABOVE)
        log_mel = 10 * torch.log10(d.mel + POWER_FLOOR)  # (B, 2 T, M)
        spectral = self._spectral(d, log_mel, energy)
        voice = self._voice(d, voiced)

        seen, said = active.to(energy.dtype)[:, :, None], voiced.to(energy.dtype)[:, :, None]
        weight = self._steps(seen)  # (B, T + shift, 1)
        voice_weight = self._steps(said)
        trailing = self._trailing(
            self._steps(spectral * seen), self._steps(spectral.square() * seen), weight
        )
        trailing_voice = self._trailing(
            self._steps(voice * said), self._steps(voice.square() * said), voice_weight
        )
        shares = torch.cat(
            [
                trailing_mean(w, n)
                for w in (weight, voice_weight)
                for n in (SHORT_STEPS, LONG_STEPS)
            ],
            dim=2,
        )

        # Level and F0 relative to the trailing window: gain and the speaker's height drop out.
        level = self._steps(log_mel.mean(dim=2, keepdim=True) * seen)
        level = trailing_mean(level, LONG_STEPS) / (trailing_mean(weight, LONG_STEPS) + 1e-3)
        height = self._steps(voice[:, :, :1] * said)
        height = trailing_mean(height, LONG_STEPS) / (
            trailing_mean(voice_weight, LONG_STEPS) + 1e-3
        )
        present = self._steps(d.valid.to(energy.dtype)[:, :, None])
        mel_steps = ((self._steps(log_mel) - level) / 12).clamp(-4.0, 4.0) * present
        pitch = self._steps(voice[:, :, :1] * said) - height * voice_weight
        frames = torch.cat([mel_steps, pitch, voice_weight, weight, height * voice_weight], dim=2)
        learned = self.learned(self.learned_input(frames))  # (B, T + shift, CHANNELS)
        joined = torch.cat([learned, trailing, trailing_voice, shares], dim=2)
        return joined[:, SHIFT_STEPS:], weight[:, : weight.shape[1] - SHIFT_STEPS, 0]

    @staticmethod
    def _steps(values: Tensor) -> Tensor:
        """Mean of pairs of 20 ms frames, then the shift as frames of nothing: (B, T + shift, K)."""
        halves = values.reshape(values.shape[0], -1, 2, values.shape[2])
        return F.pad(halves.mean(dim=2), (0, 0, 0, SHIFT_STEPS))

    @staticmethod
    def _trailing(total: Tensor, squares: Tensor, weight: Tensor) -> Tensor:
        """Mean and deviation over the long window and how the short one differs: (B, T, 3 K)."""
        count = trailing_mean(weight, LONG_STEPS)
        mean = trailing_mean(total, LONG_STEPS) / (count + 1e-3)
        spread = trailing_mean(squares, LONG_STEPS) / (count + 1e-3) - mean.square()
        recent = trailing_mean(total, SHORT_STEPS) / (trailing_mean(weight, SHORT_STEPS) + 1e-2)
        return torch.cat([mean, (spread.clamp(min=0) + 1e-3).sqrt(), recent - mean], dim=2)

    def _spectral(self, d: Descriptors, log_mel: Tensor, energy: Tensor) -> Tensor:
        """Descriptors of active frames, all of the order of 1: (B, 2 T, 2 * CEPSTRA + 8)."""
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
        """Descriptors of voiced frames, all of the order of 1: (B, 2 T, 5)."""
        semitones = (d.f0_semitones / 6)[:, :, None]
        movement = change(d.f0_semitones).abs()
        movement = movement.clamp(max=3.0)[:, :, None]
        harmonicity = -torch.log10((1 - d.periodicity).clamp(min=1e-2))[:, :, None]
        return torch.cat([semitones, movement, d.tilt_db / 10, harmonicity], dim=2)
