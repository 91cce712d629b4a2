"""Writing of a trained compact model as a bundle: weights, graphs, card."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file as save_numpy
from safetensors.torch import save_file

from clser_engine.audio.features import PACKED, SAMPLE_RATE_HZ
from clser_engine.bundle import SUFFIX, write_card
from clser_engine.config.model_config import RunConfig
from clser_engine.data.manifest import Utterance
from clser_engine.errors import BadValueError
from clser_engine.export.onnx_graph import (
    describe_graphs,
    export_heads,
    export_model,
    export_summary,
)
from clser_engine.inference import familiarity as familiarity_file
from clser_engine.inference import group_model
from clser_engine.inference.familiarity import Familiarity
from clser_engine.inference.group_model import GroupModel
from clser_engine.inference.outputs import SUMMARY_GRAPH
from clser_engine.models.compact import CompactModel
from clser_engine.models.frame_branch import CONTEXT_STEPS, LOOK_AHEAD_STEPS, STEP_RATE_HZ
from clser_engine.training.smoothing import COMPACT, calibrated

NOTICE = "NOTICE.txt"


def write_bundle(
    model: CompactModel,
    config: RunConfig,
    utterances: Sequence[Utterance],
    metrics: dict[str, Any],
    folder: Path,
    *,
    groups: GroupModel,
    familiarity: Familiarity,
) -> None:
    """Write a bundle whole or not at all; an older one of that name is replaced.

    Args:
        model: Trained and calibrated.
        config: What made it.
        utterances: What it was trained on.
        metrics: Figures with their protocol, for the card.
        folder: Ends in `.clser-model`.
        groups: What it learnt about projects and speakers.
        familiarity: What it knows of its training data.

    Raises:
        BadValueError: If the folder's name does not end so.
        ExportError: If a graph does not give the numbers of the model.
    """
    if folder.suffix != SUFFIX:
        raise BadValueError(f"Bad folder: got {folder.name!r}, expected a name ending in {SUFFIX}.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".bundle-") as scratch:
        new = Path(scratch) / folder.name
        new.mkdir()
        state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
        save_file(state, new / "weights.safetensors")
        save_knowledge(new, groups, familiarity)
        parity = max(
            export_model(model, new / "model.onnx"),
            export_summary(model, new / SUMMARY_GRAPH),
            export_heads(model, new / "head.onnx"),
        )
        write_card(new, _card(model, config, utterances, metrics, parity))
        (new / NOTICE).write_text(notice(config, utterances), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        new.rename(folder)


def save_knowledge(folder: Path, groups: GroupModel, familiarity: Familiarity) -> None:
    """Write what a model knows of groups and of its training data into its bundle."""
    save_numpy(group_model.to_tensors(groups), folder / group_model.FILE)
    save_numpy(familiarity_file.to_tensors(familiarity), folder / familiarity_file.FILE)


def data_facts(utterances: Sequence[Utterance]) -> dict[str, Any]:
    """Return what a card says about the recordings that a model was made with."""
    corpora = sorted({utterance.corpus for utterance in utterances})
    return {
        "corpora": corpora,
        "languages": sorted({utterance.language for utterance in utterances}),
        "corpus_licences": {
            corpus: sorted(
                {u.extra.get("licence") or "unknown" for u in utterances if u.corpus == corpus}
            )
            for corpus in corpora
        },
        "training_clips": len(utterances),
    }


def notice(config: RunConfig, utterances: Sequence[Utterance]) -> str:
    """Return what a person must know before passing the weights on."""
    first = (
        f"The weights of the model {config.name!r} are licensed {config.licence}, which is not the "
        "licence of the program. "
        "They were trained on these recordings, none of which is contained in them:"
    )
    lines = [first]
    for corpus in sorted({utterance.corpus for utterance in utterances}):
        licences = {u.extra.get("licence") or "unknown" for u in utterances if u.corpus == corpus}
        lines.append(f"- {corpus}: {'; '.join(sorted(licences))}")
    return "\n".join(lines) + "\n"


def _card(
    model: CompactModel,
    config: RunConfig,
    utterances: Sequence[Utterance],
    metrics: dict[str, Any],
    parity: float,
) -> dict[str, Any]:
    classes, size = list(model.classes), model.num_functionals
    facts = data_facts(utterances)
    return {
        "name": config.name,
        "method": "compact",
        "summary": (
            f"Compact model for {', '.join(classes)}; trained from scratch on "
            f"{', '.join(facts['corpora'])}."
        ),
        "classes": classes,
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "frame_rate_hz": STEP_RATE_HZ,
        "look_ahead_ms": 1000 * LOOK_AHEAD_STEPS / STEP_RATE_HZ,
        "receptive_field_ms": 1000 * CONTEXT_STEPS / STEP_RATE_HZ,
        **calibrated(COMPACT, float(model.frames.head.temperature)).to_card(),
        "num_functionals": size,
        "functionals": list(model.functionals.names),
        **facts,
        "licence": config.licence,
        "metrics": {**metrics, "onnx_max_difference": parity},
        "architecture": {},
        "graphs": describe_graphs(len(classes), size, PACKED),
        "training": {
            "config": asdict(config),
            "versions": {name: version(name) for name in ("torch", "numpy", "onnxruntime-gpu")},
        },
    }
