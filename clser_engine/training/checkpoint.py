"""Checkpoints: everything a run needs to go on as if it had never stopped.

A checkpoint is a folder of safetensors and one JSON file. It is written beside its place, brought
to disk and renamed, so what stands there is whole. Batches, crops, learning rates and random
numbers depend on the seed and the step alone, so of them the step is all that is kept.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from clser_engine.errors import TrainingError

FOLDER = "checkpoints"
STATE = "state.json"
WEIGHTS, AVERAGE, OPTIMISER = "weights.safetensors", "average.safetensors", "optimiser.safetensors"
NUM_KEPT = 2
VERSION = 1


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far a run is.

    Args:
        step: Updates made.
        best_step: Step of the best validation so far; 0 before the first.
        best: Its figures.
        num_worse: Validations since.
        is_done: Whether no further update will be made.
        scaler: State of the loss scaling in half precision; empty where there is none.
    """

    step: int = 0
    best_step: int = 0
    best: dict[str, float]
    num_worse: int = 0
    is_done: bool = False
    scaler: dict[str, float]


def save_checkpoint(
    run: Path,
    progress: Progress,
    weights: dict[str, Tensor],
    average: dict[str, Tensor],
    optimiser: dict[str, Tensor],
) -> Path:
    """Write a checkpoint of the present step and remove all but the newest two.

    Args:
        run: The run folder.
        progress: How far the run is.
        weights: What training changes.
        average: Its running mean.
        optimiser: As `optimiser_tensors` returns it.

    Raises:
        TrainingError: If it cannot be written; older checkpoints are left.
    """
    folder = run / FOLDER / f"step-{progress.step:08d}"
    partial = folder.with_suffix(".partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for name, tensors in ((WEIGHTS, weights), (AVERAGE, average), (OPTIMISER, optimiser)):
            write_tensors(partial / name, tensors)
        (partial / STATE).write_text(json.dumps({"version": VERSION, **asdict(progress)}))
        _to_disk(partial)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(partial, folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise TrainingError(
            f"The checkpoint of step {progress.step} cannot be written to {run} "
            f"({error.strerror}); free some space and go on with `clser train {run} --resume`."
        ) from error
    for old in list_checkpoints(run)[:-NUM_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def list_checkpoints(run: Path) -> list[Path]:
    """Return the checkpoints of a run, the newest last."""
    return sorted(
        path
        for path in (run / FOLDER).glob("step-*")
        if path.suffix != ".partial" and (path / STATE).exists()
    )


def load_progress(checkpoint: Path) -> Progress:
    """Return how far the run was.

    Raises:
        TrainingError: If the checkpoint is damaged.
    """
    try:
        values = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
        if values.pop("version") != VERSION:
            raise TrainingError(f"{checkpoint} was written by another version of this program.")
        return Progress(**values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _damaged(checkpoint) from error


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file.

    Raises:
        TrainingError: If it is damaged or missing.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise _damaged(path.parent) from error


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write tensors to a file.

    Raises:
        OSError: If the disk is full or the folder may not be written.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        save_file(plain, path)
    except SafetensorError as error:  # it wraps the system's error in text
        free = shutil.disk_usage(path.parent).free
        needed = sum(tensor.nbytes for tensor in plain.values())
        reason = "No space left on device" if free < needed else str(error)
        raise OSError(None, reason) from error


def optimiser_tensors(
    optimiser: torch.optim.Optimizer, names: Mapping[nn.Parameter, str]
) -> dict[str, Tensor]:
    """Return the state of an optimiser by the names of its parameters."""
    return {
        f"{name}|{key}": torch.as_tensor(value)
        for parameter, name in names.items()
        for key, value in optimiser.state.get(parameter, {}).items()
    }


def load_optimiser(
    optimiser: torch.optim.Optimizer, names: Mapping[nn.Parameter, str], tensors: dict[str, Tensor]
) -> None:
    """Put the state that `optimiser_tensors` returned back."""
    parameters = {name: parameter for parameter, name in names.items()}
    states: dict[nn.Parameter, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        owner, _, key = name.rpartition("|")
        parameter = parameters[owner]
        is_moment = tensor.shape == parameter.shape and key != "step"
        states.setdefault(parameter, {})[key] = tensor.to(parameter.device) if is_moment else tensor
    for parameter, state in states.items():
        optimiser.state[parameter] = state


def _damaged(checkpoint: Path) -> TrainingError:
    return TrainingError(
        f"{checkpoint} is damaged; delete it, and the run goes on from the checkpoint before."
    )


def _to_disk(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb+") as file:
            os.fsync(file.fileno())
