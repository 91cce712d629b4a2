"""Linear classifiers of functionals, of whole recordings and of frames.

Kernel machines and their averages with these won nothing on unseen corpora, where recordings are
altered in training they cost four points of UAR, and small networks were 2 to 3 points below.

Shapes: B recordings or frames, D functionals, C emotion classes.
"""

import torch
from torch import Tensor, nn

from clser_engine.models.relative_heads import CLIP, RelativeHeads


class LinearHead(nn.Module):
    """Standardisation, one linear layer and its temperature.

    Args:
        num_inputs: D.
        num_classes: C.
    """

    mean: Tensor
    scale: Tensor
    temperature: Tensor

    def __init__(self, num_inputs: int, num_classes: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_inputs))
        self.register_buffer("scale", torch.ones(num_inputs))
        self.register_buffer("temperature", torch.ones(1))
        self.output = nn.Linear(num_inputs, num_classes)

    def standardise(self, values: Tensor) -> Tensor:
        """Return values (B, D) in deviations from the mean of the training data."""
        return ((values - self.mean) / self.scale).clamp(-CLIP, CLIP)

    def forward(self, values: Tensor) -> Tensor:
        """Return calibrated logits (B, C)."""
        logits: Tensor = self.output(self.standardise(values))
        return logits / self.temperature


class UtteranceHeads(RelativeHeads):
    """Two classifiers of a recording: by itself, and relative to the recordings around it.

    Args:
        alone: Reads raw functionals.
        project: Reads functionals in deviations from the statistics of a project or speaker.
    """

    def __init__(self, num_inputs: int, alone: LinearHead, project: LinearHead) -> None:
        super().__init__(num_inputs)
        self.alone = alone
        self.project = project

    def forward(
        self, functionals: Tensor, mean: Tensor, std: Tensor, count: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return logits (B, C) of the recordings alone and with the statistics."""
        relative = self.relative(functionals, mean, std, count)
        return self.alone(functionals), self.project(relative)
