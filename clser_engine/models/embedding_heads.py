"""Classifiers of a learned embedding: by itself, and relative to the recordings around it.

The embedding is normalised by the network that makes it, so both heads are linear. The second one
reads deviations from the mean of a group: an embedding shifted by a new language, microphone or
voice is shifted back (z-normalising it by corpus brought 8 points of UAR on unseen corpora).

Shapes: B recordings, D embedding size, C emotion classes.
"""

import torch
from torch import Tensor, nn

CLIP = 4.0  # an embedding further out than this many deviations says no more
PRIOR_CLIPS = 3.0  # statistics of n clips weigh n / (n + 3) against those of the training data


class EmbeddingHeads(nn.Module):
    """Two linear classifiers with a temperature each.

    Args:
        size: D.
        num_classes: C.
    """

    prior_mean: Tensor
    prior_std: Tensor
    alone_temperature: Tensor
    project_temperature: Tensor

    def __init__(self, size: int, num_classes: int) -> None:
        super().__init__()
        self.alone = nn.Linear(size, num_classes)
        self.project = nn.Linear(size, num_classes)
        self.project.requires_grad_(False)  # fitted when the embedding has settled
        self.register_buffer("prior_mean", torch.zeros(size))
        self.register_buffer("prior_std", torch.ones(size))
        self.register_buffer("alone_temperature", torch.ones(1))
        self.register_buffer("project_temperature", torch.ones(1))

    def relative(self, embedding: Tensor, mean: Tensor, std: Tensor, count: Tensor) -> Tensor:
        """Return embeddings in deviations from statistics shrunk towards the training data.

        Args:
            embedding: (B, D).
            mean: (D,) mean over the recordings of the group.
            std: (D,) standard deviation over them.
            count: (1,) how many recordings that is; 0 leaves the training data's statistics.

        Returns:
            (B, D), clipped.
        """
        trust = count / (count + PRIOR_CLIPS)
        # One recording has a mean but no spread yet.
        spread_trust = (count - 1).clamp(min=0) / (count + 2)
        centre = trust * mean + (1 - trust) * self.prior_mean  # (D,)
        variance = spread_trust * std.square() + (1 - spread_trust) * self.prior_std.square()
        return ((embedding - centre) / (variance.sqrt() + 1e-6)).clamp(-CLIP, CLIP)

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
