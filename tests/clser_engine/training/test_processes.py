"""Tests of clser_engine.training.processes and clser_engine.training.validation."""

import math

import numpy as np
import pytest
import torch

from clser_engine.data.manifest import Utterance
from clser_engine.errors import ConfigError, DeviceError
from clser_engine.methods.method import Embedded
from clser_engine.training.processes import start_processes
from clser_engine.training.validation import is_better, validation_figures

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")


def test_one_process_has_the_sum_of_itself():
    with start_processes("cpu", "auto") as processes:
        assert (processes.rank, processes.count, processes.device.type) == (0, 1, "cpu")
        assert processes.accelerator.mixed_precision == "no"
        assert processes.sum(torch.tensor([2.0])).item() == 2.0
        with processes.first_alone():
            pass


def test_runs_of_one_process_may_differ_in_precision():
    for precision in ("no", "bf16", "no"):
        with start_processes("cpu", precision) as processes, processes.accelerator.autocast():
            product = torch.ones(2, 2) @ torch.ones(2, 2)
            assert product.dtype == (torch.bfloat16 if precision == "bf16" else torch.float32)


def test_half_precision_needs_a_gpu():
    with pytest.raises(ConfigError) as raised, start_processes("cpu", "fp16"):
        pass

    assert str(raised.value) == (
        "Bad training.precision: fp16 needs a GPU; on the CPU use no or bf16."
    )


@without_gpu
def test_a_gpu_that_is_not_there_is_named():
    with pytest.raises(DeviceError) as raised, start_processes("cuda", "auto"):
        pass

    assert str(raised.value) == (
        "This computer has no CUDA device that torch can use; train with --device cpu, or see what "
        "`clser doctor` says."
    )


def embedded(emotions, logits, languages):
    utterances = [
        Utterance(path=None, emotion="x", speaker="s", language=language, corpus="c")
        for language in languages
    ]
    values = np.array(logits, dtype=np.float32)
    return Embedded(
        utterances=utterances,
        embeddings=values,
        logits=values,
        frame_logits=values,
        emotions=np.array(emotions),
    )


def test_each_language_counts_the_same_however_many_recordings_it_has():
    right, wrong = [2.0, 0.0], [0.0, 2.0]
    found = embedded(
        [0, 1, 0, 0, 0, 0], [right, right, right, wrong, wrong, wrong],
        ["deu", "pol", "pol", "pol", "pol", "pol"],
    )  # fmt: skip

    figures = validation_figures(found)

    # deu: 1 of 1; pol: none of the one of class 1, and one of the four of class 0
    assert figures["uar"] == pytest.approx((100 + (0 + 25) / 2) / 2)
    log_sum = math.log(math.exp(2) + 1)
    assert figures["nll"] == pytest.approx((2 * (log_sum - 2) + 4 * log_sum) / 6)


def test_equal_uar_is_decided_by_the_loss():
    best = {"uar": 50.0, "nll": 1.0}

    assert is_better(best, {})
    assert is_better({"uar": 51.0, "nll": 9.0}, best)
    assert is_better({"uar": 50.0, "nll": 0.9}, best)
    assert not is_better(best, best)
    assert not is_better({"uar": 49.0, "nll": 0.1}, best)
