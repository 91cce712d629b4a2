"""The built-in model as a backbone: the frames of its frame branch, without any download.

Shapes: B recordings, N samples, T frames of 40 ms, H inputs of the frame classifier.
"""

import torch
from torch import Tensor, nn

from clser_engine.audio.features import STEP_SAMPLES
from clser_engine.backbones.padding import everything, inside
from clser_engine.models.compact import CompactModel


class CompactEncoder(nn.Module):
    """Descriptors and frame branch of the compact model; one layer.

    Args:
        model: With or without trained weights.
    """

    hop_samples = STEP_SAMPLES
    least_samples = 1
    num_layers = 1
    window_s = 60.0
    context_s = 8.0  # more than the branch looks back

    def __init__(self, model: CompactModel) -> None:
        super().__init__()
        self.descriptors = model.descriptors
        self.frames = model.frames
        with torch.enable_grad():
            example = self.frames.inputs(self.descriptors(torch.zeros(1, STEP_SAMPLES)))[0]
        self.hidden_size = example.shape[2]
        # What lies behind the frames, such as the classifier, has no part in them.
        weights = list(self.frames.parameters())
        reached = torch.autograd.grad(example.sum(), weights, allow_unused=True)
        for weight, gradient in zip(weights, reached, strict=True):
            weight.requires_grad_(gradient is not None)

    def front_end(self) -> list[nn.Module]:
        """Return nothing: the descriptors have no weights."""
        return []

    def adapted_modules(self, feed_forward: bool) -> list[str]:
        """Return the only linear map on the way."""
        return ["learned_input"]

    def forward(
        self, waveform: Tensor, lengths: Tensor | None = None
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return the frames, one layer of (B, T, H), and which are real, (B, T)."""
        frames, _ = self.frames.inputs(self.descriptors(waveform, lengths))
        if lengths is None:
            mask = everything(waveform, frames.shape[1])
        else:
            counts = (lengths.clamp(min=1) + STEP_SAMPLES - 1) // STEP_SAMPLES
            mask = inside(counts, frames.shape[1])
        return (frames,), mask
