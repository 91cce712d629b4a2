"""Supervised training on labelled sources: cross-entropy on any backbone.

With the corpora of several languages this is the source-only baseline that every method for unseen
languages is compared with.

Shapes: B recordings, T frames, D embedding size, C classes.

Source of the smoothed labels: Szegedy et al., "Rethinking the Inception Architecture for Computer
Vision", CVPR 2016, section 7.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clser_engine.backbones.backbone import EncodedFrames
from clser_engine.config.limits import check_limits, limits
from clser_engine.config.sections import (
    BackboneSettings,
    DataSettings,
    ModelSettings,
    OptimiserSettings,
    ScheduleSettings,
    TrainingSettings,
)
from clser_engine.errors import ConfigError
from clser_engine.labels import SHARED_FOUR
from clser_engine.methods.method import (
    LOSS,
    Batch,
    Embedded,
    Losses,
    ParameterGroup,
    Processes,
)
from clser_engine.methods.parameters import group_parameters
from clser_engine.methods.sources import Sources, load_sources, put_heads_on_backbone
from clser_engine.models.encoder_classifier import EncoderClassifier
from clser_engine.runtime import RunContext


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisedSettings:
    """The loss.

    Args:
        label_smoothing: Part of each label that is spread over all classes.
        class_weights: Whether the loss of a class weighs the more the more rarely it is drawn.
        frame_weight: Weight of the loss of frames, which learn from the label of their recording.
    """

    SECTION: ClassVar[str] = "supervised"
    label_smoothing: float = field(default=0.1, metadata=limits(at_least=0, below=1))
    class_weights: bool = True
    frame_weight: float = field(default=0.3, metadata=limits(at_least=0))

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisedRun:
    """Everything that decides what a supervised run makes.

    Args:
        name: Name of the model.
        seed: Start of all random numbers; equal seeds give equal weights on one device.
        classes: Emotions to learn, in the order of the outputs.
        licence: Licence of the weights.
    """

    SECTION: ClassVar[str] = ""
    name: str = "supervised"
    seed: int = field(default=0, metadata=limits(at_least=0, at_most=2**31))
    classes: tuple[str, ...] = SHARED_FOUR
    licence: str = "unknown"
    data: DataSettings = field(default_factory=DataSettings)
    backbone: BackboneSettings = field(default_factory=BackboneSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    supervised: SupervisedSettings = field(default_factory=SupervisedSettings)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)

    def __post_init__(self) -> None:
        check_limits(self)
        if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes):
            raise ConfigError(
                f"Bad classes: got {list(self.classes)}, expected at least two, all different."
            )
        if not self.name or any(c in self.name for c in "/\\:\0") or self.name.startswith("."):
            raise ConfigError(f"Bad name: got {self.name!r}, expected what can name a folder.")


def smoothed_cross_entropy(
    logits: Tensor, emotions: Tensor, class_weights: Tensor, label_smoothing: float
) -> Tensor:
    """Return the mean over the batch of the weighted loss of each recording.

    Differs from `F.cross_entropy(reduction="mean")`, which divides by the weights of the batch: the
    parts of a batch would then not add up to its loss.

    Args:
        logits: (B, C).
        emotions: (B,).
        class_weights: (C,), 1 on average over what is drawn.
        label_smoothing: 0 to below 1.
    """
    losses = F.cross_entropy(
        logits, emotions, class_weights, label_smoothing=label_smoothing, reduction="none"
    )
    return losses.mean()


def weak_frame_loss(frame_logits: Tensor, mask: Tensor, emotions: Tensor) -> Tensor:
    """Return the loss of the mean posterior of a recording's frames: one label for all of them.

    Args:
        frame_logits: (B, T, C).
        mask: (B, T), at least one frame each.
        emotions: (B,).
    """
    posteriors = frame_logits.float().softmax(dim=2).masked_fill(~mask[:, :, None], 0.0)
    mean = posteriors.sum(dim=1) / mask.sum(dim=1, keepdim=True)  # (B, C)
    return F.nll_loss(mean.clamp(min=1e-6).log(), emotions)


class SupervisedNetwork(nn.Module):
    """The model and its losses.

    Args:
        model: What is trained.
        sources: Where frames come from that were kept.
        settings: The loss.
        class_weights: (C,).
    """

    class_weights: Tensor

    def __init__(
        self,
        model: EncoderClassifier,
        sources: Sources,
        settings: SupervisedSettings,
        class_weights: Tensor,
    ) -> None:
        super().__init__()
        self.model = model
        self._sources = sources
        self._settings = settings
        self.register_buffer("class_weights", class_weights, persistent=False)

    def forward(self, batch: Batch) -> Losses:
        """Return `loss`, and of what it is the sum: `utterance` and `frame`."""
        encoded: EncodedFrames = self._sources.encode(self.model.backbone, batch)
        scores = self.model.score(encoded)
        utterance = smoothed_cross_entropy(
            scores.logits, batch["emotions"], self.class_weights, self._settings.label_smoothing
        )
        frame = weak_frame_loss(scores.frame_logits, encoded.mask, batch["emotions"])
        return {
            LOSS: utterance + self._settings.frame_weight * frame,
            "utterance": utterance,
            "frame": frame,
        }


class SupervisedMethod:
    """Cross-entropy on the sources, stopped by held-out speakers of the sources.

    Args:
        run: Its configuration.
        sources: What is learned from.
        model: What is trained.
    """

    run_class = SupervisedRun

    def __init__(self, run: SupervisedRun, sources: Sources, model: EncoderClassifier) -> None:
        self.model = model
        self.sources = sources
        self.source = sources.batches
        self.data_hashes = sources.data_hashes
        self.notes: dict[str, Any] = sources.notes
        weights = (
            sources.class_weights()
            if run.supervised.class_weights
            else np.ones(len(run.classes), dtype=np.float32)
        )
        self.network = SupervisedNetwork(model, sources, run.supervised, torch.from_numpy(weights))
        self._optimiser = run.optimiser

    @classmethod
    def build(cls, run: SupervisedRun, processes: Processes, context: RunContext) -> Self:
        """Read the sources and put heads on the backbone."""
        model = put_heads_on_backbone(run.backbone, run.model, run.classes, run.seed, context)
        sources = load_sources(run, model, processes, context)
        return cls(run, sources, model)

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return heads, adapters and encoder with the learning rate of each."""
        return group_parameters(self.network, self._optimiser)

    def before_epoch(self, epoch: int, processes: Processes) -> None:
        """Nothing changes with the epoch."""

    def before_step(self, step: int, num_steps: int) -> None:
        """Nothing changes with the step."""

    def embed(self, which: Literal["train", "validation"], processes: Processes) -> Embedded:
        """Return what the model says about the training or the held-out recordings."""
        return self.sources.embed(self.model, which, processes)
