"""Training of the utterance heads on functionals; seconds on one core.

Shapes: N examples, D functionals, C classes.
"""

import copy

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from clser_engine.models.heads import CLIP, EnsembleHead, KernelHead, MlpHead
from clser_engine.runtime import RunContext
from clser_engine.training.batches import draw_balanced

BATCH = 64
EMA_DECAY = 0.99
LABEL_SMOOTHING = 0.1


def group_statistics(
    functionals: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and standard deviation (D,) over the recordings of one group (N, D)."""
    return functionals.mean(axis=0), functionals.std(axis=0)


def relative_to_groups(
    functionals: NDArray[np.float32], groups: list[str]
) -> NDArray[np.float32]:
    """Return functionals (N, D) in deviations from the mean of each one's group, clipped."""
    relative = np.empty_like(functionals)
    for group in sorted(set(groups)):
        rows = np.array([other == group for other in groups])
        mean, std = group_statistics(functionals[rows])
        relative[rows] = ((functionals[rows] - mean) / (std + 1e-6)).clip(-CLIP, CLIP)
    return relative


def fit_ensemble(
    head: EnsembleHead,
    functionals: NDArray[np.float32],
    emotions: NDArray[np.int64],
    weights: NDArray[np.float64],
    *,
    mlp_steps: int,
    kernel_penalty: float,
    seed: int,
    context: RunContext,
) -> None:
    """Fit standardisation and every member in place.

    Args:
        head: What to fit; left in evaluation mode.
        functionals: (N, D) as the head will see them.
        emotions: (N,) class indices.
        weights: (N,) so that corpora and classes count alike.
        mlp_steps: Batches for each network.
        kernel_penalty: L2 penalty of the kernel machine.
        seed: Start of the random numbers.
        context: Progress and cancellation.
    """
    share = (weights / weights.sum())[:, None]
    mean = (functionals * share).sum(axis=0)
    scale = np.sqrt(((functionals - mean) ** 2 * share).sum(axis=0)) + 1e-5
    head.mean.copy_(torch.from_numpy(mean))
    head.scale.copy_(torch.from_numpy(scale))
    inputs = head.standardise(torch.from_numpy(functionals))
    targets = torch.from_numpy(emotions)
    for number, member in enumerate(head.members):
        if isinstance(member, KernelHead):
            _fit_kernel(member, inputs, targets, torch.from_numpy(weights).float(), kernel_penalty)
        elif isinstance(member, MlpHead):
            _fit_mlp(member, inputs, targets, weights, mlp_steps, seed + number, context)
    head.eval()


def _fit_kernel(
    member: KernelHead, inputs: Tensor, targets: Tensor, weights: Tensor, penalty: float
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
        loss.backward()
        return loss

    optimiser.step(closure)
    with torch.no_grad():
        member.output.weight.copy_(coefficients.T)
        member.output.bias.copy_(bias)


def _fit_mlp(
    member: MlpHead,
    inputs: Tensor,
    targets: Tensor,
    weights: NDArray[np.float64],
    steps: int,
    seed: int,
    context: RunContext,
) -> None:
    """Train one network on balanced batches; what stays is the moving average of its weights."""
    rng = np.random.default_rng(seed)
    average = copy.deepcopy(member)
    optimiser = torch.optim.AdamW(member.parameters(), lr=2e-3, weight_decay=0.03)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=2e-3, total_steps=steps)
    member.train()
    for step in range(steps):
        if step % 20 == 0:
            context.report("heads", step, steps)
        batch = torch.from_numpy(draw_balanced(weights, BATCH, rng))
        logits = member(inputs[batch])
        loss = F.cross_entropy(logits, targets[batch], label_smoothing=LABEL_SMOOTHING)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        update_average(average, member, EMA_DECAY)
    member.load_state_dict(average.state_dict())
    member.eval()


@torch.no_grad()
def update_average(average: nn.Module, module: nn.Module, decay: float) -> None:
    """Move every weight and running statistic of `average` a little towards `module`."""
    for kept, new in zip(average.state_dict().values(), module.state_dict().values(), strict=True):
        if kept.dtype.is_floating_point:
            kept.lerp_(new, 1 - decay)
        else:
            kept.copy_(new)
