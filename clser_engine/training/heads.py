"""Training of the utterance heads on functionals; seconds on one core.

Shapes: N examples, D functionals, C classes.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from clser_engine.models.heads import EnsembleHead, KernelHead, LinearHead
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


def fit_ensemble(
    head: EnsembleHead,
    functionals: NDArray[np.float32],
    emotions: NDArray[np.int64],
    weights: NDArray[np.float64],
    *,
    linear_penalty: float,
    kernel_penalty: float = 3e-4,
) -> None:
    """Fit standardisation and every member in place.

    Args:
        head: What to fit; left in evaluation mode.
        functionals: (N, D) as the head will see them.
        emotions: (N,) class indices.
        weights: (N,) so that corpora and classes count alike.
        linear_penalty: L2 penalty of the linear member.
        kernel_penalty: L2 penalty of the kernel machine.
    """
    share = (weights / weights.sum())[:, None]
    mean = (functionals * share).sum(axis=0)
    scale = np.sqrt(((functionals - mean) ** 2 * share).sum(axis=0)) + 1e-5
    head.mean.copy_(torch.from_numpy(mean))
    head.scale.copy_(torch.from_numpy(scale))
    inputs = head.standardise(torch.from_numpy(functionals))
    targets = torch.from_numpy(emotions)
    shares = torch.from_numpy(weights / weights.mean()).float()
    penalties = {LinearHead: linear_penalty, KernelHead: kernel_penalty}
    for member in head.members:
        if isinstance(member, LinearHead | KernelHead):
            fit_regression(member, inputs, targets, shares, penalties[type(member)])
    head.eval()


def fit_regression(
    member: LinearHead | KernelHead,
    inputs: Tensor,
    targets: Tensor,
    weights: Tensor,
    penalty: float,
) -> None:
    """Minimise the weighted cross-entropy with an L2 penalty; convex, so no seed matters."""
    features = member.features(inputs)
    coefficients = nn.Parameter(torch.zeros(features.shape[1], member.output.out_features))
    bias = nn.Parameter(torch.zeros(member.output.out_features))
    optimiser = torch.optim.LBFGS(
        [coefficients, bias], max_iter=60, history_size=20, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        losses = F.cross_entropy(features @ coefficients + bias, targets, reduction="none")
        loss = (losses * weights).mean() + penalty * coefficients.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        member.output.weight.copy_(coefficients.T)
        member.output.bias.copy_(bias)
