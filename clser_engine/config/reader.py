"""The one strict reader of run files: TOML into nested frozen dataclasses, and back.

A key that is not known, a value of another type and a value out of range are each refused in one
sentence. A run is looked up as a path, else as the name of a preset that ships.
"""

import difflib
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeVar

from clser_engine.errors import ConfigError

Config = TypeVar("Config")
Values = dict[str, Any]
NONE = "none"
"""How a setting that may be left empty is written where it is empty; TOML has no word for it."""


def preset_names() -> list[str]:
    """Return the names of the presets that ship."""
    folder = files("clser_engine.config").joinpath("presets")
    return sorted(Path(p.name).stem for p in folder.iterdir() if p.name.endswith(".toml"))


def read_values(run: str | Path, overrides: Sequence[str] = ()) -> Values:
    """Return the values of a run file or preset with overrides applied, not checked yet.

    Args:
        run: Path of a TOML file, or the name of a preset such as `default`.
        overrides: `key=value` or `section.key=value`, the value in TOML or bare text.

    Raises:
        ConfigError: If there is no such run, it is no TOML or an override has no `=`.
    """
    values = _read(str(run))
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator or not key:
            raise ConfigError(f"Bad override: got {override!r}, expected key=value.")
        *sections, last = key.strip().split(".")
        place = values
        for section in sections:
            inner = place.setdefault(section, {})
            if not isinstance(inner, dict):
                raise ConfigError(f"Bad override: {section!r} in {key!r} is no section.")
            place = inner
        place[last] = _value(text)
    return values


def build_config(kind: type[Config], values: Mapping[str, Any], section: str = "") -> Config:
    """Return a configuration of one kind from values as TOML holds them.

    Args:
        kind: A dataclass; fields that are dataclasses are sections.
        values: What was read.
        section: Name of this section, for messages.

    Raises:
        ConfigError: If a key is unknown or missing, or a value does not fit.
    """
    hints = typing.get_type_hints(kind)
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    checked: Values = {}
    for key, value in values.items():
        if key not in known:
            raise ConfigError(_unknown(kind, key, section))
        checked[key] = _fit(f"{section}.{key}" if section else key, value, hints[key])
    for name, field in known.items():
        if name not in checked and field.default is field.default_factory is MISSING:
            raise ConfigError(f"Missing setting {f'{section}.{name}' if section else name!r}.")
    return kind(**checked)


def to_toml(config: object, head: Mapping[str, str] | None = None) -> str:
    """Return a configuration as TOML that `build_config` reads back as it was.

    Args:
        config: A dataclass.
        head: Texts that are written first, such as which method the run is of.
    """
    lines = [f"{key} = {_toml(value)}" for key, value in (head or {}).items()]
    return "\n".join(lines + _sections(config, "")) + "\n"


def differences(one: object, other: object, section: str = "") -> list[str]:
    """Return the names of the settings in which two configurations of one kind differ."""
    found: list[str] = []
    for field in fields(one):  # type: ignore[arg-type]  # a dataclass
        name = f"{section}.{field.name}" if section else field.name
        left, right = getattr(one, field.name), getattr(other, field.name)
        if is_dataclass(left):
            found += differences(left, right, name)
        elif left != right:
            found.append(name)
    return found


def _read(run: str) -> Values:
    path = Path(run)
    if path.suffix != ".toml":
        if run not in preset_names():
            known = ", ".join(preset_names())
            raise ConfigError(f"No run {run!r}: expected a .toml file or one of {known}.")
        preset = files("clser_engine.config").joinpath("presets", f"{run}.toml")
        return tomllib.loads(preset.read_text(encoding="utf-8"))
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is no TOML ({error}).") from error


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()


def _unknown(kind: type, key: str, section: str) -> str:
    """Say which setting was probably meant: in this section first, else in any other."""
    here = {field.name: f"{section}.{field.name}" if section else field.name
            for field in fields(kind)}  # fmt: skip
    shown = f"{section}.{key}" if section else key
    near = difflib.get_close_matches(key, here, n=1)
    if near:
        return f"Unknown setting {shown!r}: did you mean {here[near[0]]!r}?"
    below = _names_below(kind, section)
    deeper = difflib.get_close_matches(key, [name.rpartition(".")[2] for name in below], n=1)
    if deeper:
        meant = next(name for name in below if name.rpartition(".")[2] == deeper[0])
        return f"Unknown setting {shown!r}: did you mean {meant!r}?"
    return f"Unknown setting {shown!r}: known are {', '.join(here.values())}."


def _names_below(kind: type, section: str) -> list[str]:
    names: list[str] = []
    for name, hint in typing.get_type_hints(kind).items():
        if is_dataclass(hint):
            inner = f"{section}.{name}" if section else name
            names += [f"{inner}.{field.name}" for field in fields(hint)]
            names += _names_below(hint, inner)  # type: ignore[arg-type]  # a class
    return names


def _fit(name: str, value: Any, hint: Any) -> Any:
    """Return the value in the type of its field, or say what was expected."""
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise ConfigError(f"Bad {name}: got {value!r}, expected a section [{name}].")
        return build_config(hint, value, name)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value == NONE:
            return None
        return _fit(name, value, next(a for a in arguments if a is not type(None)))
    if origin is Literal:
        if value not in arguments or isinstance(value, bool):
            raise ConfigError(_bad_choice(name, value, arguments))
        return value
    if origin is tuple:
        if isinstance(value, list) and all(_is_a(item, arguments[0]) for item in value):
            return tuple(arguments[0](item) for item in value)
        kinds = "texts" if arguments[0] is str else "numbers"
        raise ConfigError(f"Bad {name}: got {value!r}, expected a list of {kinds}.")
    if _is_a(value, hint):
        return hint(value)
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    raise ConfigError(f"Bad {name}: got {value!r}, expected {words[hint]}.")


def _bad_choice(name: str, value: object, choices: Sequence[Any]) -> str:
    near = difflib.get_close_matches(str(value), [str(c) for c in choices], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"Bad {name}: got {value!r}, expected one of {', '.join(map(str, choices))}{hint}"


def _is_a(value: object, kind: type) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is kind


def _sections(config: object, section: str) -> list[str]:
    plain, nested = [], []
    for field in fields(config):  # type: ignore[arg-type]  # a dataclass
        value = getattr(config, field.name)
        if is_dataclass(value):
            nested.append((f"{section}.{field.name}" if section else field.name, value))
        else:
            plain.append(f"{field.name} = {_toml(value)}")
    lines = plain
    for name, value in nested:
        lines += ["", f"[{name}]", *_sections(value, name)]
    return lines


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if value is None:
        return f'"{NONE}"'
    if isinstance(value, str):
        escaped = "".join(
            f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else f"\\{c}" if c in '\\"' else c
            for c in value
        )
        return f'"{escaped}"'
    return repr(value)
