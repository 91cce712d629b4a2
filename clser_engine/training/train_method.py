"""The whole way of a trained method: run folder, loop, heads, bundle."""

import json
import logging
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from clser_engine.backbones.lora import merge_adapters
from clser_engine.methods.kept_frames import whole_samples
from clser_engine.methods.method import Embedded, Method
from clser_engine.methods.registry import Run, load_method
from clser_engine.models.encoder_classifier import EncoderClassifier
from clser_engine.runtime import RunContext
from clser_engine.training.embedding_groups import fit_embedding_groups
from clser_engine.training.encoder_bundle import write_encoder_bundle
from clser_engine.training.familiarity import fit_familiarity, make_examples
from clser_engine.training.fit_project_head import fit_project_head, held_out_figures
from clser_engine.training.loop import Loop
from clser_engine.training.processes import AcceleratedProcesses, start_processes
from clser_engine.training.run_folder import RUN, RunFolder
from clser_engine.types import FloatArray

logger = logging.getLogger(__name__)


def train_method(
    run: Run,
    folder: Path,
    context: RunContext,
    *,
    resume: bool = False,
    device: str = "auto",
) -> dict[str, Any]:
    """Train a method and write its model; started once on each of several processes.

    Args:
        run: What to train; any method but `compact`.
        folder: The run folder; new, or one whose run was stopped.
        context: Progress; when it is cancelled, the run is saved and can be resumed.
        resume: Go on with a run that was stopped.
        device: `auto`, `cpu` or `cuda`.

    Returns:
        `model`, the folder of the bundle, and the figures on held-out speakers of the sources.

    Raises:
        EngineError: If something is wrong that a person can set right.
        Cancelled: If it was cancelled.
    """
    settings = run.settings
    with start_processes(device, settings.training.precision) as processes:
        is_first = processes.rank == 0
        with RunFolder(folder, run, resume=resume) if is_first else nullcontext() as place:
            torch.manual_seed(settings.seed)
            method: Method = load_method(run.method).build(settings, processes, context)
            if place is not None:
                place.write_facts(
                    {
                        "device": _device_words(processes),
                        "processes": processes.count,
                        "precision": str(processes.accelerator.mixed_precision),
                        "seed": settings.seed,
                        "data_hashes": method.data_hashes,
                        **method.notes,
                    }
                )
            progress = Loop(method, settings, folder, processes, context, resume=resume).train()
            result = {
                "steps": progress.step,
                "best_step": progress.best_step,
                **{f"validation_{name}": round(v, 4) for name, v in progress.best.items()},
            }
            with torch.no_grad():
                train, validation = (
                    method.embed("train", processes),
                    method.embed("validation", processes),
                )
            if place is not None:
                result |= _write_model(method, run, place, train, validation, context)
                place.finish(result)
            processes.accelerator.wait_for_everyone()
            return result


def _write_model(
    method: Method,
    run: Run,
    place: RunFolder,
    train: Embedded,
    validation: Embedded,
    context: RunContext,
) -> dict[str, Any]:
    """Fit what an embedding that has settled allows, merge adapters and write the bundle."""
    settings, model = run.settings, method.model.eval()
    utterances = [*train.utterances, *validation.utterances]
    examples = make_examples(
        partial(embed_samples, model),
        utterances,
        np.concatenate([train.embeddings, validation.embeddings]),
        settings.data.sounds,
        settings.seed,
        context,
    )
    familiarity, kept = fit_familiarity(examples)
    model = model.cpu()
    fit_project_head(model, train, validation)
    groups, of_groups = fit_embedding_groups(model.heads, train, validation, settings.seed)
    figures = held_out_figures(model, validation)
    merge_adapters(model.backbone)
    facts = json.loads((place.folder / RUN).read_text(encoding="utf-8"))
    report = {name: round(v, 4) for name, v in (figures | of_groups | kept).items()}
    metrics = {"protocol": "held-out speakers of the training corpora; percent", **report}
    write_encoder_bundle(
        model, run, utterances, metrics, facts, place.bundle, groups=groups, familiarity=familiarity
    )
    logger.info("Wrote %s", place.bundle)
    return {"model": str(place.bundle), **{name: report[name] for name in figures}}


@torch.inference_mode()
def embed_samples(model: EncoderClassifier, samples: FloatArray) -> FloatArray:
    """Return the embedding (D,) of samples (N,), of their beginning where they are long."""
    heard = torch.from_numpy(samples[: whole_samples(model.backbone)])
    length = torch.tensor([len(heard)])
    waveform = F.pad(heard, (0, max(0, model.least_samples - len(heard))))
    device = model.frame_temperature.device
    encoded = model.backbone(waveform[None].to(device), length.to(device))
    found: FloatArray = model.score(encoded).embedding[0].cpu().numpy()
    return found


def _device_words(processes: AcceleratedProcesses) -> str:
    if processes.device.type == "cuda":
        return torch.cuda.get_device_name(processes.device)
    return str(processes.device)
