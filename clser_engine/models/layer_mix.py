"""Choice of one layer of a backbone, or a learned mixture of all.

Shapes: L layers, B recordings, T frames, H hidden size.

Source: Yang et al., "SUPERB: Speech processing Universal PERformance Benchmark", Interspeech 2021,
https://arxiv.org/abs/2105.01051, section 3.2 (weighted sum of all hidden states).
Differs from the source: nothing; one fixed layer is offered beside it, because single middle layers
often carry most of the emotion.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from clser_engine.errors import BadValueError


class LayerMix(nn.Module):
    """One layer, or the softmax-weighted sum of all.

    Args:
        num_layers: L, as `Backbone.num_layers` tells it.
        layer: Which layer to take, 0 to L - 1 or from the end as -1 to -L; None mixes all.

    Raises:
        BadValueError: If there is no such layer.
    """

    def __init__(self, num_layers: int, layer: int | None = None) -> None:
        super().__init__()
        if layer is not None and not -num_layers <= layer < num_layers:
            raise BadValueError(
                f"Bad layer: got {layer}, expected 0 to {num_layers - 1}, or -1 for the last; "
                f"leave it out to mix all."
            )
        self.num_layers = num_layers
        self.layer = layer
        self.scores = nn.Parameter(torch.zeros(num_layers)) if layer is None else None

    def weights(self) -> Tensor:
        """Return how much each layer counts, (L,), sums to 1."""
        if self.scores is not None:
            return self.scores.softmax(dim=0)
        assert self.layer is not None
        weights = torch.zeros(self.num_layers)
        weights[self.layer] = 1.0
        return weights

    def forward(self, layers: Sequence[Tensor]) -> Tensor:
        """Return frames (B, T, H) from L of them."""
        if self.layer is not None:
            return layers[self.layer]
        # One after another: stacked in the last axis they cost 50 times as much in onnxruntime.
        mixed = torch.zeros_like(layers[0])
        for weight, frames in zip(self.weights(), layers, strict=True):
            mixed = mixed + weight * frames  # (B, T, H)
        return mixed
