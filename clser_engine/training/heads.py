"""What utterance heads are trained on: recordings relative to those around them.

Shapes: N recordings, D functionals.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from clser_engine.models.relative_heads import CLIP, RelativeHeads


def group_statistics(
    functionals: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and standard deviation (D,) over the recordings of one group (N, D)."""
    return functionals.mean(axis=0), functionals.std(axis=0)


def relative_to_groups(
    functionals: NDArray[np.float32], groups: Sequence[str]
) -> NDArray[np.float32]:
    """Return functionals (N, D) in deviations from the mean of each one's group, clipped."""
    relative = np.empty_like(functionals)
    for rows in members(groups):
        mean, std = group_statistics(functionals[rows])
        relative[rows] = ((functionals[rows] - mean) / (std + 1e-6)).clip(-CLIP, CLIP)
    return relative


def set_prior(
    heads: RelativeHeads, functionals: NDArray[np.float32], groups: Sequence[str]
) -> None:
    """Keep the mean of the groups' means and spreads: what a project is before it has clips."""
    means = np.stack([functionals[rows].mean(axis=0) for rows in members(groups)])
    variances = np.stack([functionals[rows].var(axis=0) for rows in members(groups)])
    heads.prior_mean.copy_(torch.from_numpy(means.mean(axis=0)))
    heads.prior_std.copy_(torch.from_numpy(np.sqrt(variances.mean(axis=0))))


def members(groups: Sequence[str]) -> list[NDArray[np.bool_]]:
    """Return the rows (N,) of each group, the groups in the order of their names."""
    names = np.array(groups)
    return [names == group for group in sorted(set(groups))]
