"""Pooling of frames into one vector per recording; padding has no say.

Shapes: B recordings, T frames, H hidden size.
"""

from typing import Literal

import torch
from torch import Tensor, nn

Pooling = Literal["mean", "mean_std", "attention"]
VARIANCE_FLOOR = 1e-5  # a recording of one frame has no spread, and a root no slope at 0
BOTTLENECK = 128


def weighted_statistics(frames: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation (B, H) of frames (B, T, H).

    Args:
        frames: Finite also where their weight is 0.
        weights: (B, T) or (B, T, H), sum to 1 over T.
    """
    if weights.ndim == 2:
        weights = weights[:, :, None]
    mean = (frames * weights).sum(dim=1)  # (B, H)
    spread = ((frames - mean[:, None]).square() * weights).sum(dim=1)
    return mean, (spread + VARIANCE_FLOOR).sqrt()


def uniform_weights(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Return weights (B, T) that are equal where the mask is and sum to 1."""
    real = mask.to(dtype)
    return real / real.sum(dim=1, keepdim=True).clamp(min=1)


class MeanPooling(nn.Module):
    """Mean over the frames of a recording, and their standard deviation if asked for.

    Args:
        hidden_size: H.
        with_std: Whether the deviations follow the means; they carry more emotion than weights on
            single frames do.
    """

    def __init__(self, hidden_size: int, *, with_std: bool) -> None:
        super().__init__()
        self.with_std = with_std
        self.size = hidden_size * (2 if with_std else 1)

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Map frames (B, T, H) with mask (B, T) to (B, size)."""
        frames = frames.masked_fill(~mask[:, :, None], 0.0)
        mean, std = weighted_statistics(frames, uniform_weights(mask, frames.dtype))
        return torch.cat([mean, std], dim=1) if self.with_std else mean


class AttentiveStatistics(nn.Module):
    """Mean and standard deviation with learned weights on frames, one for each dimension.

    Source: Okabe, Koshinaka and Shinoda, "Attentive Statistics Pooling for Deep Speaker Embedding",
    Interspeech 2018, https://arxiv.org/abs/1803.10963, equations 4 to 7.
    Differs from the source: a weight for each dimension instead of one for all, as Desplanques et
    al., "ECAPA-TDNN", Interspeech 2020, https://arxiv.org/abs/2005.07143, equation 1.

    Args:
        hidden_size: H.
    """

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.size = 2 * hidden_size
        self.scores = nn.Sequential(
            nn.Linear(hidden_size, BOTTLENECK), nn.Tanh(), nn.Linear(BOTTLENECK, hidden_size)
        )

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Map frames (B, T, H) with mask (B, T) to (B, 2 H)."""
        frames = frames.masked_fill(~mask[:, :, None], 0.0)
        scores = self.scores(frames).float()  # half precision is too coarse for a softmax over time
        weights = scores.masked_fill(~mask[:, :, None], -1e9).softmax(dim=1)  # (B, T, H)
        return torch.cat(weighted_statistics(frames, weights.to(frames.dtype)), dim=1)


def build_pooling(pooling: Pooling, hidden_size: int) -> MeanPooling | AttentiveStatistics:
    """Return the pooling of that name; its `size` is the length of what it returns."""
    if pooling == "attention":
        return AttentiveStatistics(hidden_size)
    return MeanPooling(hidden_size, with_std=pooling == "mean_std")
