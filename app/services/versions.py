"""Versions and licences of what the program is made of."""

import platform
import re
from dataclasses import dataclass
from importlib import metadata

PROGRAM = "clser-studio"
MAX_SHORT = 60  # some put the whole licence there


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One library that the program uses.

    Args:
        name: As it is installed.
        version: As it is installed.
        licence: As its makers declare it, or `see its files`.
    """

    name: str
    version: str
    licence: str


def parts() -> tuple[Part, ...]:
    """Return Python and the installed libraries that the program declares."""
    found = [Part(name="Python", version=platform.python_version(), licence="PSF-2.0")]
    try:
        declared = metadata.requires(PROGRAM) or []
    except metadata.PackageNotFoundError:
        declared = []
    for requirement in declared:
        if "extra ==" in requirement:
            continue
        name = re.split(r"[\s;<>=!~\[]", requirement, maxsplit=1)[0]
        try:
            facts = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue  # for another system
        found.append(Part(name=facts["Name"], version=facts["Version"], licence=_licence(facts)))
    return tuple(found)


def _licence(facts: metadata.PackageMetadata) -> str:
    def stated(field: str) -> str:
        return str(facts[field]).strip() if field in facts else ""

    short = stated("License")
    classifiers = [str(text) for text in facts.get_all("Classifier") or []]
    licences = [text.rpartition("::")[2].strip() for text in classifiers if "License ::" in text]
    if expression := stated("License-Expression"):
        return expression
    if short and "\n" not in short and len(short) < MAX_SHORT:
        return short
    return licences[0] if licences else "see its files"
