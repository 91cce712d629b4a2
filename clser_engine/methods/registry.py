"""Methods by the name that the key `method` of a run file gives.

A method is found by its name without being imported. Other packages add theirs through an entry
point that names the class:

    [project.entry-points."clser_engine.methods"]
    mine = "my_package.my_method:MyMethod"
"""

import difflib
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from clser_engine.config.model_config import METHOD as COMPACT
from clser_engine.config.model_config import RunConfig
from clser_engine.config.reader import Values, build_config, read_values, to_toml
from clser_engine.errors import ConfigError

METHODS = {
    "supervised": "clser_engine.methods.supervised:SupervisedMethod",
}
ENTRY_POINTS = "clser_engine.methods"
CONFIG = "config.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is to be trained.

    Args:
        method: Name of the method.
        settings: Its configuration: `RunConfig` for `compact`, else of the method's own class.
    """

    method: str
    settings: Any

    def to_toml(self) -> str:
        """Return the whole effective configuration; `load_run` reads it back as it was."""
        return to_toml(self.settings, {"method": self.method})


def method_names() -> list[str]:
    """Return the names of all methods, those of other packages included."""
    return sorted({COMPACT, *METHODS, *(point.name for point in entry_points(group=ENTRY_POINTS))})


def load_method(name: str) -> Any:
    """Return the class of a method.

    Raises:
        ConfigError: If there is none of that name or it cannot be imported.
    """
    targets = {point.name: point.value for point in entry_points(group=ENTRY_POINTS)} | METHODS
    if name not in targets:
        near = difflib.get_close_matches(name, method_names(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(method_names())}."
        raise ConfigError(f"Unknown method {name!r}: {hint}")
    module, _, attribute = targets[name].partition(":")
    try:
        return getattr(importlib.import_module(module), attribute.strip())
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"The method {name!r} cannot be imported from {targets[name]} ({error}); "
            "update or remove the package that brings it."
        ) from error


def load_run(run: str | Path, overrides: Sequence[str] = ()) -> Run:
    """Read a run file, a preset or the folder of a run, and check every setting.

    Args:
        run: Path of a TOML file, name of a preset, or folder of a run that was begun.
        overrides: `key=value` or `section.key=value`.

    Raises:
        ConfigError: If something in it is wrong.
    """
    if (Path(run) / CONFIG).is_file():
        run = Path(run) / CONFIG
    values: Values = read_values(run, overrides)
    name = values.pop("method", COMPACT)
    if not isinstance(name, str):
        raise ConfigError(f"Bad method: got {name!r}, expected text.")
    kind: type[Any] = RunConfig if name == COMPACT else load_method(name).run_class
    return Run(method=name, settings=build_config(kind, values))
