"""Sections that the run files of all trained methods share.

Plain values only, so that reading a run needs no torch. A method's own run configuration, in its
file under `clser_engine/methods`, is made of these and of a section of its own.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from clser_engine.config.limits import check_limits, limits
from clser_engine.errors import ConfigError

BALANCED = ("emotion", "language", "corpus", "speaker")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSettings:
    """What is learned from.

    Args:
        manifests: Manifests of the sources, absolute or relative to `root`.
        root: Folder that they are relative to.
        validation_share: Part of each corpus' speakers that early stopping and calibration hear and
            training does not.
        longest_s: Longer recordings are cut to a random stretch of this length in training.
        balance: What each batch is balanced over, outermost first.
        sounds: Noises that a finished model learns to know as no speech, and as many recordings
            damaged as telephones and rooms do it.
    """

    SECTION: ClassVar[str] = "data"
    manifests: tuple[str, ...] = ()
    root: str = "."
    validation_share: float = field(default=0.2, metadata=limits(above=0, at_most=0.5))
    longest_s: float = field(default=8.0, metadata=limits(at_least=0.5, at_most=60))
    balance: tuple[str, ...] = ("emotion", "corpus")
    sounds: int = field(default=300, metadata=limits(at_least=1))

    def __post_init__(self) -> None:
        check_limits(self)
        if not set(self.balance) <= set(BALANCED) or len(set(self.balance)) != len(self.balance):
            raise ConfigError(
                f"Bad data.balance: got {list(self.balance)}, expected some of "
                f"{', '.join(BALANCED)}, each once."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterSettings:
    """Low-rank adaptation of a backbone, in the tuning `lora`.

    Args:
        rank: Rank of each update.
        alpha: Updates count `alpha / rank`.
        dropout: Share of the inputs of the updates left out in training.
        feed_forward: Whether the feed-forward parts are adapted beside attention.
    """

    SECTION: ClassVar[str] = "backbone.lora"
    rank: int = field(default=8, metadata=limits(at_least=1, at_most=1024))
    alpha: float = field(default=16.0, metadata=limits(above=0))
    dropout: float = field(default=0.05, metadata=limits(at_least=0, below=1))
    feed_forward: bool = False

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneSettings:
    """The frame encoder.

    Args:
        name: `compact`, a folder, or a hub id `owner/name` or `torchaudio:NAME` that was fetched
            before: training downloads nothing.
        revision: Commit of the hub id; none is the newest that was fetched.
        tuning: What of it trains.
        layer: Layer to read, from the end if negative; none learns a mixture of all.
        lora: How it is adapted in the tuning `lora`.
        keep_frames: Whether the frames of a frozen backbone are computed once and kept on disk.
    """

    SECTION: ClassVar[str] = "backbone"
    name: str = "compact"
    revision: str | None = None
    tuning: Literal["frozen", "lora", "full"] = "frozen"
    layer: int | None = None
    lora: AdapterSettings = field(default_factory=AdapterSettings)
    keep_frames: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """What stands on the backbone.

    Args:
        pooling: How frames become one vector.
        embedding_size: Length of that vector behind its projection.
        dropout: Share of it left out in training.
    """

    SECTION: ClassVar[str] = "model"
    pooling: Literal["mean", "mean_std", "attention"] = "mean_std"
    embedding_size: int = field(default=256, metadata=limits(at_least=2, at_most=8192))
    dropout: float = field(default=0.1, metadata=limits(at_least=0, below=1))

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimiserSettings:
    """AdamW, with a learning rate for each kind of parameter.

    Args:
        head: Learning rate of everything that is new.
        lora: Learning rate of the adapters.
        encoder: Learning rate of the backbone in the tuning `full`.
        weight_decay: Of weights; norms and biases have none.
        momenta: Decay of the mean of gradients and of their squares.
        clip_norm: Largest norm of the gradient of all parameters together.
    """

    SECTION: ClassVar[str] = "optimiser"
    head: float = field(default=1e-3, metadata=limits(above=0))
    lora: float = field(default=1e-4, metadata=limits(above=0))
    encoder: float = field(default=1e-5, metadata=limits(above=0))
    weight_decay: float = field(default=0.01, metadata=limits(at_least=0))
    momenta: tuple[float, ...] = field(
        default=(0.9, 0.999), metadata=limits(at_least=0, below=1)
    )  # fmt: skip
    clip_norm: float = field(default=1.0, metadata=limits(above=0))

    def __post_init__(self) -> None:
        check_limits(self)
        if len(self.momenta) != 2:
            raise ConfigError(
                f"Bad optimiser.momenta: got {list(self.momenta)}, expected two numbers."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSettings:
    """How the learning rates change.

    Args:
        kind: Shape of the fall behind the warm-up.
        warmup_steps: Steps over which the rates rise in a line from 0.
        final_share: Part of the rates that is left at the last step.
    """

    SECTION: ClassVar[str] = "schedule"
    kind: Literal["cosine", "linear", "constant"] = "cosine"
    warmup_steps: int = field(default=50, metadata=limits(at_least=0))
    final_share: float = field(default=0.0, metadata=limits(at_least=0, at_most=1))

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """The loop.

    Args:
        steps: Most updates that are made.
        batch_size: Recordings behind one update, over all devices and parts together.
        accumulation: Parts that a device's share of a batch is computed in, one after another; more
            need less memory and give the same update.
        precision: Numbers that the network computes in; auto is bf16 on a GPU that has it, fp16 on
            another, and fp32 on the CPU.
        average_decay: Decay of the running mean of the weights, which is what is validated and
            kept; 0 keeps the weights themselves.
        validate_every: Steps between validations.
        patience: Validations without a better one after which training stops; 0 never stops early.
        checkpoint_every: Steps between checkpoints.
    """

    SECTION: ClassVar[str] = "training"
    steps: int = field(default=1000, metadata=limits(at_least=1))
    batch_size: int = field(default=32, metadata=limits(at_least=1))
    accumulation: int = field(default=1, metadata=limits(at_least=1))
    precision: Literal["auto", "no", "bf16", "fp16"] = "auto"
    average_decay: float = field(default=0.99, metadata=limits(at_least=0, below=1))
    validate_every: int = field(default=50, metadata=limits(at_least=1))
    patience: int = field(default=8, metadata=limits(at_least=0))
    checkpoint_every: int = field(default=100, metadata=limits(at_least=1))

    def __post_init__(self) -> None:
        check_limits(self)
        if self.batch_size < self.accumulation:
            raise ConfigError(
                f"Bad training.accumulation: got {self.accumulation} parts of a batch of "
                f"{self.batch_size}, expected at most {self.batch_size}."
            )
