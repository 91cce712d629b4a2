"""Tests of clser_engine.training.run_folder and clser_engine.training.checkpoint."""

import json
import os
import platform
import subprocess
import sys

import psutil
import pytest
import torch
from safetensors.torch import save_file

from clser_engine.config.sections import TrainingSettings
from clser_engine.errors import ConfigError, TrainingError
from clser_engine.methods.registry import Run, load_run
from clser_engine.methods.supervised import SupervisedRun
from clser_engine.training.checkpoint import (
    Progress,
    list_checkpoints,
    load_progress,
    load_tensors,
    save_checkpoint,
)
from clser_engine.training.run_folder import RunFolder


def supervised(**training):
    return Run(
        method="supervised",
        settings=SupervisedRun(name="toy", training=TrainingSettings(**training)),
    )


def begin(folder, run=None, *, steps=0):
    """Make the folder of a run that was stopped behind some steps."""
    with RunFolder(folder, run or supervised(), resume=False):
        if steps:
            save(folder, steps)


def save(folder, step):
    tensors = {"w": torch.tensor([float(step)])}
    return save_checkpoint(
        folder, Progress(step=step, best={"uar": 1.0}, scaler={}), tensors, tensors, tensors
    )


def test_the_effective_configuration_is_kept_and_read_back(tmp_path):
    begin(tmp_path / "run", supervised(steps=7))

    assert load_run(tmp_path / "run") == supervised(steps=7)
    assert not (tmp_path / "run" / "running.json").exists()


def test_a_finished_run_is_never_written_again(tmp_path):
    with RunFolder(tmp_path / "run", supervised(), resume=False) as place:
        place.finish({"steps": 1})

    for resume in (False, True):
        with pytest.raises(TrainingError) as raised:
            RunFolder(tmp_path / "run", supervised(), resume=resume)
        assert str(raised.value) == (
            f"{tmp_path / 'run'} holds a finished run and is left as it is; choose another folder."
        )


def test_a_stopped_run_is_not_begun_anew(tmp_path):
    begin(tmp_path / "run", steps=3)

    with pytest.raises(TrainingError) as raised:
        RunFolder(tmp_path / "run", supervised(), resume=False)

    assert str(raised.value) == (
        f"{tmp_path / 'run'} holds a run that was stopped; go on with `clser train "
        f"{tmp_path / 'run'} --resume`, or choose another folder."
    )
    with RunFolder(tmp_path / "run", supervised(), resume=True):
        pass


def test_a_run_that_failed_before_it_learned_anything_may_begin_anew(tmp_path):
    begin(tmp_path / "run")

    begin(tmp_path / "run", supervised(steps=9))

    assert load_run(tmp_path / "run").settings.training.steps == 9


def test_other_settings_are_named_when_a_run_goes_on(tmp_path):
    begin(tmp_path / "run", steps=3)

    with pytest.raises(ConfigError) as raised:
        RunFolder(tmp_path / "run", supervised(batch_size=3), resume=True)

    assert str(raised.value) == (
        f"{tmp_path / 'run'} was begun with another training.batch_size; resume it with the "
        "settings that it has, or choose another folder."
    )


def test_what_is_no_run_is_not_resumed_nor_written_into(tmp_path):
    with pytest.raises(TrainingError, match=r"none holds no run that could be resumed\.$"):
        RunFolder(tmp_path / "none", supervised(), resume=True)

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("words")
    with pytest.raises(TrainingError, match=r"holds other files and no run; choose an empty or"):
        RunFolder(tmp_path / "mine", supervised(), resume=False)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def write_lock(folder, process, *, host=None):
    started = process.create_time()
    facts = {"host": host or platform.node(), "process": process.pid, "started": started}
    (folder / "running.json").write_text(json.dumps(facts))


def test_a_second_writer_is_refused_while_the_first_lives(tmp_path):
    begin(tmp_path / "run", steps=3)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        write_lock(tmp_path / "run", psutil.Process(other.pid))

        with pytest.raises(TrainingError) as raised:
            RunFolder(tmp_path / "run", supervised(), resume=True)

        assert str(raised.value) == (
            f"{tmp_path / 'run'} is being written by process {other.pid}; wait for it or choose "
            "another folder."
        )
        other.kill()
    with RunFolder(tmp_path / "run", supervised(), resume=True):
        facts = json.loads((tmp_path / "run" / "running.json").read_text())
        assert facts["process"] == os.getpid()


def test_a_writer_on_another_computer_is_named(tmp_path):
    begin(tmp_path / "run", steps=3)
    write_lock(tmp_path / "run", psutil.Process(), host="bigbox")

    with pytest.raises(TrainingError, match=r"is being written on the computer bigbox; wait for"):
        RunFolder(tmp_path / "run", supervised(), resume=True)


def test_another_backbone_is_noticed_when_a_run_goes_on(tmp_path):
    folder = tmp_path / "run"
    with RunFolder(folder, supervised(), resume=False) as place:
        place.write_facts({"data_hashes": {"a": "1"}, "backbone": {"fingerprint": "x"}})
        save(folder, 3)

    with RunFolder(folder, supervised(), resume=True) as place:
        place.write_facts({"data_hashes": {"a": "1"}, "backbone": {"fingerprint": "x"}})
        with pytest.raises(TrainingError) as raised:
            place.write_facts({"data_hashes": {"a": "1"}, "backbone": {"fingerprint": "y"}})

    assert str(raised.value) == (
        f"{folder} was begun with other weights of the backbone; bring that back or begin anew in "
        "another folder."
    )
    assert json.loads((folder / "run.json").read_text())["program"]


def test_the_newest_two_checkpoints_are_kept(tmp_path):
    for step in (2, 4, 10):
        save(tmp_path, step)

    kept = list_checkpoints(tmp_path)
    assert [path.name for path in kept] == ["step-00000004", "step-00000010"]
    assert load_progress(kept[-1]) == Progress(step=10, best={"uar": 1.0}, scaler={})
    assert load_tensors(kept[-1] / "weights.safetensors")["w"].tolist() == [10.0]


def test_a_half_written_checkpoint_is_no_checkpoint(tmp_path):
    save(tmp_path, 2)
    partial = tmp_path / "checkpoints" / "step-00000004.partial"
    partial.mkdir()
    save_file({"w": torch.zeros(1)}, partial / "weights.safetensors")

    assert [path.name for path in list_checkpoints(tmp_path)] == ["step-00000002"]
    assert save(tmp_path, 4).is_dir()


@pytest.mark.parametrize("name", ["state.json", "weights.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{", b'{"version": 1, "steps": 3}', b"\x80\x04pickle"])
def test_a_damaged_checkpoint_is_named_with_the_way_out(tmp_path, name, content):
    folder = save(tmp_path, 2)
    (folder / name).write_bytes(content)

    load = load_progress if name == "state.json" else lambda f: load_tensors(f / name)
    with pytest.raises(TrainingError) as raised:
        load(folder)

    assert str(raised.value) == (
        f"{folder} is damaged; delete it, and the run goes on from the checkpoint before."
    )
