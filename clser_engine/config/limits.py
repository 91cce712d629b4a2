"""Limits of settings, declared beside each field and checked wherever a configuration is made.

    rate: float = field(default=1e-3, metadata=limits(above=0.0))

A configuration calls `check_limits(self)` in its `__post_init__`, so a bad value is refused in the
same words whether it comes from a file, the command line or Python.
"""

from dataclasses import fields
from typing import Any, ClassVar, Protocol

from clser_engine.errors import ConfigError


class Section(Protocol):
    """A dataclass of settings; `SECTION` is its name in a run file, empty for the run itself."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


def limits(
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
) -> dict[str, float]:
    """Return the metadata of a field whose number (or each of whose numbers) has limits."""
    given = {"above": above, "at least": at_least, "below": below, "at most": at_most}
    return {words: limit for words, limit in given.items() if limit is not None}


def check_limits(section: Section) -> None:
    """Compare every field with its limits.

    Raises:
        ConfigError: If a number lies outside; the text names section, field, value and limits.
    """
    prefix = getattr(section, "SECTION", "")
    for field in fields(section):
        value = getattr(section, field.name)
        numbers = value if isinstance(value, tuple) else (value,)
        if value is None or all(_fits(number, dict(field.metadata)) for number in numbers):
            continue
        allowed = " and ".join(f"{words} {limit:g}" for words, limit in field.metadata.items())
        name = f"{prefix}.{field.name}" if prefix else field.name
        shown = list(value) if isinstance(value, tuple) else value
        raise ConfigError(f"Bad {name}: got {shown}, expected {allowed}.")


def _fits(number: float, allowed: dict[str, float]) -> bool:
    return (
        number > allowed.get("above", float("-inf"))
        and number >= allowed.get("at least", float("-inf"))
        and number < allowed.get("below", float("inf"))
        and number <= allowed.get("at most", float("inf"))
        if allowed
        else True
    )
