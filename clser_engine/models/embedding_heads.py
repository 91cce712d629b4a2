"""Classifiers of a learned embedding: by itself, and relative to the recordings around it.

The embedding is normalised by the network that makes it, so both heads are linear.

Shapes: B recordings, D embedding size, C emotion classes.
"""

import torch
from torch import Tensor, nn

from clser_engine.models.relative_heads import RelativeHeads


class EmbeddingHeads(RelativeHeads):
    """Two linear classifiers with a temperature each.

    Args:
        size: D.
        num_classes: C.
    """

    alone_temperature: Tensor
    project_temperature: Tensor

    def __init__(self, size: int, num_classes: int) -> None:
        super().__init__(size)
        self.alone = nn.Linear(size, num_classes)
        self.project = nn.Linear(size, num_classes)
        self.project.requires_grad_(False)  # fitted when the embedding has settled
        self.register_buffer("alone_temperature", torch.ones(1))
        self.register_buffer("project_temperature", torch.ones(1))

    def classify(self, embedding: Tensor) -> Tensor:
        """Return calibrated logits (B, C) of recordings by themselves."""
        logits: Tensor = self.alone(embedding) / self.alone_temperature
        return logits

    def forward(
        self, functionals: Tensor, mean: Tensor, std: Tensor, count: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return calibrated logits (B, C) alone and with the statistics; embeddings (B, D)."""
        relative = self.relative(functionals, mean, std, count)
        project = self.project(relative) / self.project_temperature
        return self.classify(functionals), project
