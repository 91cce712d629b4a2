"""The training loop of every method, on one device or several.

A batch is the same whatever it is computed on: the loop cuts it into parts, one after another on
each device, and adds up their gradients with the share of the batch that each part is. So neither
the number of devices nor `accumulation` changes an update, beyond the order of a sum and the random
numbers of dropout.

Gradients are summed by the loop and not by a wrapper around the network, so a method may call its
modules in any order, use some of them in some steps only, and leave parameters without a gradient.
"""

import math
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from clser_engine.errors import Cancelled, DeviceError, TrainingError
from clser_engine.methods.method import LOSS, Method, Part, RunSettings
from clser_engine.runtime import RunContext
from clser_engine.training.average import WeightAverage, load_trained, trained_tensors
from clser_engine.training.checkpoint import (
    AVERAGE,
    OPTIMISER,
    WEIGHTS,
    Progress,
    list_checkpoints,
    load_optimiser,
    load_progress,
    load_tensors,
    optimiser_tensors,
    save_checkpoint,
    write_tensors,
)
from clser_engine.training.events import EventLog
from clser_engine.training.processes import AcceleratedProcesses
from clser_engine.training.run_folder import BEST
from clser_engine.training.schedule import learning_rate_share
from clser_engine.training.validation import is_better, validation_figures

NAMED_FILES = 4  # of a batch, in an error


class Loop:
    """Trains one method.

    Args:
        method: What is trained.
        run: Its configuration.
        folder: The run folder; the first process alone writes.
        processes: Those of the run.
        context: Progress and cancellation; cancelled work is saved first.
        resume: Go on from the newest checkpoint in the folder, if there is one.
    """

    def __init__(
        self,
        method: Method,
        run: RunSettings,
        folder: Path,
        processes: AcceleratedProcesses,
        context: RunContext,
        *,
        resume: bool,
    ) -> None:
        self._method = method
        self._run = run
        self._folder = folder
        self._processes = processes
        self._accelerator = processes.accelerator
        self._context = context
        self._num_parts = processes.count * run.training.accumulation
        if run.training.batch_size < self._num_parts:
            raise TrainingError(
                f"A batch of {run.training.batch_size} cannot be shared by {processes.count} "
                f"processes in {run.training.accumulation} parts each; raise training.batch_size "
                f"to {self._num_parts} or more."
            )
        self._network = method.network.to(processes.device)
        self._groups = method.parameter_groups()
        self._names = {p: n for group in self._groups for n, p in group.parameters.items()}
        self._plain_optimiser = self._build_optimiser()
        self._optimiser = self._accelerator.prepare_optimizer(self._plain_optimiser)
        self._average = WeightAverage(self._network, run.training.average_decay)
        self.progress = Progress(best={}, scaler={})
        checkpoints = list_checkpoints(folder) if resume else []
        if checkpoints:
            self._load(checkpoints[-1])
        self._saved_step = self.progress.step if checkpoints else -1
        self._events = EventLog(folder, self.progress.step) if processes.rank == 0 else None

    def train(self) -> Progress:
        """Train to the end and put the best weights into the network.

        Raises:
            TrainingError: If the loss is no number any more, or a checkpoint cannot be written.
            DeviceError: If the memory of the device is too small.
            Cancelled: If somebody asked to stop; a checkpoint has been written.
        """
        try:
            while not self.progress.is_done:
                with self._memory_explained():
                    self._step()
        finally:
            if self._events is not None:
                self._events.close()
        self._load_best()
        return self.progress

    def _step(self) -> None:
        """Make one update and all that is due behind it."""
        settings, progress = self._run.training, self.progress
        epoch, number = divmod(progress.step, self._method.source.batches_per_epoch)
        if number == 0:
            self._seed(2 * progress.step)
            self._method.before_epoch(epoch, self._processes)
        self._seed(2 * progress.step + 1)
        self._method.before_step(progress.step, settings.steps)
        began = time.perf_counter()
        facts = self._update(epoch, number)
        seconds = time.perf_counter() - began
        self._average.update(progress.step)
        progress.step += 1
        facts |= {"epoch": epoch, "audio_s_per_s": round(facts["audio_s"] / seconds, 2)}
        if self._events is not None:
            self._events.write("step", progress.step, seconds=round(seconds, 4), **facts)
        is_last = progress.step >= settings.steps
        if progress.step % settings.validate_every == 0 or is_last:
            self._validate()
        progress.is_done = progress.is_done or is_last
        must_stop = self._someone_cancelled()
        if progress.step % settings.checkpoint_every == 0 or progress.is_done or must_stop:
            self._save()
        if must_stop and not progress.is_done:
            raise Cancelled
        stage = f"step {progress.step} · loss {facts['losses'][LOSS]:.3f}"
        if progress.best:
            stage += f" · best UAR {progress.best['uar']:.1f} at {progress.best_step}"
        self._context_report(stage)

    def _update(self, epoch: int, number: int) -> dict[str, Any]:
        """Compute losses and gradients of a batch and apply them; return what is reported."""
        device = self._processes.device
        self._network.train()
        parts = self._method.source.parts(epoch, number, self._num_parts)
        total = sum(len(part.indices) for part in parts)
        own = range(self._processes.rank, self._num_parts, self._processes.count)
        waited = 0.0
        losses: dict[int, dict[str, Tensor]] = {}
        self._optimiser.zero_grad()
        began = time.perf_counter()
        for place in own:
            loading = time.perf_counter()
            batch = self._method.source.load(parts[place])
            if device.type == "cuda":
                batch = {name: values.pin_memory() for name, values in batch.items()}
            batch = {name: v.to(device, non_blocking=True) for name, v in batch.items()}
            waited += time.perf_counter() - loading
            with self._accelerator.autocast():
                losses[place] = self._network(batch)
            share = len(parts[place].indices) / total
            self._accelerator.backward(losses[place][LOSS].float() * share)
        means = self._mean_losses(parts, losses)
        rates = self._set_learning_rates()
        self._sum_gradients()
        norm = self._accelerator.clip_grad_norm_(list(self._names), self._run.optimiser.clip_norm)
        norm_value = float(norm)
        if not math.isfinite(norm_value) and self._accelerator.scaler is None:
            raise self._not_a_number("The gradient", parts)
        self._optimiser.step()
        audio_s, padded_s = (
            sum(values) for values in zip(*(map(self._method.source.seconds, parts)), strict=True)
        )
        return {
            "losses": means,
            "learning_rates": rates,
            "gradient_norm": norm_value if math.isfinite(norm_value) else -1.0,
            "audio_s": round(audio_s, 3),
            "padding_share": round(1 - audio_s / padded_s, 4),
            "wait_share": round(waited / max(time.perf_counter() - began, 1e-9), 4),
        }

    def _mean_losses(
        self, parts: list[Part], losses: dict[int, dict[str, Tensor]]
    ) -> dict[str, float]:
        """Return the losses of the whole batch; every process gets the same."""
        names = list(next(iter(losses.values())))
        table = torch.zeros(len(parts), len(names), device=self._processes.device)
        for place, values in losses.items():
            table[place] = torch.stack([values[name].detach().float() for name in names])
        found = self._processes.sum(table).double().cpu()
        broken = [part for part, row in zip(parts, found, strict=True) if not row.isfinite().all()]
        if broken:
            raise self._not_a_number("The loss", broken)
        sizes = torch.tensor([len(part.indices) for part in parts], dtype=torch.float64)
        means = (found * (sizes / sizes.sum())[:, None]).sum(dim=0)
        return dict(zip(names, means.tolist(), strict=True))

    def _sum_gradients(self) -> None:
        """Add up the gradients of all processes, where a parameter has one in any of them."""
        if self._processes.count == 1:
            return
        parameters = list(self._names)
        has = torch.tensor([p.grad is not None for p in parameters], dtype=torch.float32)
        anywhere = self._processes.sum(has.to(self._processes.device)) > 0
        used = [p for p, is_used in zip(parameters, anywhere.tolist(), strict=True) if is_used]
        flat = torch.cat(
            [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in used]
        )
        summed = torch.split(self._processes.sum(flat), [p.numel() for p in used])
        for parameter, gradient in zip(used, summed, strict=True):
            parameter.grad = gradient.view_as(parameter).clone()

    def _validate(self) -> None:
        """Measure the average of the weights on held-out speakers and keep it if it is the best."""
        progress = self.progress
        self._network.eval()
        with self._average.applied(), self._accelerator.autocast():
            figures = validation_figures(self._method.embed("validation", self._processes))
        if is_better(figures, progress.best):
            progress.best, progress.best_step, progress.num_worse = figures, progress.step, 0
            if self._processes.rank == 0:
                self._write_best()
        else:
            progress.num_worse += 1
        patience = self._run.training.patience
        progress.is_done = 0 < patience <= progress.num_worse
        if self._events is not None:
            self._events.write("validation", progress.step, **figures, stops_early=progress.is_done)

    def _write_best(self) -> None:
        partial = self._folder / f"{BEST}.partial"
        try:
            write_tensors(partial, self._average.tensors)
            partial.replace(self._folder / BEST)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise TrainingError(
                f"The best weights cannot be written to {self._folder} ({error.strerror}); free "
                f"some space and go on with `clser train {self._folder} --resume`."
            ) from error

    def _load_best(self) -> None:
        """Put the weights of the best validation into the network, on every process."""
        self._accelerator.wait_for_everyone()
        load_trained(self._network, load_tensors(self._folder / BEST))
        self._network.eval()

    def _save(self) -> None:
        """Write a checkpoint of this step, once."""
        if self._saved_step != self.progress.step and self._processes.rank == 0:
            scaler = self._accelerator.scaler
            self.progress.scaler = scaler.state_dict() if scaler is not None else {}
            save_checkpoint(
                self._folder,
                self.progress,
                trained_tensors(self._network),
                self._average.tensors,
                optimiser_tensors(self._plain_optimiser, self._names),
            )
        self._saved_step = self.progress.step

    def _load(self, checkpoint: Path) -> None:
        self.progress = load_progress(checkpoint)
        try:
            load_trained(self._network, load_tensors(checkpoint / WEIGHTS))
            for name, tensor in load_tensors(checkpoint / AVERAGE).items():
                self._average.tensors[name].copy_(tensor)
            load_optimiser(self._plain_optimiser, self._names, load_tensors(checkpoint / OPTIMISER))
        except (KeyError, RuntimeError) as error:
            raise TrainingError(
                f"{checkpoint} is of another network than this run makes; begin anew in another "
                "folder."
            ) from error
        if self._accelerator.scaler is not None and self.progress.scaler:
            self._accelerator.scaler.load_state_dict(self.progress.scaler)

    def _build_optimiser(self) -> torch.optim.AdamW:
        """Return AdamW with two groups a kind of parameter: norms and biases do not decay."""
        settings = self._run.optimiser
        groups = []
        for group in self._groups:
            for decays in (True, False):
                members = [p for p in group.parameters.values() if (p.ndim > 1) == decays]
                if members:
                    decay = settings.weight_decay if decays else 0.0
                    groups.append(
                        {"params": members, "lr": group.learning_rate, "weight_decay": decay,
                         "name": group.name, "highest": group.learning_rate}
                    )  # fmt: skip
        first, second = settings.momenta
        return torch.optim.AdamW(groups, betas=(first, second))

    def _set_learning_rates(self) -> dict[str, float]:
        share = learning_rate_share(
            self._run.schedule, self.progress.step, self._run.training.steps
        )
        for group in self._plain_optimiser.param_groups:
            group["lr"] = group["highest"] * share
        return {group.name: group.learning_rate * share for group in self._groups}

    def _seed(self, place: int) -> None:
        """Start all random numbers anew from seed, place in the run and process."""
        entropy = [self._run.seed, place, self._processes.rank]
        seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
        random.seed(seed)
        np.random.seed(seed)  # the legacy generator is the one libraries draw from
        torch.manual_seed(seed)

    def _someone_cancelled(self) -> bool:
        """Whether any process was asked to stop; all must stop at the same step."""
        asked = torch.tensor([float(self._context.cancel_requested)])
        return bool(self._processes.sum(asked.to(self._processes.device)).item() > 0)

    def _context_report(self, stage: str) -> None:
        with suppress(Cancelled):  # that takes effect behind the next step, in all processes
            self._context.report(stage, self.progress.step, self._run.training.steps)

    def _not_a_number(self, what: str, parts: list[Part]) -> TrainingError:
        files = [name for part in parts for name in self._method.source.names(part)]
        more = f" and {len(files) - NAMED_FILES} more" if len(files) > NAMED_FILES else ""
        return TrainingError(
            f"{what} of step {self.progress.step + 1} is no number, on a batch with "
            f"{', '.join(files[:NAMED_FILES])}{more}; listen to these, lower the learning rates "
            "under [optimiser] or set training.precision to 'no'."
        )

    @contextmanager
    def _memory_explained(self) -> Iterator[None]:
        """Say which setting helps where the memory is too small."""
        settings, device = self._run.training, self._processes.device
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            if not _is_about_memory(error):
                raise
            at_once = math.ceil(settings.batch_size / self._num_parts)
            raise DeviceError(
                f"{at_once} recordings of up to {self._run.data.longest_s:g} s do not fit into the "
                f"memory of {device}; set training.accumulation to {2 * settings.accumulation}, "
                "which gives the same model, or lower data.longest_s."
            ) from error


def _is_about_memory(error: Exception) -> bool:
    """Whether memory ran out; on the processor torch raises no class of its own for that."""
    known = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return known or "can't allocate memory" in str(error)
