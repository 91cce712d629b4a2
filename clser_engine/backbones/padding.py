"""Operations that give a padded recording what it gets alone.

Shapes: B recordings, N samples, T frames, C channels.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

VARIANCE_FLOOR = 1e-7  # of the feature extractors of transformers


def inside(lengths: Tensor, size: int) -> Tensor:
    """Return (B, size) bool, True at the first `lengths` places of each row."""
    return torch.arange(size, device=lengths.device) < lengths[:, None]


def everything(values: Tensor, size: int) -> Tensor:
    """Return (B, size) bool, all True, for a batch like `values`."""
    return torch.ones_like(values.flatten(1)[:, :1], dtype=torch.bool).expand(-1, size)


def conv_length(length: Tensor, shapes: Iterable[tuple[int, int]]) -> Tensor:
    """Return how many frames convolutions of (kernel, stride) without padding leave."""
    for kernel, stride in shapes:
        length = torch.div(length - kernel, stride, rounding_mode="floor") + 1
    return length


def receptive_field(shapes: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Return the samples that a frame of such convolutions sees, and the samples per frame."""
    seen, step = 1, 1
    for kernel, stride in shapes:
        seen += (kernel - 1) * step
        step *= stride
    return seen, step


def normalise(waveform: Tensor, real: Tensor | None, floor: float) -> Tensor:
    """Return each recording with zero mean and unit variance over its real samples, (B, N).

    Args:
        waveform: (B, N).
        real: (B, N) bool; None means all.
        floor: Added to the variance.
    """
    if real is None:
        centred = waveform - waveform.mean(dim=1, keepdim=True)
        return centred / (centred.square().mean(dim=1, keepdim=True) + floor).sqrt()
    count = real.sum(dim=1, keepdim=True)
    centred = (waveform - (waveform * real).sum(dim=1, keepdim=True) / count) * real
    variance = centred.square().sum(dim=1, keepdim=True) / count
    return centred / (variance + floor).sqrt()


def group_norm(norm: nn.GroupNorm, frames: Tensor, lengths: Tensor | None) -> Tensor:
    """Normalise each channel by its mean and variance over the real frames alone.

    The plain module takes them over the padding too, which changes every frame of a padded
    recording by a third (wav2vec 2.0, HuBERT and WavLM base).

    Args:
        norm: One group per channel.
        frames: (B, C, T).
        lengths: (B,) real frames; None means all T.
    """
    frames = frames.to(torch.promote_types(frames.dtype, torch.float32))  # as torch does
    if lengths is None:
        normed: Tensor = norm(frames)
        return normed
    real = inside(lengths, frames.shape[2])[:, None]  # (B, 1, T)
    count = lengths[:, None, None]
    centred = frames - (frames * real).sum(dim=2, keepdim=True) / count
    variance = (centred * real).square().sum(dim=2, keepdim=True) / count  # (B, C, 1)
    scaled = centred / (variance + norm.eps).sqrt()
    return scaled * norm.weight[:, None] + norm.bias[:, None]
