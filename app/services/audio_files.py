"""Finds recordings in files and folders, with what a manifest beside them says."""

import csv
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from clser_engine.audio.read import is_recording_name
from clser_engine.runtime import RunContext

MANIFEST_NAME = "manifest.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A recording that was found.

    Args:
        path: Absolute path.
        language: From a manifest, or empty.
        speaker: From a manifest, or empty.
        transcript: From a manifest, or empty.
        emotion: From a manifest, or empty: never a label unless the person asks for it.
    """

    path: str
    language: str = ""
    speaker: str = ""
    transcript: str = ""
    emotion: str = ""


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """Recordings in natural order, and sentences about what could not be taken."""

    files: tuple[FoundFile, ...]
    problems: tuple[str, ...] = ()


def find_audio(paths: Iterable[Path], context: RunContext) -> FoundFiles:
    """Return the recordings among files and in folders, however deep, each path once.

    Args:
        paths: Files, which are taken whatever their names, and folders.
        context: Progress and cancellation.
    """
    found: dict[str, FoundFile] = {}
    problems: list[str] = []
    for path in paths:
        path = Path(os.path.abspath(path))
        folder = path if path.is_dir() else path.parent
        manifest = path if path.name == MANIFEST_NAME else None
        facts: dict[str, FoundFile] = {}
        if path.is_dir() or manifest is not None:
            names = list(_walk(folder, facts, problems, context))
        elif path.exists():
            facts.update(_read_facts(folder, problems))
            names = [str(path)]
        else:
            problems.append(f"{path} does not exist; choose a file or folder that does.")
            continue
        for name in sorted(names, key=natural_key):
            if not _is_text(name):
                shown = name.encode("utf-8", "backslashreplace").decode()
                problems.append(f"{shown} has a name that is no valid text; rename it and add it.")
            elif name not in found:
                found[name] = facts.get(name, FoundFile(path=name))
                context.report("find recordings", len(found), 0)
    return FoundFiles(tuple(found.values()), tuple(problems))


def natural_key(path: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts `clip 2` before `clip 10`, letters without regard to case."""
    parts = re.split(r"(\d+)", path)
    return tuple(
        (0, int(part), part) if index % 2 else (1, 0, part.casefold())
        for index, part in enumerate(parts)
    )


def _walk(
    folder: Path, facts: dict[str, FoundFile], problems: list[str], context: RunContext
) -> Iterator[str]:
    """Yield the recordings below a folder; a folder that links lead back to is seen once."""
    seen: set[tuple[int, int]] = set()

    def note(error: OSError) -> None:
        problems.append(
            f"The folder {error.filename} cannot be read ({error.strerror}); make it readable and"
            " add it again."
        )

    for parent, folders, names in os.walk(folder, followlinks=True, onerror=note):
        context.report("find recordings", len(facts), 0)
        identity = _identity(parent)
        if identity in seen:
            folders.clear()
            continue
        seen.add(identity)
        folders[:] = sorted((f for f in folders if not f.startswith(".")), key=natural_key)
        if MANIFEST_NAME in names:
            facts.update(_read_facts(Path(parent), problems))
        for name in names:
            if is_recording_name(name):
                path = os.path.join(parent, name)
                if os.path.isfile(path):
                    yield path


def _identity(folder: str) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _read_facts(folder: Path, problems: list[str]) -> dict[str, FoundFile]:
    """Return what the manifest of a folder says, by absolute path; nothing if it has none."""
    manifest = folder / MANIFEST_NAME
    facts: dict[str, FoundFile] = {}
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                if row.get("path"):
                    path = os.path.normpath(folder / str(row["path"]))
                    facts[path] = _found(path, row)
    except FileNotFoundError:
        pass
    except (OSError, UnicodeError, csv.Error) as error:
        problems.append(
            f"The manifest {manifest} cannot be read ({error}), so languages, speakers and"
            " transcripts are not taken from it; correct it and add the folder again."
        )
    return facts


def _found(path: str, row: dict[str, str | None]) -> FoundFile:
    def cell(column: str) -> str:
        return (row.get(column) or "").strip()

    # Speaker 03 of one corpus is not speaker 03 of another.
    corpus, speaker = cell("corpus"), cell("speaker")
    return FoundFile(
        path=path,
        language=cell("language"),
        speaker=f"{corpus}/{speaker}" if corpus and speaker else speaker,
        transcript=cell("transcript"),
        emotion=cell("emotion"),
    )


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
