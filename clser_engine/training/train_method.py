"""The whole way of a trained method: run folder, loop, heads, bundle."""

import json
import logging
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from clser_engine.backbones.lora import merge_adapters
from clser_engine.methods.method import Embedded, Method
from clser_engine.methods.registry import Run, load_method
from clser_engine.runtime import RunContext
from clser_engine.training.encoder_bundle import write_encoder_bundle
from clser_engine.training.fit_project_head import fit_project_head
from clser_engine.training.loop import Loop
from clser_engine.training.processes import AcceleratedProcesses, start_processes
from clser_engine.training.run_folder import RUN, RunFolder

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
                result |= _write_model(method, run, place, train, validation)
                place.finish(result)
            processes.accelerator.wait_for_everyone()
            return result


def _write_model(
    method: Method, run: Run, place: RunFolder, train: Embedded, validation: Embedded
) -> dict[str, Any]:
    """Fit the last head, calibrate, merge adapters and write the bundle."""
    model = method.model.cpu().eval()
    figures = {name: round(v, 4) for name, v in fit_project_head(model, train, validation).items()}
    merge_adapters(model.backbone)
    facts = json.loads((place.folder / RUN).read_text(encoding="utf-8"))
    metrics = {"protocol": "held-out speakers of the training corpora; percent", **figures}
    utterances = [*train.utterances, *validation.utterances]
    write_encoder_bundle(model, run, utterances, metrics, facts, place.bundle)
    logger.info("Wrote %s", place.bundle)
    return {"model": str(place.bundle), **figures}


def _device_words(processes: AcceleratedProcesses) -> str:
    if processes.device.type == "cuda":
        return torch.cuda.get_device_name(processes.device)
    return str(processes.device)
