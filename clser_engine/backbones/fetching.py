"""What happens between a checkpoint on the web and a whole folder on this computer."""

import json
import shutil
from pathlib import Path
from typing import Any

from clser_engine.backbones.checkpoint import RECORD, WEIGHTS, open_checkpoint
from clser_engine.backbones.download import RemoteFile, check_room, download
from clser_engine.backbones.fetched import Fetched, folder_of, list_fetched, unfinished_folder
from clser_engine.backbones.hub import PICKLED_WEIGHTS, RemoteCheckpoint
from clser_engine.backbones.pickled_weights import read_pickled_weights, write_safetensors
from clser_engine.backbones.torchaudio_pipelines import PREFIX, Pipeline, build_model, encoder_from
from clser_engine.bundle import hash_bytes
from clser_engine.errors import CheckpointError
from clser_engine.runtime import RunContext


def fetch_checkpoint(remote: RemoteCheckpoint, context: RunContext | None = None) -> Fetched:
    """Download what `inspect_checkpoint` found, or the rest of it.

    Raises:
        CheckpointError: If it cannot be downloaded, or is none that can be used.
    """
    folder = folder_of(remote.name, remote.revision)
    if not (folder / RECORD).is_file():
        unfinished = _download_all(remote.files, folder, context or RunContext())
        if remote.is_pickled:
            pickled = unfinished / PICKLED_WEIGHTS
            write_safetensors(read_pickled_weights(pickled), unfinished / WEIGHTS)
            pickled.unlink()
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
    name = f"{PREFIX}{pipeline.name}"
    folder = folder_of(name, "published")
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
        write_safetensors(encoder.state_dict(), unfinished / WEIGHTS)
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


def _download_all(files: tuple[RemoteFile, ...], folder: Path, context: RunContext) -> Path:
    unfinished = unfinished_folder(folder)
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
