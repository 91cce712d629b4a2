"""Classifiers of functionals: linear ones, smooth kernel machines, and averages of them.

Shapes: B recordings, D functionals, C emotion classes, R random features.

Source of the kernel machine: Rahimi and Recht, "Random Features for Large-Scale Kernel Machines",
NeurIPS 2007, algorithm 1: an RBF kernel as cosines of random projections.

Recordings are classified by a linear one alone: beside it a kernel machine won nothing on unseen
corpora and cost four points where recordings are altered in training, and small networks were 2 to
3 points of UAR below either. Frames have both.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from clser_engine.models.relative_heads import CLIP, RelativeHeads


class KernelHead(nn.Module):
    """Logistic regression on random features of an RBF kernel.

    Args:
        num_inputs: D.
        num_classes: C.
        num_features: R.
        gamma: The kernel is exp(-gamma |x - y|² / D).
    """

    def __init__(
        self, num_inputs: int, num_classes: int, num_features: int = 1024, gamma: float = 0.25
    ) -> None:
        super().__init__()
        self.projection = nn.Linear(num_inputs, num_features)
        self.projection.requires_grad_(False)
        nn.init.normal_(self.projection.weight, std=math.sqrt(2 * gamma / num_inputs))
        nn.init.uniform_(self.projection.bias, 0, 2 * math.pi)
        self.output = nn.Linear(num_features, num_classes)
        self._scale = math.sqrt(2 / num_features)

    def features(self, inputs: Tensor) -> Tensor:
        """Return random features (B, R), whose dot products are the kernel."""
        return self._scale * torch.cos(self.projection(inputs))  # (B, R)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B, C) for standardised functionals (B, D)."""
        output: Tensor = self.output(self.features(inputs))
        return output


class LinearHead(nn.Module):
    """Logistic regression on all functionals."""

    def __init__(self, num_inputs: int, num_classes: int) -> None:
        super().__init__()
        self.output = nn.Linear(num_inputs, num_classes)

    def features(self, inputs: Tensor) -> Tensor:
        """Return what the regression reads: the inputs."""
        return inputs

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B, C) for standardised functionals (B, D)."""
        output: Tensor = self.output(inputs)
        return output


class EnsembleHead(nn.Module):
    """Standardisation and the mean of its members' log-posteriors, calibrated.

    Args:
        num_inputs: D.
        members: Modules from standardised functionals (B, D) to logits (B, C).
    """

    mean: Tensor
    scale: Tensor
    temperature: Tensor

    def __init__(self, num_inputs: int, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_inputs))
        self.register_buffer("scale", torch.ones(num_inputs))
        self.register_buffer("temperature", torch.ones(1))
        self.members = nn.ModuleList(members)

    def standardise(self, values: Tensor) -> Tensor:
        """Return values (B, D) in deviations from the mean of the training data."""
        return ((values - self.mean) / self.scale).clamp(-CLIP, CLIP)

    def forward(self, values: Tensor) -> Tensor:
        """Return calibrated logits (B, C)."""
        inputs = self.standardise(values)
        log_probs = [member(inputs).log_softmax(dim=1) for member in self.members]
        return torch.stack(log_probs).mean(dim=0) / self.temperature  # (B, C)


class UtteranceHeads(RelativeHeads):
    """Two classifiers of a recording: by itself, and relative to the recordings around it.

    Args:
        alone: Reads raw functionals.
        project: Reads functionals in deviations from the statistics of a project or speaker.
    """

    def __init__(self, num_inputs: int, alone: EnsembleHead, project: EnsembleHead) -> None:
        super().__init__(num_inputs)
        self.alone = alone
        self.project = project

    def forward(
        self, functionals: Tensor, mean: Tensor, std: Tensor, count: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return logits (B, C) of the recordings alone and with the statistics."""
        relative = self.relative(functionals, mean, std, count)
        return self.alone(functionals), self.project(relative)
