"""The compact model: descriptors, frame branch, functionals and two utterance heads in one module.

Shapes: B recordings, N samples, T frames of 40 ms, D functionals, C classes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from clser_engine.audio.features import FrameDescriptors
from clser_engine.audio.functionals import Functionals
from clser_engine.models.frame_branch import FrameBranch
from clser_engine.models.heads import EnsembleHead, KernelHead, MlpHead, UtteranceHeads

MLP_GROUPS = (
    "f0_", "voiced_", "unvoiced_", "periodicity_", "hnr_", "energy_std", "energy_quantile",
    "energy_change", "energy_peaks", "pause", "loudness_variation", "cepstrum_mean", "cepstrum_std",
    "cepstrum_change", "shape_voiced_mean", "shape_loud_mean", "energy_tilt",
)  # fmt: skip
"""Which functionals the networks read: about as many as F97 had."""


class CompactModel(nn.Module):
    """Built-in model of one million numbers or so, trained from scratch.

    Args:
        classes: Emotion names, length C.
        num_mlps: Networks in each utterance head.
        kernel_features: Random features of the kernel machine in each head.
    """

    def __init__(
        self, classes: Sequence[str], num_mlps: int = 3, kernel_features: int = 768
    ) -> None:
        super().__init__()
        self.classes = tuple(classes)
        self.num_mlps = num_mlps
        self.kernel_features = kernel_features
        self.descriptors = FrameDescriptors()
        self.functionals = Functionals()
        names = self.functionals.names
        columns = [
            i for i, name in enumerate(names)
            if name.startswith(MLP_GROUPS) and not name.startswith(("f0_contour",))
        ]  # fmt: skip
        heads = [
            EnsembleHead(
                len(names),
                [KernelHead(len(names), len(classes), kernel_features)]
                + [MlpHead(columns, len(classes)) for _ in range(num_mlps)],
            )
            for _ in range(2)
        ]
        self.heads = UtteranceHeads(len(names), *heads)
        self.frames = FrameBranch(len(classes))

    @property
    def num_functionals(self) -> int:
        """D."""
        return len(self.functionals.names)

    def forward(
        self, waveform: Tensor, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Analyse whole recordings.

        Args:
            waveform: (B, N) at 16 kHz.
            lengths: (B,) real samples of each; None means all N.

        Returns:
            Frame posteriors (B, T, C), activity of each frame (B, T), functionals (B, D) and
            calibrated utterance logits (B, C) of each recording by itself.
        """
        descriptors = self.descriptors(waveform, lengths)
        frame_logits, activity = self.frames(descriptors)
        functionals = self.functionals(descriptors)
        return (
            torch.softmax(frame_logits, dim=2),
            activity,
            functionals,
            self.heads.alone(functionals),
        )
