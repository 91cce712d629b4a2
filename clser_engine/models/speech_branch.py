"""Voice activity: how likely it is, every 40 ms, that somebody speaks.

A small convolution over log-mel, once relative to the peak of the last seconds and once to the
quietest of each band, and over periodicity: so neither gain nor steady noise matters. It looks
ahead as far as the frame branch and its past is as finite, so it streams with it.

Shapes: B recordings, T frames of 40 ms (2 T of 20 ms), M mel bands.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clser_engine.audio.features import FRAME_RATE_HZ, MEL_BANDS, POWER_FLOOR, Descriptors
from clser_engine.audio.masked import change

SHIFT_STEPS = 5  # 200 ms that the branch waits for on purpose, as the frame branch does
LEVEL_STEPS = 75  # 3 s: peak and floor are those of that past
BANDS = MEL_BANDS // 2
CHANNELS = 48
KERNEL = 5
DILATIONS = (1, 3, 8, 19)
REACH_STEPS = LEVEL_STEPS + (KERNEL - 1) * sum(DILATIONS)
"""Frames of the past that the branch depends on, its descriptors' own reach apart."""
STEP_RATE_HZ = FRAME_RATE_HZ / 2
QUIETEST_DB, LOUDEST_DB = -100.0, 100.0


def trailing_max(values: Tensor, steps: int, before: float) -> Tensor:
    """Largest of (B, T, K) over the last `steps` frames, with `before` ahead of the first."""
    padded = F.pad(values.transpose(1, 2), (steps - 1, 0), value=before)
    return F.max_pool1d(padded, steps, stride=1).transpose(1, 2)


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


class SpeechBranch(nn.Module):
    """Logit every 40 ms that somebody speaks."""

    def __init__(self) -> None:
        super().__init__()
        self.input = nn.Linear(2 * BANDS + 4, CHANNELS)
        self.blocks = nn.Sequential(*(CausalBlock(CHANNELS, dilation) for dilation in DILATIONS))
        self.output = nn.Sequential(nn.LayerNorm(CHANNELS), nn.Linear(CHANNELS, 1))

    def forward(self, descriptors: Descriptors) -> Tensor:
        """Return logits (B, T)."""
        logits: Tensor = self.output(self.blocks(self.input(self._inputs(descriptors))))
        return logits[:, SHIFT_STEPS:, 0]

    def _inputs(self, d: Descriptors) -> Tensor:
        """Return what the network reads, all of the order of 1: (B, T + shift, 2 BANDS + 4)."""
        present = d.valid[:, ::2, None].to(d.mel.dtype)  # (B, T, 1)
        power = _pairs(d.mel)  # (B, T, M)
        power = power.reshape(power.shape[0], -1, BANDS, 2).mean(dim=3)  # (B, T, BANDS)
        bands = 10 * torch.log10(power + POWER_FLOOR)
        peak = trailing_max(
            bands.amax(dim=2, keepdim=True) * present + QUIETEST_DB * (1 - present),
            LEVEL_STEPS,
            QUIETEST_DB,
        )
        floor = -trailing_max(
            -bands * present - LOUDEST_DB * (1 - present), LEVEL_STEPS, -LOUDEST_DB
        )
        energy = _pairs(d.energy_db[:, :, None])
        movement = _pairs(change(d.f0_semitones).abs().clamp(max=3.0)[:, :, None])
        inputs = torch.cat(
            [
                ((bands - peak) / 12 + 2).clamp(-3.0, 2.0),
                ((bands - floor) / 12).clamp(0.0, 4.0),
                (energy / 20 + 2).clamp(-2.0, 2.0),
                ((energy - peak) / 12).clamp(-4.0, 4.0),
                2 * _pairs(d.periodicity[:, :, None]),
                movement,
            ],
            dim=2,
        )
        return F.pad(inputs * present, (0, 0, 0, SHIFT_STEPS))


def _pairs(values: Tensor) -> Tensor:
    """Mean of pairs of 20 ms frames: (B, 2 T, K) to (B, T, K)."""
    return values.reshape(values.shape[0], -1, 2, values.shape[2]).mean(dim=2)
