"""Tests of real processes that train: killed, interrupted and two at once; on tiny checkpoints.

Each process takes seconds to import its libraries, so what no signal reaches is run in this one.
"""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from clser_engine.cli.main import main
from clser_engine.training.events import read_events
from tests.conftest import PROJECT

TIMEOUT_S = 240
TRAIN = ["-m", "clser_engine.cli.main", "train"]


@pytest.fixture
def settings(toy_corpora, tiny_checkpoint, tmp_path):
    """Arguments of a run of twelve steps without dropout, three batches an epoch."""
    backbone = tmp_path / "backbone"
    backbone.mkdir()
    for path in tiny_checkpoint("wav2vec2").iterdir():
        (backbone / path.name).write_bytes(path.read_bytes())
    config = json.loads((backbone / "config.json").read_text())
    config |= {name: 0.0 for name in config if "drop" in name}
    (backbone / "config.json").write_text(json.dumps(config))
    run = tmp_path / "run.toml"
    run.write_text(
        f"""
        method = "supervised"
        name = "toy"
        classes = ["anger", "sadness"]
        [data]
        root = {str(toy_corpora)!r}
        manifests = ["one/manifest.csv", "two/manifest.csv"]
        longest_s = 0.7
        sounds = 14
        [backbone]
        name = {str(backbone)!r}
        tuning = "lora"
        [backbone.lora]
        dropout = 0.0
        [model]
        embedding_size = 8
        dropout = 0.0
        [optimiser]
        head = 1e-2
        lora = 1e-2
        [schedule]
        warmup_steps = 2
        [training]
        steps = 12
        batch_size = 8
        validate_every = 4
        checkpoint_every = 2
        """
    )
    return [str(run)]


def start(arguments, home, launcher=()):
    """Start `clser train` as a process of its own."""
    environment = os.environ | {"CLSER_HOME": str(home), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *launcher, *TRAIN, *arguments],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def clser(capsys):
    """Run `clser` in this process, on one core as the others; return exit code and stderr."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)

    def run(*arguments):
        code = main([*map(str, arguments)])
        return code, capsys.readouterr().err

    yield run
    torch.set_num_threads(before)


def finish(process):
    out, error = process.communicate(timeout=TIMEOUT_S)
    return process.returncode, out, error


def wait_for_step(folder, step, process):
    """Return as soon as that step stands in the events."""
    deadline = time.monotonic() + TIMEOUT_S
    while not any(event["step"] >= step for event in read_events(folder)):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def figures(folder):
    """Return all losses and figures of a run, step by step."""
    return [
        (event["step"], event["losses"] if event["event"] == "step" else event["nll"])
        for event in read_events(folder)
    ]


def test_a_killed_run_goes_on_with_the_same_losses_and_makes_the_same_model(
    settings, tmp_path, home, clser
):
    unbroken, killed = tmp_path / "unbroken", tmp_path / "killed"
    with_dropout = ["--set", "model.dropout=0.3", "--set", "backbone.lora.dropout=0.2"]
    assert clser("train", *settings, *with_dropout, "--out", unbroken)[0] == 0
    process = start([*settings, *with_dropout, "--out", str(killed)], home)
    wait_for_step(killed, 5, process)  # in the middle of the second epoch

    process.send_signal(signal.SIGSTOP)
    code, error = clser("train", *settings, *with_dropout, "--out", killed)
    assert code == 1
    assert f"{killed} is being written by process {process.pid}; wait for it or choose" in error
    process.send_signal(signal.SIGKILL)
    process.communicate()

    assert clser("train", killed, "--resume")[0] == 0
    assert figures(killed) == figures(unbroken)
    for name in ("best.safetensors", "toy.clser-model/weights.safetensors"):
        assert (killed / name).read_bytes() == (unbroken / name).read_bytes()
    code, error = clser("train", killed, "--resume")
    assert code == 1
    assert f"{killed} holds a finished run and is left as it is; choose another folder." in error


def test_ctrl_c_saves_and_says_how_to_go_on(settings, tmp_path, home):
    folder = tmp_path / "run"
    process = start([*settings, "--out", str(folder), "--set", "training.steps=2000"], home)
    wait_for_step(folder, 3, process)

    process.send_signal(signal.SIGINT)
    code, _, error = finish(process)

    step = read_events(folder)[-1]["step"]
    assert code == 130
    assert f"Stopped, saved at step {step:08d}; go on with: clser train {folder} --resume" in error
    assert "Traceback" not in error
    assert (folder / "checkpoints" / f"step-{step:08d}").is_dir()
    assert not (folder / "running.json").exists()


def test_two_ranks_have_the_losses_of_one(settings, tmp_path, home, clser):
    one, two = tmp_path / "one", tmp_path / "two"
    assert clser("train", *settings, "--out", one)[0] == 0
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]

    arguments = [*settings, "--out", str(two), "--device", "cpu", "--json"]
    code, out, error = finish(start(arguments, home, launcher))

    assert code == 0, error
    assert len(out.strip().splitlines()) == 1, "the first process alone speaks"
    assert json.loads((two / "run.json").read_text())["processes"] == 2
    found, expected = figures(two), figures(one)
    assert len(found) == len(expected) == 15
    for (step, losses), (expected_step, expected_losses) in zip(found, expected, strict=True):
        assert step == expected_step
        assert losses == pytest.approx(expected_losses, abs=1e-5)
