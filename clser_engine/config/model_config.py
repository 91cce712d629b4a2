"""Configuration of a training run of the compact model, read from TOML.

A run file is looked up as a path, else as the name of a preset that ships.
"""

import difflib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path

from clser_engine.errors import ConfigError
from clser_engine.labels import SHARED_FOUR


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
        speeds: Each recording is also heard at these speeds; 1 is as recorded.
        linear_penalty: L2 penalty of the logistic regression, relative to the mean loss.
        kernel_penalty: L2 penalty of the kernel machine, relative to the mean loss.
        frame_steps: Batches that the frame branch sees.
        calibrate: Whether temperatures are fitted on predictions for held-out corpora.
    """

    name: str = "default"
    data_root: str = "../shared/corpora"
    manifests: tuple[str, ...] = ()
    classes: tuple[str, ...] = SHARED_FOUR
    licence: str = "CC-BY-NC-SA-4.0"
    seed: int = 0
    speeds: tuple[float, ...] = (1.0, 0.9, 1.12)
    linear_penalty: float = 0.03
    kernel_penalty: float = 3e-4
    frame_steps: int = 250
    calibrate: bool = True

    def __post_init__(self) -> None:
        positive = ("frame_steps", "linear_penalty", "kernel_penalty")
        for name in positive:
            if getattr(self, name) <= 0:
                raise ConfigError(f"Bad {name}: got {getattr(self, name)}, expected above 0.")
        if 1.0 not in self.speeds or min(self.speeds) < 0.5 or max(self.speeds) > 2.0:
            raise ConfigError(
                f"Bad speeds: got {list(self.speeds)}, expected 1.0 among them and all in 0.5 to 2."
            )
        if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes):
            raise ConfigError(
                f"Bad classes: got {list(self.classes)}, expected at least two, all different."
            )


def load_run_config(run: str, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a run file or preset and apply `key=value` overrides.

    Args:
        run: Path of a TOML file, or the name of a preset such as `default`.
        overrides: `key=value` with the value in TOML, or bare text.

    Raises:
        ConfigError: If there is no such run, a key is unknown or a value does not fit.
    """
    values: dict[str, object] = {}
    values.update(_read(run))
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator:
            raise ConfigError(f"Bad override: got {override!r}, expected key=value.")
        try:
            values[key] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            values[key] = text
    return _build(values)


def _read(run: str) -> dict[str, object]:
    path = Path(run)
    if path.suffix != ".toml":
        preset = files("clser_engine.config").joinpath("presets", f"{run}.toml")
        if not preset.is_file():
            raise ConfigError(f"No run {run!r}: expected a .toml file or the preset 'default'.")
        return tomllib.loads(preset.read_text(encoding="utf-8"))
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is no TOML ({error}).") from error


def _build(values: dict[str, object]) -> RunConfig:
    known = {field.name: getattr(RunConfig(), field.name) for field in fields(RunConfig)}
    checked: dict[str, object] = {}
    for key, value in values.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}."
            raise ConfigError(f"Unknown setting {key!r}: {hint}")
        checked[key] = _fit(key, value, known[key])
    return RunConfig(**checked)  # type: ignore[arg-type]  # each value was fitted to its field


def _fit(key: str, value: object, default: object) -> object:
    """Return the value in the type of the default, or say what was expected."""
    if isinstance(default, tuple) and isinstance(value, list):
        kind = float if key == "speeds" else str
        if all(isinstance(item, (int, float) if kind is float else str) for item in value):
            return tuple(kind(item) for item in value)
    elif isinstance(default, bool) or isinstance(value, bool):
        if isinstance(default, bool) and isinstance(value, bool):
            return value
    elif isinstance(default, float) and isinstance(value, (int, float)):
        return float(value)
    elif type(value) is type(default):
        return value
    if isinstance(default, tuple):
        wanted = "a list of numbers" if key == "speeds" else "a list of texts"
    else:
        names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
        wanted = names[type(default)]
    raise ConfigError(f"Bad {key}: got {value!r}, expected {wanted}.")
