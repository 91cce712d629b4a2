"""Writing of a trained encoder with its heads as a bundle: weights, graphs, backbone, card."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from clser_engine.bundle import write_card
from clser_engine.data.decoded_audio import SAMPLE_RATE_HZ
from clser_engine.data.manifest import Utterance
from clser_engine.errors import TrainingError
from clser_engine.export.onnx_graph import describe_graphs, export_heads, export_model
from clser_engine.inference.familiarity import Familiarity
from clser_engine.inference.group_model import GroupModel
from clser_engine.methods.registry import Run
from clser_engine.models.encoder_classifier import EncoderClassifier
from clser_engine.training.write_bundle import NOTICE, data_facts, notice, save_knowledge

BACKBONE = "config.json"


def write_encoder_bundle(
    model: EncoderClassifier,
    run: Run,
    utterances: Sequence[Utterance],
    metrics: Mapping[str, Any],
    facts: Mapping[str, Any],
    folder: Path,
    *,
    groups: GroupModel,
    familiarity: Familiarity,
) -> None:
    """Write a bundle whole or not at all.

    Args:
        model: Calibrated, without adapters, on the processor.
        run: What made it.
        utterances: All recordings that it was made with, held-out ones included.
        metrics: Figures on the held-out speakers.
        facts: Hashes and versions, for the card.
        folder: Ends in `.clser-model`.
        groups: What it learnt about projects and speakers.
        familiarity: What it knows of its training data.

    Raises:
        ExportError: If a graph does not give the numbers of the model.
        TrainingError: If it cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".bundle-") as scratch:
            new = Path(scratch) / folder.name
            new.mkdir()
            state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
            save_file(state, new / "weights.safetensors")
            save_knowledge(new, groups, familiarity)
            (new / BACKBONE).write_text(
                json.dumps(model.backbone.description, indent=1, ensure_ascii=False) + "\n",
                encoding="utf-8",
            )
            parity = max(
                export_model(model, new / "model.onnx"), export_heads(model, new / "head.onnx")
            )
            figures = {**metrics, "onnx_max_difference": parity}
            write_card(new, _card(model, run, utterances, figures, facts))
            (new / NOTICE).write_text(_notice(model, run, utterances), encoding="utf-8")
            if folder.exists():
                shutil.rmtree(folder)
            new.rename(folder)
    except OSError as error:
        raise TrainingError(
            f"{folder} cannot be written ({error.strerror}); free some space and go on with "
            f"`clser train {folder.parent} --resume`."
        ) from error


def _notice(model: EncoderClassifier, run: Run, utterances: Sequence[Utterance]) -> str:
    backbone = model.backbone
    return (
        f"{notice(run.settings, utterances)}"
        f"They contain the backbone {backbone.name}, licence: {backbone.licence}.\n"
    )


def _card(
    model: EncoderClassifier,
    run: Run,
    utterances: Sequence[Utterance],
    metrics: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    classes, backbone = list(model.classes), model.backbone
    data = data_facts(utterances)
    context_ms = 1000 * float(backbone.encoder.context_s)
    return {
        "name": run.settings.name,
        "method": run.method,
        "summary": (
            f"{backbone.name} with heads for {', '.join(classes)}; trained with the method "
            f"{run.method} on {', '.join(data['corpora'])}."
        ),
        "classes": classes,
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "frame_rate_hz": model.frame_rate_hz,
        "look_ahead_ms": context_ms,
        "receptive_field_ms": context_ms,
        "window_ms": 1000 * float(backbone.encoder.window_s),
        "least_samples": model.least_samples,
        "num_functionals": model.num_functionals,
        **data,
        "licence": run.settings.licence,
        "backbone": {
            "name": backbone.name,
            "fingerprint": backbone.fingerprint,
            "licence": backbone.licence,
        },
        "metrics": dict(metrics),
        "architecture": dict(model.settings),
        "graphs": describe_graphs(len(classes), model.num_functionals),
        "training": {"config": asdict(run.settings), **facts},
    }
