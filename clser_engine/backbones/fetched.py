"""Checkpoints that were fetched: `checkpoints/<owner>--<name>/<commit>` with a record of each.

A folder is whole as soon as it has its record, which is written last.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from clser_engine.backbones.checkpoint import RECORD, read_settings

UNFINISHED = ".unfinished"
LEAST_OF_A_COMMIT = 7  # characters by which people name one


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A checkpoint on this computer.

    Args:
        name: What it is asked for by.
        revision: The commit; for a pipeline of torchaudio the hash of its file.
        licence: Licence of the weights.
        folder: Where it lies.
        size: Bytes.
        record: Everything that was noted.
    """

    name: str
    revision: str
    licence: str
    folder: Path
    size: int
    record: dict[str, Any]


def checkpoints_folder() -> Path:
    """Return where fetched checkpoints are; `CLSER_HOME` moves it."""
    home = os.environ.get("CLSER_HOME")
    root = Path(home) / "data" if home else platformdirs.user_data_path("clser-studio")
    return root / "checkpoints"


def list_fetched() -> list[Fetched]:
    """Return every checkpoint that is whole, by name and then newest first."""
    found = []
    for path in checkpoints_folder().glob(f"*/*/{RECORD}"):
        record = read_settings(path)
        found.append(
            Fetched(
                name=str(record.get("name", "")),
                revision=str(record.get("revision", "")),
                licence=str(record.get("licence", "unknown")),
                folder=path.parent,
                size=sum(file.stat().st_size for file in path.parent.iterdir()),
                record=record,
            )
        )
    found.sort(key=lambda one: -(one.folder / RECORD).stat().st_mtime_ns)
    return sorted(found, key=lambda one: one.name)


def find_fetched(name: str, revision: str | None = None) -> Fetched | None:
    """Return the newest that was fetched under a name, at a revision if one is given."""
    for one in list_fetched():
        if one.name != name:
            continue
        if revision is None or revision == one.record.get("asked"):
            return one
        if len(revision) >= LEAST_OF_A_COMMIT and one.revision.startswith(revision):
            return one
    return None


def remove_fetched(one: Fetched) -> None:
    """Delete a checkpoint and what is left of unfinished ones of its name."""
    (one.folder / RECORD).unlink()
    shutil.rmtree(one.folder)
    shutil.rmtree(unfinished_folder(one.folder), ignore_errors=True)
    if not any(one.folder.parent.iterdir()):
        one.folder.parent.rmdir()


def list_unfinished() -> list[tuple[str, int]]:
    """Return name and bytes so far of each checkpoint whose download was interrupted."""
    return sorted(
        (path.parent.name.replace("--", "/", 1), sum(f.stat().st_size for f in path.iterdir()))
        for path in checkpoints_folder().glob(f"*/*{UNFINISHED}")
    )


def remove_unfinished(name: str) -> bool:
    """Delete the interrupted downloads of a name; tell whether there were any."""
    parent = folder_of(name, "any").parent
    found = list(parent.glob(f"*{UNFINISHED}"))
    for folder in found:
        shutil.rmtree(folder)
    if found and not any(parent.iterdir()):
        parent.rmdir()
    return bool(found)


def folder_of(name: str, revision: str) -> Path:
    """Return where a checkpoint is, or will be when it is whole."""
    return checkpoints_folder() / name.replace("/", "--").replace(":", "--") / revision


def unfinished_folder(folder: Path) -> Path:
    """Return where a checkpoint is until it is whole."""
    return folder.with_name(f"{folder.name}{UNFINISHED}")
