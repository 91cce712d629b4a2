"""Backbones by name: the compact one, folders, hub names and torchaudio's pipelines."""

import re
from pathlib import Path
from typing import Any, get_args

import torch
from safetensors.torch import load_file
from torch import nn

from clser_engine.backbones.backbone import Backbone, Tuning
from clser_engine.backbones.checkpoint import (
    WEIGHTS,
    Checkpoint,
    check_architecture,
    fingerprint_of,
    open_checkpoint,
    read_record,
    without_code,
)
from clser_engine.backbones.compact_encoder import CompactEncoder, code_fingerprint
from clser_engine.backbones.fetched import Fetched, find_fetched
from clser_engine.backbones.fetching import fetch_checkpoint, fetch_pipeline
from clser_engine.backbones.hub import HUB_NAME, inspect_checkpoint, is_offline
from clser_engine.backbones.lora import LoraSettings, add_adapters
from clser_engine.backbones.torchaudio_pipelines import (
    PREFIX,
    build_pipeline,
    find_pipeline,
    inspect_pipeline,
)
from clser_engine.backbones.transformers_encoders import encoder_from, quiet_transformers
from clser_engine.errors import BadValueError, CheckpointError
from clser_engine.runtime import RunContext

COMPACT = "compact"
COMPACT_LICENCE = "Apache-2.0"  # it is code of this program, without pretrained weights

# Weights that a checkpoint may lack, because frames don't depend on them.
NOT_NEEDED = ("masked_spec_embed", "decoder.", "adapter.", "proj_out")


def load_backbone(
    name: str | Path,
    *,
    revision: str | None = None,
    offline: bool = False,
    tuning: Tuning = "frozen",
    lora: LoraSettings | None = None,
    train_front_end: bool = False,
    context: RunContext | None = None,
) -> Backbone:
    """Load a pretrained frame encoder.

    Args:
        name: `compact`, a folder with a checkpoint of transformers, a hub name `owner/name`, or a
            pipeline of torchaudio such as `torchaudio:WAV2VEC2_BASE`.
        revision: Branch, tag or commit of a hub name; None means the one that was fetched, or the
            newest.
        offline: Refuse to fetch what is not on this computer.
        tuning: `frozen` trains nothing, `lora` small adapters, `full` everything but the front end.
        lora: How it is adapted, if it is.
        train_front_end: In full tuning, train the front end too.
        context: Progress and cancellation of a download.

    Returns:
        The backbone in evaluation mode, in float32.

    Raises:
        BadValueError: If the tuning is not one of the three.
        CheckpointError: If there is no such checkpoint or it cannot be used.
    """
    if tuning not in get_args(Tuning):
        raise BadValueError(f"Bad tuning: got {tuning!r}, expected 'frozen', 'lora' or 'full'.")
    encoder, description = _load(str(name), revision, offline or is_offline(), context)
    return _tuned(encoder, description, tuning, lora, train_front_end)


def fetch(
    name: str,
    revision: str | None = None,
    *,
    convert: bool = False,
    context: RunContext | None = None,
) -> Fetched:
    """Download a checkpoint of the hub or a pipeline of torchaudio, or the rest of it.

    Args:
        name: `owner/name`, or `torchaudio:` and the name of a pipeline.
        revision: Branch, tag or commit on the hub; None means the newest.
        convert: Accept weights of the hub that exist only as pickle, and keep them as safetensors.
        context: Progress and cancellation.

    Raises:
        CheckpointError: If it cannot be fetched or used.
    """
    if name.startswith(PREFIX):
        pipeline = find_pipeline(name)
        return fetch_pipeline(pipeline, inspect_pipeline(pipeline), context)
    return fetch_checkpoint(inspect_checkpoint(name, revision, convert=convert), context)


def build_backbone(
    description: dict[str, Any], tuning: Tuning = "frozen", lora: LoraSettings | None = None
) -> Backbone:
    """Build a backbone without its weights, from `Backbone.description`.

    Whoever calls loads the weights, as a bundle does that holds them.

    Raises:
        CheckpointError: If the description is not one of ours.
    """
    library = description.get("library")
    if library == "transformers":
        encoder = _build_transformers(description["config"], description["preprocessor"])
    elif library == "torchaudio":
        encoder = build_pipeline(
            description["architecture"], description["settings"], description["normalises"]
        )
    elif library == COMPACT:
        encoder = CompactEncoder()
    else:
        raise CheckpointError(
            f"Bad backbone: got the library {library!r}, expected 'compact', 'torchaudio' or "
            f"'transformers'."
        )
    return _tuned(encoder, description, tuning, lora, train_front_end=False)


def _tuned(
    encoder: nn.Module,
    description: dict[str, Any],
    tuning: Tuning,
    lora: LoraSettings | None,
    train_front_end: bool,
) -> Backbone:
    backbone = Backbone(
        encoder,
        name=description["name"],
        fingerprint=description["fingerprint"],
        licence=description["licence"],
        description=description,
        tuning=tuning,
    )
    if tuning == "lora":
        settings = lora or LoraSettings()
        encoder.requires_grad_(False)
        add_adapters(encoder, backbone.encoder.adapted_modules(settings.feed_forward), settings)
    elif tuning == "full" and not train_front_end:
        for module in backbone.encoder.front_end():
            module.requires_grad_(False)
    return backbone.eval()


def _load(
    name: str, revision: str | None, offline: bool, context: RunContext | None
) -> tuple[nn.Module, dict[str, Any]]:
    if name == COMPACT:
        description = {
            "library": COMPACT,
            "name": COMPACT,
            "revision": "",
            "licence": COMPACT_LICENCE,
            "fingerprint": code_fingerprint(),
        }
        return CompactEncoder(), description
    if Path(name).is_dir():
        return _load_transformers(open_checkpoint(Path(name)), name)
    if not name.startswith(PREFIX) and not re.fullmatch(HUB_NAME, name):
        raise CheckpointError(
            f"There is no backbone {name!r}: expected 'compact', a folder with a checkpoint, a hub "
            f"name such as facebook/wav2vec2-xls-r-300m, or a pipeline such as "
            f"torchaudio:WAVLM_BASE_PLUS."
        )
    fetched = find_fetched(name, revision)
    if fetched is None and offline:
        at = f" at revision {revision!r}" if revision else ""
        raise CheckpointError(
            f"{name}{at} is not on this computer; `clser models fetch {name}` shows its licence "
            f"and size and fetches it."
        )
    fetched = fetched or fetch(name, revision, context=context)
    if name.startswith(PREFIX):
        return _load_pipeline(fetched)
    return _load_transformers(open_checkpoint(fetched.folder), name)


def _load_pipeline(fetched: Fetched) -> tuple[nn.Module, dict[str, Any]]:
    pipeline = find_pipeline(fetched.name)
    record = read_record(fetched.folder)
    encoder = build_pipeline(pipeline.architecture, pipeline.settings, pipeline.normalises)
    encoder.load_state_dict(load_file(fetched.folder / WEIGHTS))
    settings = {
        "architecture": pipeline.architecture,
        "settings": pipeline.settings,
        "normalises": pipeline.normalises,
    }
    return encoder, {
        "library": "torchaudio",
        "name": fetched.name,
        "revision": fetched.revision,
        "licence": fetched.licence,
        "fingerprint": fingerprint_of(settings, [record["files"][WEIGHTS]]),
        **settings,
    }


def _load_transformers(checkpoint: Checkpoint, name: str) -> tuple[nn.Module, dict[str, Any]]:
    from transformers import AutoConfig, AutoModel

    settings = {key: value for key, value in checkpoint.config.items() if key != "model_type"}
    with quiet_transformers():
        try:
            config = AutoConfig.for_model(checkpoint.architecture, **settings)
            model, report = AutoModel.from_pretrained(
                checkpoint.folder,
                config=config,
                dtype=torch.float32,  # a checkpoint in bfloat16 would be loaded as that
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
        except Exception as error:  # safetensors, torch and transformers share no class of errors
            raise CheckpointError(
                f"{checkpoint.folder} cannot be loaded as {checkpoint.architecture}: its files are "
                f"damaged or do not fit its config.json; fetch it again."
            ) from error
    missing = [key for key in report["missing_keys"] if not key.startswith(NOT_NEEDED)]
    if missing:
        raise CheckpointError(
            f"{checkpoint.folder} lacks {len(missing)} weights of {checkpoint.architecture}, "
            f"{sorted(missing)[0]!r} among them; choose a checkpoint with the whole encoder."
        )
    encoder = encoder_from(model, checkpoint.preprocessor)
    return encoder, {
        "library": "transformers",
        # A folder by its last name: bundles carry this, and whose home it lies in is nobody's.
        "name": checkpoint.record.get("name") or Path(name).resolve().name,
        "revision": checkpoint.record.get("revision", ""),
        "licence": checkpoint.licence,
        "fingerprint": checkpoint.fingerprint(),
        "config": checkpoint.config,
        "preprocessor": checkpoint.preprocessor,
    }


def _build_transformers(config: dict[str, Any], preprocessor: dict[str, Any]) -> nn.Module:
    from transformers import AutoConfig, AutoModel

    check_architecture(config, "This backbone")  # it may come in a bundle of a stranger
    settings = {k: v for k, v in without_code(config).items() if k != "model_type"}
    with quiet_transformers():
        built = AutoConfig.for_model(config["model_type"], **settings)
        model = AutoModel.from_config(  # type: ignore[no-untyped-call]
            built, dtype=torch.float32, trust_remote_code=False
        )
    return encoder_from(model, preprocessor)
