"""Weights out of a pickle without running anything in it.

Many checkpoints were published as `pytorch_model.bin` alone. Such a file is a zip with numbers and
a pickle that tells their shapes; a pickle can name any function to be called. Two gates keep that
from happening. First its instructions are listed, not run, and every name in them must be one of
the few that rebuild tensors. Then torch reads it with `weights_only=True`, whose reader of its own
calls nothing but those.
"""

import pickletools
import shutil
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from clser_engine.backbones.checkpoint import (
    CONFIG,
    PICKLES,
    PREPROCESSORS,
    WEIGHTS,
    check_architecture,
    read_settings,
)
from clser_engine.errors import CheckpointError

HARMLESS = {
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    "torch FloatStorage",
    "torch HalfStorage",
    "torch BFloat16Storage",
    "torch DoubleStorage",
    "torch LongStorage",
    "torch IntStorage",
    "torch BoolStorage",
}
LARGEST_PICKLE = 64 << 20  # of instructions; the numbers lie beside it


def read_pickled_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file that torch wrote, by name.

    Raises:
        CheckpointError: If the file is damaged, of an old form, or names anything but tensors.
    """
    _check_names(path)
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever the damage leads to
        raise CheckpointError(f"{path} cannot be read: it is damaged; fetch it again.") from error
    found = found.get("state_dict", found) if isinstance(found, dict) else found
    if not isinstance(found, dict) or not all(isinstance(v, Tensor) for v in found.values()):
        raise CheckpointError(f"{path} holds no weights: expected a dictionary of tensors.")
    # Shared tensors become copies: safetensors stores each under one name.
    return {str(name): tensor.detach().clone().contiguous() for name, tensor in found.items()}


def convert_checkpoint(source: Path, target: Path) -> Path:
    """Copy a checkpoint whose weights are pickle, with the weights as safetensors.

    Args:
        source: A folder with `config.json` and one file of weights that torch wrote.
        target: The folder to make; it must not exist, or be empty.

    Returns:
        `target`.

    Raises:
        CheckpointError: If there is nothing to convert, or it holds anything but weights.
    """
    if target.exists() and any(target.iterdir()):
        raise CheckpointError(f"{target} is there already; give a folder that is not.")
    check_architecture(read_settings(source / CONFIG), str(source))
    pickles = sorted(path for path in source.iterdir() if path.suffix in PICKLES)
    if len(pickles) != 1:
        found = ", ".join(path.name for path in pickles) or "none"
        raise CheckpointError(
            f"{source} must hold one file of weights as pickle to convert, and holds {found}."
        )
    target.mkdir(parents=True, exist_ok=True)
    write_safetensors(read_pickled_weights(pickles[0]), target / WEIGHTS)
    for name in (CONFIG, *PREPROCESSORS, "README.md"):
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
    return target


def write_safetensors(weights: dict[str, Tensor], path: Path) -> None:
    """Write weights, whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    save_file(weights, partial, metadata={"format": "pt"})
    partial.replace(path)


def _check_names(path: Path) -> None:
    """List the instructions without running them, and refuse any name that is not harmless."""
    try:
        with zipfile.ZipFile(path) as archive:
            [entry] = [e for e in archive.infolist() if e.filename.endswith("data.pkl")]
            if entry.file_size > LARGEST_PICKLE:
                raise CheckpointError(f"{path} is refused: its pickle is larger than any weights'.")
            instructions = list(pickletools.genops(archive.read(entry)))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f"{path} is no file of weights that can be read safely: expected the zip that torch "
            f"has written since version 1.6."
        ) from error
    for opcode, argument, _ in instructions:
        # torch names what it needs by GLOBAL alone; the other ways take the name from a stack.
        if opcode.name in ("STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4"):
            raise CheckpointError(_refusal(path, f"something by {opcode.name}"))
        if opcode.name == "GLOBAL" and argument not in HARMLESS:
            raise CheckpointError(_refusal(path, str(argument).replace(" ", ".")))


def _refusal(path: Path, named: str) -> str:
    return (
        f"{path} is refused: it wants to call {named}, which is nothing that weights need; "
        f"get the checkpoint as safetensors from somebody you trust."
    )
