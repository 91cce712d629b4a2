"""Tests of clser_engine.training.schedule and clser_engine.training.average."""

import math

import pytest
import torch
from torch import nn

from clser_engine.config.sections import ScheduleSettings
from clser_engine.training.average import WeightAverage, load_trained, trained_tensors
from clser_engine.training.schedule import learning_rate_share


def shares(num_steps=11, **settings):
    schedule = ScheduleSettings(**settings)
    return [learning_rate_share(schedule, step, num_steps) for step in range(num_steps)]


def test_rates_rise_in_a_line_and_fall_along_a_cosine_to_what_is_left():
    found = shares(kind="cosine", warmup_steps=4, final_share=0.1)

    assert found[:4] == [0.25, 0.5, 0.75, 1.0]
    for step in range(4, 11):
        progress = (step - 4) / 6
        assert found[step] == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi * progress)) / 2)
    assert found[-1] == pytest.approx(0.1)


def test_a_line_ends_at_nothing_and_a_constant_stays():
    assert shares(kind="linear", warmup_steps=0) == pytest.approx([1 - s / 10 for s in range(11)])
    assert shares(kind="constant", warmup_steps=1) == [1.0] * 11


@pytest.mark.parametrize("kind", ["cosine", "linear", "constant"])
def test_a_warmup_longer_than_the_run_never_exceeds_the_rates(kind):
    found = shares(num_steps=3, kind=kind, warmup_steps=10)

    assert found == pytest.approx([0.1, 0.2, 0.3])


def network():
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    module[2].requires_grad_(False)
    return module


def test_the_average_is_the_recursion_with_a_faster_start():
    module = network()
    average = WeightAverage(module, decay=0.5)
    expected = module[0].weight.detach().clone()

    for step in range(30):
        with torch.no_grad():
            module[0].weight.add_(1.0)
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * module[0].weight.detach()
        torch.testing.assert_close(average.tensors["0.weight"], expected)


def test_what_is_frozen_is_not_kept_and_buffers_are():
    assert set(trained_tensors(network())) == {
        "0.weight", "0.bias", "1.weight", "1.bias",
        "1.running_mean", "1.running_var", "1.num_batches_tracked",
    }  # fmt: skip


def test_without_decay_the_average_is_the_weights():
    module = network()
    average = WeightAverage(module, decay=0.0)
    with torch.no_grad():
        module[0].weight.add_(1.0)

    average.update(0)

    assert torch.equal(average.tensors["0.weight"], module[0].weight)


def test_the_average_is_applied_for_a_while_only():
    module = network()
    average = WeightAverage(module, decay=0.9)
    before = module[0].weight.detach().clone()
    with torch.no_grad():
        module[0].weight.add_(1.0)

    with average.applied():
        assert torch.equal(module[0].weight, before)

    assert torch.equal(module[0].weight, before + 1)


def test_a_tensor_that_is_missing_is_noticed():
    module = network()
    tensors = dict(trained_tensors(module))
    del tensors["0.bias"]

    with pytest.raises(KeyError):
        load_trained(module, tensors)
