"""Model bundles of this computer: which there are, how one gets in and how one goes.

A bundle comes as a folder or as a zip of one. Of either only the card and the files that it names
are taken, each compared with its hash; so nothing an archive says of paths counts.
"""

import json
import os
import re
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clser_engine.bundle import (
    CARD,
    SUFFIX,
    ModelCard,
    installed_bundles_folder,
    load_card,
    verify_files,
)
from clser_engine.errors import BundleError, EngineError
from clser_engine.resources import resource_path

SHIPPED = "default"
LARGEST_CARD = 4 << 20
NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledBundle:
    """A bundle of this computer.

    Args:
        card: What it says of itself.
        is_shipped: Whether it came with the program and stays.
        size: Bytes.
    """

    card: ModelCard
    is_shipped: bool
    size: int


def list_bundles() -> tuple[list[InstalledBundle], list[str]]:
    """Return the bundles, the shipped one first, and why others cannot be read."""
    found, problems = [], []
    folders = sorted(installed_bundles_folder().glob(f"*{SUFFIX}"))
    try:
        folders.insert(0, resource_path("models", f"{SHIPPED}{SUFFIX}"))
    except EngineError as error:
        problems.append(str(error))
    for folder in folders:
        try:
            card = load_card(folder)
        except BundleError as error:
            problems.append(str(error))
            continue
        size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
        is_shipped = folder.parent != installed_bundles_folder()
        found.append(InstalledBundle(card=card, is_shipped=is_shipped, size=size))
    return found, problems


def add_bundle(source: Path) -> ModelCard:
    """Install a bundle from a folder or a zip.

    Args:
        source: A folder with a card, or a zip that holds one at its root or in one folder.

    Returns:
        The card of the installed bundle; an identical one that is installed already stays.

    Raises:
        BundleError: If it is none, is damaged, or another one has its name.
    """
    target_folder = installed_bundles_folder()
    target_folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".adding-", dir=target_folder) as temporary:
        folder = Path(temporary) / f"new{SUFFIX}"
        folder.mkdir()
        try:
            if source.is_dir():
                _copy_folder(source, folder)
            else:
                _extract(source, folder)
        except OSError as error:
            raise BundleError(
                f"{source} cannot be installed ({error.strerror or error})."
            ) from error
        card = load_card(folder)
        verify_files(card)
        name = card.model_id.name
        if not NAME.fullmatch(name) or name == SHIPPED:
            raise BundleError(
                f"{source} calls itself {name!r}, which cannot be the name of an installed model; "
                f"choose letters, digits, '.', '_' and '-', and not {SHIPPED!r}."
            )
        target = target_folder / f"{name}{SUFFIX}"
        if target.exists():
            if load_card(target).model_id == card.model_id:
                return load_card(target)
            raise BundleError(
                f"Another model {name!r} is installed; run `clser models remove {name}` first."
            )
        folder.replace(target)
    return load_card(target)


def remove_bundle(name: str) -> None:
    """Delete an installed bundle.

    Raises:
        BundleError: If there is none of that name, or it came with the program.
    """
    folder = installed_bundles_folder() / f"{name}{SUFFIX}"
    if NAME.fullmatch(name) and folder.is_dir():
        # Out of sight at once: a half-deleted model is never loaded.
        gone = Path(tempfile.mkdtemp(prefix=".removing-", dir=folder.parent))
        folder.replace(gone / folder.name)
        shutil.rmtree(gone)
        return
    if name == SHIPPED:
        raise BundleError("The model 'default' came with the program and stays.")
    raise BundleError(
        f"There is no installed model {name!r}; `clser models list` tells which there are."
    )


def _copy_folder(source: Path, target: Path) -> None:
    card = load_card(source)
    verify_files(card)  # it refuses names that lead elsewhere
    for name in (CARD, *card.files):
        shutil.copyfile(source / name, target / name)


def _extract(source: Path, target: Path) -> None:
    """Take the card and what it names out of a zip; every file by its bare name."""
    try:
        archive = zipfile.ZipFile(source)
    except FileNotFoundError:
        raise BundleError(
            f"There is no {source}; give a folder ending in {SUFFIX}, or a zip."
        ) from None
    except zipfile.BadZipFile as error:
        raise BundleError(
            f"{source} is no model: expected a folder ending in {SUFFIX}, or a zip of one."
        ) from error
    with archive:
        cards = [e for e in archive.infolist() if e.filename.rpartition("/")[2] == CARD]
        if len(cards) != 1 or cards[0].filename.count("/") > 1:
            raise BundleError(
                f"{source} is no model: expected one {CARD} at its root or in one folder, found "
                f"{len(cards)}."
            )
        _write(archive, cards[0], target / CARD, LARGEST_CARD)
        prefix = cards[0].filename.removesuffix(CARD)
        for name in _named_files(target / CARD, source):
            try:
                entry = archive.getinfo(f"{prefix}{name}")
            except KeyError:
                raise BundleError(f"{source} lacks {name}, which its card names.") from None
            free = shutil.disk_usage(target).free
            if entry.file_size > free:
                raise BundleError(
                    f"{source} needs {entry.file_size / 1e6:.0f} MB for {name}, and the disk of "
                    f"{target.parent.parent} has {free / 1e6:.0f} MB free."
                )
            _write(archive, entry, target / name, entry.file_size)


def _named_files(card: Path, source: Path) -> list[str]:
    """Return what a card names before it is trusted, refusing names that lead elsewhere."""
    try:
        values: Any = json.loads(card.read_bytes())
        names = list(values["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{source} is damaged: its {CARD} names no files.") from error
    for name in names:
        if Path(name).name != name or name in ("..", CARD) or "\\" in name:
            raise BundleError(f"{source} names {name!r}, which lies outside the model.")
    return names


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, limit: int) -> None:
    """Write one file of an archive, no more bytes than it promised."""
    left = limit
    try:
        with archive.open(entry) as packed, path.open("wb") as file:
            while chunk := packed.read(1 << 20):
                left -= len(chunk)
                if left < 0:
                    raise BundleError(f"{entry.filename} is larger than a model's may be.")
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise BundleError(
            f"{entry.filename} in {archive.filename} cannot be unpacked; get the file again."
        ) from error
