"""Checkpoints that were fetched: `checkpoints/<owner>--<name>/<commit>` with a record of each.

A folder is whole as soon as it has its record, which is written last.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from clser_engine.backbones.checkpoint import RECORD, WEIGHTS, open_checkpoint, read_settings
from clser_engine.backbones.download import RemoteFile, check_room, download
from clser_engine.backbones.hub import PICKLED_WEIGHTS, RemoteCheckpoint
from clser_engine.backbones.pickled_weights import read_pickled_weights
from clser_engine.backbones.torchaudio_pipelines import PREFIX, Pipeline, build_model, encoder_from
from clser_engine.bundle import hash_bytes
from clser_engine.errors import CheckpointError
from clser_engine.runtime import RunContext

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


def fetch_checkpoint(remote: RemoteCheckpoint, context: RunContext | None = None) -> Fetched:
    """Download what `inspect_checkpoint` found, or the rest of it.

    Raises:
        CheckpointError: If it cannot be downloaded, or is none that can be used.
    """
    folder = _folder(remote.name, remote.revision)
    if not (folder / RECORD).is_file():
        unfinished = _download_all(remote.files, folder, context or RunContext())
        if remote.is_pickled:
            convert_pickle(unfinished / PICKLED_WEIGHTS, unfinished / WEIGHTS)
            (unfinished / PICKLED_WEIGHTS).unlink()
        open_checkpoint(unfinished)
        record = {
            "name": remote.name,
            "library": "transformers",
            "revision": remote.revision,
            "asked": remote.asked,
            "licence": remote.licence,
        }
        _finish(unfinished, folder, record)
    return _written(remote.name, folder)


def fetch_pipeline(
    pipeline: Pipeline, file: RemoteFile, context: RunContext | None = None
) -> Fetched:
    """Download the weights of one of torchaudio's pipelines and keep them as safetensors.

    Raises:
        CheckpointError: If they cannot be downloaded or do not fit the pipeline.
    """
    from safetensors.torch import save_file

    name = f"{PREFIX}{pipeline.name}"
    folder = _folder(name, "published")
    if not (folder / RECORD).is_file():
        unfinished = _download_all((file,), folder, context or RunContext())
        path = unfinished / file.name
        published = hash_bytes(path)
        weights = read_pickled_weights(path)
        weights = {key: value for key, value in weights.items() if not key.startswith("aux.")}
        model = build_model(pipeline.architecture, {**pipeline.settings, "aux_num_out": None})
        try:
            model.load_state_dict(weights)
        except RuntimeError as error:
            raise CheckpointError(
                f"The weights at {pipeline.address} do not fit the pipeline {pipeline.name}."
            ) from error
        encoder = encoder_from(model, pipeline.normalises)
        save_file(encoder.state_dict(), unfinished / WEIGHTS)
        path.unlink()
        record = {
            "name": name,
            "library": "torchaudio",
            "revision": published,
            "asked": "",
            "licence": pipeline.licence,
            "address": pipeline.address,
        }
        _finish(unfinished, folder, record)
    return _written(name, folder)


def remove_fetched(one: Fetched) -> None:
    """Delete a checkpoint and what is left of unfinished ones of its name."""
    (one.folder / RECORD).unlink()
    shutil.rmtree(one.folder)
    shutil.rmtree(_unfinished(one.folder), ignore_errors=True)
    if not any(one.folder.parent.iterdir()):
        one.folder.parent.rmdir()


def convert_pickle(path: Path, target: Path) -> None:
    """Write the weights of a pickle as safetensors, running nothing in it.

    Raises:
        CheckpointError: If it holds anything but weights.
    """
    from safetensors.torch import save_file

    partial = target.with_name(f"{target.name}.partial")
    save_file(read_pickled_weights(path), partial, metadata={"format": "pt"})
    partial.replace(target)


def _folder(name: str, revision: str) -> Path:
    return checkpoints_folder() / name.replace("/", "--").replace(":", "--") / revision


def _unfinished(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}{UNFINISHED}")


def _download_all(files: tuple[RemoteFile, ...], folder: Path, context: RunContext) -> Path:
    unfinished = _unfinished(folder)
    try:
        unfinished.mkdir(parents=True, exist_ok=True)
        present = sum(path.stat().st_size for path in unfinished.iterdir())
        check_room(unfinished, sum(file.size for file in files) - present)
        for file in files:
            download(file, unfinished, context)
    except OSError as error:
        raise CheckpointError(
            f"{unfinished} cannot be written ({error.strerror}); set CLSER_HOME to another folder."
        ) from error
    return unfinished


def _finish(unfinished: Path, folder: Path, record: dict[str, Any]) -> None:
    """Write the record and give the folder its name, whole or not at all."""
    names = sorted(path.name for path in unfinished.iterdir())
    values = {**record, "files": {name: hash_bytes(unfinished / name) for name in names}}
    text = json.dumps(values, indent=1, ensure_ascii=False) + "\n"
    (unfinished / RECORD).write_text(text, encoding="utf-8")
    if folder.exists():  # without a record: something removed half of it
        shutil.rmtree(folder)
    unfinished.replace(folder)


def _written(name: str, folder: Path) -> Fetched:
    return next(one for one in list_fetched() if one.name == name and one.folder == folder)
