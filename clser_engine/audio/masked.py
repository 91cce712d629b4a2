"""Statistics over time that count the frames of a mask only, and differences from frame to frame.

Shapes: B recordings, T frames, K descriptors, Q quantiles.
"""

import math

import torch
from torch import Tensor

STILL = 0.02  # a descriptor that deviates by less goes together with nothing


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over time of (B, T, K) where the mask (B, T) is set; 0 where it never is: (B, K)."""
    weight = mask.to(values.dtype)[:, :, None]
    return (values * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1.0)


def masked_moments(values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over time of (B, T, K) where the mask is set: two (B, K)."""
    mean = masked_mean(values, mask)
    variance = masked_mean((values - mean[:, None]).square(), mask)
    return mean, (variance + 1e-8).sqrt()


def masked_quantiles(values: Tensor, mask: Tensor, quantiles: tuple[float, ...]) -> Tensor:
    """Quantiles over time with linear interpolation, as numpy's default.

    Args:
        values: (B, T).
        mask: (B, T) bool, the frames that count.
        quantiles: Q shares between 0 and 1.

    Returns:
        (B, Q); 0 where the mask is never set.
    """
    count = mask.sum(dim=1, keepdim=True)  # (B, 1)
    ordered = values.masked_fill(~mask, math.inf).sort(dim=1).values  # (B, T)
    share = torch.tensor(quantiles, dtype=values.dtype, device=values.device)
    position = share * (count - 1).clamp(min=0).to(values.dtype)  # (B, Q)
    low = position.floor().long()
    high = torch.minimum(low + 1, (count - 1).clamp(min=0))
    below, above = ordered.gather(1, low), ordered.gather(1, high)
    found = below + (position - low.to(values.dtype)) * (above - below)
    return torch.where(count > 0, found, torch.zeros_like(found))


def masked_correlation(first: Tensor, second: Tensor, mask: Tensor) -> Tensor:
    """Pearson correlation of two (B, T) where the mask is set, 0 if one is flat: (B, 1)."""
    pair = torch.stack([first, second], dim=2)  # (B, T, 2)
    centred = (pair - masked_mean(pair, mask)[:, None]) * mask[:, :, None]
    energy = centred.square().sum(dim=1)  # (B, 2)
    shared = (centred[:, :, 0] * centred[:, :, 1]).sum(dim=1)
    return (shared / (energy[:, 0] * energy[:, 1] + 1e-6).sqrt())[:, None]


def masked_correlations(values: Tensor, mask: Tensor) -> Tensor:
    """Pearson correlations between all pairs of K descriptors where the mask is set.

    Args:
        values: (B, T, K).
        mask: (B, T) bool.

    Returns:
        (B, K (K - 1) / 2): those of the first with all after it, then of the second, and so on; 0
        where one of the pair does not move.
    """
    size = values.shape[2]
    mean, deviation = masked_moments(values, mask)
    weight = mask.to(values.dtype)[:, :, None]
    centred = (values - mean[:, None]) / (deviation[:, None] + STILL) * weight
    count = weight.sum(dim=1, keepdim=True).clamp(min=1.0)  # (B, 1, 1)
    matrix = centred.transpose(1, 2) @ centred / count  # (B, K, K)
    return torch.cat([matrix[:, row, row + 1 :] for row in range(size - 1)], dim=1)


def change(values: Tensor) -> Tensor:
    """Difference to the frame before, 0 for the first: (B, T, …) -> (B, T, …)."""
    return torch.cat([torch.zeros_like(values[:, :1]), values[:, 1:] - values[:, :-1]], dim=1)


def both(mask: Tensor) -> Tensor:
    """Frames whose predecessor is in the mask too, (B, T) bool."""
    return mask & torch.cat([torch.zeros_like(mask[:, :1]), mask[:, :-1]], dim=1)


def smooth(values: Tensor) -> Tensor:
    """Mean over three frames of (B, T), edges repeated."""
    padded = torch.cat([values[:, :1], values, values[:, -1:]], dim=1)
    return (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3
