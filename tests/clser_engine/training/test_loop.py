"""Tests of clser_engine.training.loop with a small method that has no audio."""

import errno
import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from clser_engine.config.sections import OptimiserSettings, ScheduleSettings, TrainingSettings
from clser_engine.errors import Cancelled, DeviceError, TrainingError
from clser_engine.runtime import RunContext
from clser_engine.training import checkpoint as checkpoint_module
from clser_engine.training import loop as loop_module
from clser_engine.training.checkpoint import list_checkpoints
from clser_engine.training.events import read_events
from clser_engine.training.loop import Loop
from clser_engine.training.processes import start_processes
from tests.clser_engine.training.toy_method import ToyMethod, ToyRun

STEPS = 14  # batches of 8 of 24 recordings: four epochs and two batches


def toy_run(*, broken_step=-2, noise=0.5, **training):
    values = {"steps": STEPS, "batch_size": 8, "validate_every": 4, "checkpoint_every": 4}
    return ToyRun(
        training=TrainingSettings(**values | {"average_decay": 0.9, "patience": 0} | training),
        optimiser=OptimiserSettings(head=0.05, encoder=0.02),
        schedule=ScheduleSettings(warmup_steps=3),
        broken_step=broken_step,
        noise=noise,
    )


def train(run, folder, *, resume=False, context=None):
    folder.mkdir(exist_ok=True)
    method = ToyMethod(run)
    with start_processes("cpu", "no") as processes:
        loop = Loop(method, run, folder, processes, context or RunContext(), resume=resume)
        progress = loop.train()
    return method, progress


def losses(folder):
    return [
        (event["step"], event["losses"] if event["event"] == "step" else event["nll"])
        for event in read_events(folder)
    ]


def cancel_at(step):
    """Return a context that is cancelled when it is told of that step."""
    context = RunContext(lambda stage, done, total: context.cancel() if done == step else None)
    return context


@pytest.mark.parametrize("step", [3, 4, 5, 6, 7], ids=lambda step: f"behind_step_{step}")
def test_a_stopped_run_goes_on_as_if_it_had_not(tmp_path, step):
    """Step 6 is the end of an epoch; 5 and 7 are in the middle of one."""
    unbroken, _ = train(toy_run(), tmp_path / "unbroken")

    with pytest.raises(Cancelled):
        train(toy_run(), tmp_path / "stopped", context=cancel_at(step))
    assert list_checkpoints(tmp_path / "stopped")[-1].name == f"step-{step + 1:08d}"
    resumed, _ = train(toy_run(), tmp_path / "stopped", resume=True)

    assert losses(tmp_path / "stopped") == losses(tmp_path / "unbroken")
    for name, tensor in unbroken.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name])


def test_an_epoch_is_refreshed_once_also_across_a_stop(tmp_path):
    with pytest.raises(Cancelled):
        train(toy_run(), tmp_path / "run", context=cancel_at(4))

    resumed, _ = train(toy_run(), tmp_path / "run", resume=True)

    assert resumed.epochs == [2, 3, 4]


def test_loss_falls_and_the_best_average_is_in_the_network_at_the_end(tmp_path):
    method, progress = train(toy_run(steps=60, noise=0.1), tmp_path / "run")

    events = [event for event in read_events(tmp_path / "run") if event["event"] == "step"]
    assert events[-1]["losses"]["loss"] < 0.7 * events[0]["losses"]["loss"]
    assert progress.best["uar"] > 90
    found = method.embed("validation", None)
    nll = torch.nn.functional.cross_entropy(
        torch.from_numpy(found.logits), torch.from_numpy(found.emotions)
    )
    assert float(nll) == pytest.approx(progress.best["nll"])


def random_numbers_of(monkeypatch, folder, seed):
    """Return what each generator gives in each step."""
    drawn = []

    def draw(self, step, num_steps):
        drawn.append((random.random(), np.random.rand(), float(torch.rand(1))))

    monkeypatch.setattr(ToyMethod, "before_step", draw)
    train(replace(toy_run(), seed=seed), folder)
    return drawn


def test_random_numbers_are_new_in_each_step_and_those_of_the_seed(tmp_path, monkeypatch):
    one, again, other = (
        random_numbers_of(monkeypatch, tmp_path / name, seed)
        for name, seed in (("one", 3), ("again", 3), ("other", 4))
    )

    assert len(one) == STEPS
    for numbers in zip(*one, strict=True):
        assert len(set(numbers)) == STEPS
    assert one == again
    assert not {*one} & {*other}


@pytest.mark.parametrize("accumulation", [2, 3, 8])
def test_accumulation_changes_nothing_but_the_parts(tmp_path, accumulation):
    whole, _ = train(toy_run(noise=0), tmp_path / "whole")
    cut, _ = train(toy_run(noise=0, accumulation=accumulation), tmp_path / "cut")

    assert {len(part.indices) for part in whole.source.loaded} == {8}
    assert {len(part.indices) for part in cut.source.loaded} <= {1, 2, 3, 4}
    for (_, one), (_, other) in zip(
        losses(tmp_path / "whole"), losses(tmp_path / "cut"), strict=True
    ):
        assert one == pytest.approx(other, abs=1e-6)


def test_the_gradient_is_that_of_the_mean_over_the_batch(tmp_path):
    """One step of plain AdamW by hand, norms and biases without decay, the gradient clipped."""
    run = toy_run(noise=0, steps=1, accumulation=3, average_decay=0.0)
    expected = ToyMethod(run)
    method, _ = train(run, tmp_path / "run")

    network = expected.network
    network.shift.copy_(method.network.shift)
    batch = expected.source.load(expected.source.parts(0, 0, 1)[0])
    network(batch)["loss"].backward()
    named = dict(network.named_parameters())
    used = [p for p in named.values() if p.grad is not None]
    torch.nn.utils.clip_grad_norm_(used, 1.0)
    for name, parameter in named.items():
        rate = (0.02 if name.startswith("encoder") else 0.05) / 3  # first of three warm-up steps
        if parameter.grad is None:
            wanted = parameter
        else:
            decay = 0.01 if parameter.ndim > 1 else 0.0
            moment = parameter.grad / (parameter.grad.abs() + 1e-8)
            wanted = parameter * (1 - rate * decay) - rate * moment
        torch.testing.assert_close(method.network.state_dict()[name], wanted.detach())


def test_training_stops_when_validation_gets_no_better(tmp_path):
    run = toy_run(steps=200, validate_every=1, patience=3, noise=0)
    _, progress = train(run, tmp_path / "run")

    events = read_events(tmp_path / "run")
    last = [event for event in events if event["event"] == "validation"][-1]
    assert progress.step < 200
    assert progress.step == progress.best_step + 3
    assert last["stops_early"] is True


def test_what_was_worse_before_a_better_validation_no_longer_counts(tmp_path, monkeypatch):
    losses = iter([5.0, 6.0, 4.0, 6.0, 6.0, 3.0, 6.0, 6.0, 6.0, 1.0])
    monkeypatch.setattr(
        loop_module, "validation_figures", lambda found: {"uar": 50.0, "nll": next(losses)}
    )

    _, progress = train(toy_run(steps=200, validate_every=1, patience=3), tmp_path / "run")

    assert (progress.best_step, progress.step) == (6, 9)


def test_a_loss_that_is_no_number_names_step_and_files(tmp_path):
    with pytest.raises(TrainingError) as raised:
        train(toy_run(broken_step=5), tmp_path / "run")

    text = str(raised.value)
    assert text.startswith("The loss of step 6 is no number, on a batch with ")
    assert ".wav and 4 more; listen to these, lower the learning rates" in text
    assert list_checkpoints(tmp_path / "run")[-1].name == "step-00000004"


def test_a_batch_must_be_large_enough_for_its_parts(tmp_path):
    method, run = ToyMethod(toy_run()), toy_run(batch_size=8, accumulation=8)
    with start_processes("cpu", "no") as processes:
        processes.count = 2
        with pytest.raises(TrainingError) as raised:
            Loop(method, run, tmp_path, processes, RunContext(), resume=False)

    assert str(raised.value) == (
        "A batch of 8 cannot be shared by 2 processes in 8 parts each; raise training.batch_size "
        "to 16 or more."
    )


def test_too_little_memory_names_the_setting_that_helps(tmp_path, monkeypatch):
    def forward(self, batch):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("tests.clser_engine.training.toy_method.ToyNetwork.forward", forward)
    with pytest.raises(DeviceError) as raised:
        train(toy_run(accumulation=2), tmp_path / "run")

    assert str(raised.value) == (
        "4 recordings of up to 8 s do not fit into the memory of cpu; set training.accumulation "
        "to 4, which gives the same model, or lower data.longest_s."
    )


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    write = checkpoint_module.write_tensors
    written = []

    def write_until_full(path, tensors, **facts):
        if len(written) >= 4 and path.name == "optimiser.safetensors":
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        write(path, tensors, **facts)

    monkeypatch.setattr(checkpoint_module, "write_tensors", write_until_full)
    with pytest.raises(TrainingError) as raised:
        train(toy_run(), tmp_path / "run")

    assert str(raised.value) == (
        f"The checkpoint of step 8 cannot be written to {tmp_path / 'run'} (No space left on "
        f"device); free some space and go on with `clser train {tmp_path / 'run'} --resume`."
    )
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-00000004"]
    monkeypatch.undo()
    train(toy_run(), tmp_path / "run", resume=True)
    train(toy_run(), tmp_path / "unbroken")
    assert losses(tmp_path / "run") == losses(tmp_path / "unbroken")


def test_events_tell_rates_padding_and_speed(tmp_path):
    train(toy_run(), tmp_path / "run")

    first = read_events(tmp_path / "run")[0]
    assert first["learning_rates"] == pytest.approx({"head": 0.05 / 3, "encoder": 0.02 / 3})
    assert first["padding_share"] == pytest.approx(1 / 3, abs=1e-4)
    assert first["audio_s"] == 16.0
    assert first["audio_s_per_s"] > 0
    assert first["gradient_norm"] > 0


def test_a_checkpoint_of_another_network_is_refused(tmp_path, monkeypatch):
    with pytest.raises(Cancelled):
        train(toy_run(), tmp_path / "run", context=cancel_at(4))
    monkeypatch.setattr("tests.clser_engine.training.toy_method.NUM_INPUTS", 5)

    with pytest.raises(TrainingError, match=r"is of another network than this run makes; begin"):
        train(toy_run(), tmp_path / "run", resume=True)


def test_a_run_is_the_same_for_the_same_seed_alone(tmp_path):
    train(toy_run(), tmp_path / "one")
    torch.manual_seed(99)
    train(toy_run(), tmp_path / "two")

    assert losses(tmp_path / "one") == losses(tmp_path / "two")
