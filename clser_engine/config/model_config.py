"""Configuration of a training run of the compact model."""

from collections.abc import Sequence
from dataclasses import dataclass

from clser_engine.config.reader import build_config, read_values
from clser_engine.errors import ConfigError
from clser_engine.labels import SHARED_FOUR

METHOD = "compact"
"""How the key `method` of a run file names this recipe; it is the one where there is no key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """Everything that decides what a training run makes.

    Args:
        name: Name of the model.
        data_root: Folder that the manifests are relative to.
        manifests: Manifests of the training data.
        classes: Emotions to learn, in the order of the outputs.
        licence: Licence of the weights.
        seed: Start of all random numbers; equal seeds give equal weights.
        alterations: How often each recording is also heard as if elsewhere, for the head that
            judges a recording alone.
        shrinkage: How far the covariance of the utterance heads is drawn to a sphere, 0 to 1.
        concatenations: Recordings of each corpus that are put together for the frame branch.
        speech_steps: Batches that the voice activity sees.
        sounds: Noises that it learns to know as no speech, and as many clips of damaged speech.
        calibrate: Whether temperatures are fitted on predictions for held-out corpora.
    """

    name: str = "default"
    data_root: str = "../shared/corpora"
    manifests: tuple[str, ...] = ()
    classes: tuple[str, ...] = SHARED_FOUR
    licence: str = "CC-BY-NC-SA-4.0"
    seed: int = 0
    alterations: int = 1
    shrinkage: float = 0.7
    concatenations: int = 300
    speech_steps: int = 1600
    sounds: int = 600
    calibrate: bool = True

    def __post_init__(self) -> None:
        positive = ("concatenations", "speech_steps", "sounds", "shrinkage")
        for name in positive:
            if getattr(self, name) <= 0:
                raise ConfigError(f"Bad {name}: got {getattr(self, name)}, expected above 0.")
        if self.shrinkage > 1:
            raise ConfigError(f"Bad shrinkage: got {self.shrinkage}, expected at most 1.")
        if self.alterations < 0:
            raise ConfigError(f"Bad alterations: got {self.alterations}, expected 0 or more.")
        if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes):
            raise ConfigError(
                f"Bad classes: got {list(self.classes)}, expected at least two, all different."
            )


def load_run_config(run: str, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a run of the compact recipe and apply `key=value` overrides.

    Args:
        run: Path of a TOML file, or the name of a preset such as `default`.
        overrides: `key=value` with the value in TOML, or bare text.

    Raises:
        ConfigError: If there is no such run, it is of another method, a key is unknown or a value
            does not fit.
    """
    values = read_values(run, overrides)
    method = values.pop("method", METHOD)
    if method != METHOD:
        raise ConfigError(f"Bad method: got {method!r}, expected {METHOD!r} here.")
    return build_config(RunConfig, values)
