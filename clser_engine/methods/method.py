"""What a training method gives the loop.

A method is one file of this package: the dataclass of its run, and a class with what is below. The
loop optimises all that the method's network holds, however many modules that is: the network's
`forward` maps a batch to named losses and may call its parts in any order, so it can be spread over
several devices as it is. The loop asks for batches by their place in the run and for nothing else,
so a run that goes on after a stop sees the batches that it would have seen.
"""

import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from clser_engine.config.sections import (
    DataSettings,
    OptimiserSettings,
    ScheduleSettings,
    TrainingSettings,
)
from clser_engine.data.manifest import Utterance
from clser_engine.models.encoder_classifier import EncoderClassifier
from clser_engine.runtime import RunContext
from clser_engine.types import FloatArray

LOSS = "loss"
"""The loss that is minimised; the other losses of a batch are only reported."""
Batch = dict[str, Tensor]
Losses = dict[str, Tensor]


class RunSettings(Protocol):
    """What the run of every method has beside its own sections; a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def name(self) -> str:
        """Name of the model."""

    @property
    def seed(self) -> int:
        """Start of all random numbers."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Emotions to learn, in the order of the outputs."""

    @property
    def licence(self) -> str:
        """Licence of the weights."""

    @property
    def data(self) -> DataSettings:
        """The sources."""

    @property
    def training(self) -> TrainingSettings:
        """The loop."""

    @property
    def optimiser(self) -> OptimiserSettings:
        """AdamW."""

    @property
    def schedule(self) -> ScheduleSettings:
        """Learning rates over time."""


class Processes(Protocol):
    """The processes that share a run, this one among them; one where there is one device."""

    rank: int
    count: int
    device: torch.device

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum over the processes of equally shaped values."""

    def first_alone(self) -> contextlib.AbstractContextManager[None]:
        """Let the first process through alone, then the others, who find what it made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The part of a batch that is computed at once.

    Args:
        indices: Recordings, as the source counts them.
        place: Epoch and number of the batch, on which all that is random about it depends.
    """

    indices: tuple[int, ...]
    place: tuple[int, int]


class BatchSource(Protocol):
    """Training batches by their place; what is returned depends on the arguments alone."""

    batches_per_epoch: int

    def parts(self, epoch: int, number: int, count: int) -> list[Part]:
        """Return a batch in `count` parts, none empty; the mean loss over all counts."""

    def load(self, part: Part) -> Batch:
        """Return the tensors of a part, on the CPU."""

    def names(self, part: Part) -> list[str]:
        """Return the files behind a part, for messages."""

    def seconds(self, part: Part) -> tuple[float, float]:
        """Return the seconds of audio in a part, and with padding."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParameterGroup:
    """Parameters that share a learning rate.

    Args:
        name: For reports, for example `head`.
        parameters: What is optimised, by its name in the network.
        learning_rate: At its highest.
    """

    name: str
    parameters: dict[str, nn.Parameter]
    learning_rate: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Embedded:
    """What a model says about N recordings, by which its heads are fitted and calibrated.

    Args:
        utterances: Length N.
        embeddings: (N, D), the model's functionals.
        logits: (N, C) of each recording by itself.
        frame_logits: (N, C) mean over the frames of each recording.
        emotions: (N,) class indices.
    """

    utterances: list[Utterance]
    embeddings: FloatArray
    logits: FloatArray
    frame_logits: FloatArray
    emotions: NDArray[np.int64]


class Method(Protocol):
    """One method at work on one run."""

    run_class: ClassVar[type[Any]]
    """The dataclass of its run, a `RunSettings`."""
    network: nn.Module
    """All modules; `forward(batch)` returns named losses, `loss` being the mean over the batch."""
    model: EncoderClassifier
    """The part of the network that is kept and exported."""
    source: BatchSource
    data_hashes: dict[str, str]
    """SHA-256 of each manifest and of the audio of each corpus."""
    notes: dict[str, Any]
    """What the run folder keeps of how it began: counts, speakers held out, the backbone's hash."""

    @classmethod
    def build(cls, run: Any, processes: Processes, context: RunContext) -> Self:
        """Read the data and make the network; `run` is a `run_class`."""

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return everything that trains, each parameter once."""

    def before_epoch(self, epoch: int, processes: Processes) -> None:
        """Refresh what holds for an epoch, such as a graph of speakers.

        Called at the start of each epoch and not where a run goes on in the middle of one: what it
        makes is kept in buffers of the network, which a checkpoint holds.
        """

    def before_step(self, step: int, num_steps: int) -> None:
        """Set what changes with the step, such as the weight of an adversary."""

    def embed(self, which: Literal["train", "validation"], processes: Processes) -> Embedded:
        """Return what the model says about whole recordings; `validation` decides when to stop."""


def split_evenly(indices: Sequence[int], count: int) -> list[tuple[int, ...]]:
    """Cut a sequence into `count` stretches whose lengths differ by one at most."""
    size, extra = divmod(len(indices), count)
    cuts = [0]
    for number in range(count):
        cuts.append(cuts[-1] + size + (number < extra))
    return [tuple(indices[a:b]) for a, b in itertools.pairwise(cuts)]
