"""The compact model: descriptors, frame and speech branch, functionals and two utterance heads.

Shapes: B recordings, N samples, T frames of 40 ms, D functionals, C classes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from clser_engine.audio.features import FrameDescriptors, pack, unpack
from clser_engine.audio.functionals import Functionals
from clser_engine.models.frame_branch import FrameBranch
from clser_engine.models.heads import LinearHead, UtteranceHeads
from clser_engine.models.speech_branch import SpeechBranch


class CompactModel(nn.Module):
    """Built-in model of one million numbers or so, trained from scratch.

    Args:
        classes: Emotion names, length C.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__()
        self.classes = tuple(classes)
        self.descriptors = FrameDescriptors()
        self.functionals = Functionals()
        size = len(self.functionals.names)
        alone, project = (LinearHead(size, len(classes)) for _ in range(2))
        self.heads = UtteranceHeads(size, alone, project)
        self.frames = FrameBranch(len(classes))
        self.speech = SpeechBranch()

    @property
    def num_functionals(self) -> int:
        """D."""
        return len(self.functionals.names)

    def forward(
        self, waveform: Tensor, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Analyse whole recordings.

        Args:
            waveform: (B, N) at 16 kHz.
            lengths: (B,) real samples of each; None means all N.

        Returns:
            Frame posteriors (B, T, C), speech of each frame (B, T) from 0 to 1, functionals (B, D),
            calibrated utterance logits (B, C) of each recording by itself, and what `summarise`
            takes: descriptors (B, 2 T, M + 5), two rows a frame.
        """
        descriptors = self.descriptors(waveform, lengths)
        functionals = self.functionals(descriptors)
        return (
            torch.softmax(self.frames(descriptors), dim=2),
            torch.sigmoid(self.speech(descriptors)),
            functionals,
            self.heads.alone(functionals),
            pack(descriptors),
        )

    def summarise(self, descriptors: Tensor, lengths: Tensor) -> Tensor:
        """Return functionals (B, D) of stretches of recordings that were analysed before.

        Args:
            descriptors: (B, F, M + 5) rows of `forward`'s, padded with zeros.
            lengths: (B,) rows of each that are real.
        """
        found: Tensor = self.functionals(unpack(descriptors, lengths))
        return found
