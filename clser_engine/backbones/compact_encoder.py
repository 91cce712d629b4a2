"""The built-in backbone: frames computed from the sound, and small blocks that can be trained.

It needs no download. Its first layer are the trailing functionals that the built-in model reads
every 40 ms; the blocks after it change nothing until they are trained, so that frozen it gives
those, and in full tuning it grows from them. Each frame depends on the past and a short look-ahead.

Shapes: B recordings, N samples, T frames of 40 ms, H functionals.
"""

import hashlib
import inspect

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clser_engine.audio import features
from clser_engine.audio.features import STEP_SAMPLES, FrameDescriptors
from clser_engine.backbones.padding import everything, inside
from clser_engine.models import frame_branch
from clser_engine.models.frame_branch import FrameBranch
from clser_engine.version import program_version

KERNEL = 5
DILATIONS = (1, 2, 4)  # 28 frames back, 1.1 s


class CausalBlock(nn.Module):
    """What the frames before say, added to each frame; nothing until it is trained.

    Args:
        size: H.
        dilation: Frames between the taps of the convolution.
    """

    def __init__(self, size: int, dilation: int) -> None:
        super().__init__()
        self._past = (KERNEL - 1) * dilation
        self.norm = nn.LayerNorm(size)
        self.depthwise = nn.Conv1d(size, size, KERNEL, dilation=dilation, groups=size)
        self.dropout = nn.Dropout(0.1)
        self.pointwise = nn.Linear(size, size)
        nn.init.zeros_(self.pointwise.weight)
        nn.init.zeros_(self.pointwise.bias)

    def forward(self, frames: Tensor) -> Tensor:
        """Map (B, T, H) to the same shape."""
        past = F.pad(self.norm(frames).transpose(1, 2), (self._past, 0))  # (B, H, past + T)
        update = F.silu(self.depthwise(past)).transpose(1, 2)  # (B, T, H)
        moved: Tensor = frames + self.pointwise(self.dropout(update))
        return moved


class CompactEncoder(nn.Module):
    """Descriptors, their trailing functionals and causal blocks."""

    hop_samples = STEP_SAMPLES
    least_samples = 1
    num_layers = len(DILATIONS) + 1
    window_s = 60.0
    context_s = 12.0  # more than the functionals and the blocks look back

    def __init__(self) -> None:
        super().__init__()
        self.descriptors = FrameDescriptors()
        self.frames = FrameBranch(num_classes=1)
        self.frames.add_module("head", nn.Identity())  # its classifiers have no part in this
        self.frames.requires_grad_(False)
        with torch.no_grad():
            example, _ = self.frames.inputs(self.descriptors(torch.zeros(1, STEP_SAMPLES)))
        self.hidden_size = example.shape[2]
        self.blocks = nn.ModuleList(CausalBlock(self.hidden_size, d) for d in DILATIONS)

    def front_end(self) -> list[nn.Module]:
        """Return nothing: what comes before the blocks has no weights."""
        return []

    def adapted_modules(self, feed_forward: bool) -> list[str]:
        """Return the linear maps of the blocks; there are no others."""
        return ["pointwise"]

    def forward(
        self, waveform: Tensor, lengths: Tensor | None = None
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return the frames of every layer, (B, T, H) each, and which are real, (B, T)."""
        with torch.autocast(waveform.device.type, enabled=False):  # F0 and levels need float32
            frames, _ = self.frames.inputs(self.descriptors(waveform, lengths))
        if lengths is None:
            mask = everything(waveform, frames.shape[1])
        else:
            counts = (lengths.clamp(min=1) + STEP_SAMPLES - 1) // STEP_SAMPLES
            mask = inside(counts, frames.shape[1])
        layers = [frames]
        for block in self.blocks:
            layers.append(block(layers[-1]))
        return tuple(layers), mask


def code_fingerprint() -> str:
    """Return the hash of the code that computes the frames; there are no weights to hash."""
    try:
        code = "".join(inspect.getsource(part) for part in (features, frame_branch, CompactEncoder))
    except OSError:  # a frozen program has no sources, and its code changes with its version
        code = program_version()
    return hashlib.sha256(code.encode()).hexdigest()
