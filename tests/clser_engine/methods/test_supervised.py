"""Tests of clser_engine.methods.supervised: losses against slow loops, settings, groups."""

import math

import pytest
import torch
from torch import nn

from clser_engine.config.sections import OptimiserSettings
from clser_engine.errors import ConfigError
from clser_engine.methods.parameters import group_parameters
from clser_engine.methods.registry import load_run
from clser_engine.methods.supervised import (
    SupervisedRun,
    SupervisedSettings,
    smoothed_cross_entropy,
    weak_frame_loss,
)

LOGITS = [[2.0, 0.5, -1.0], [0.0, 0.0, 0.0], [-3.0, 4.0, 1.0]]
EMOTIONS = [0, 2, 1]
WEIGHTS = [0.5, 2.0, 1.0]


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_cross_entropy_is_that_of_the_smoothed_labels(smoothing):
    """Szegedy et al. 2016, section 7: q(k) = (1 - e) [k = y] + e / K, weighted by class."""
    total = 0.0
    for logits, emotion in zip(LOGITS, EMOTIONS, strict=True):
        normaliser = math.log(sum(math.exp(value) for value in logits))
        for k, logit in enumerate(logits):
            label = (1 - smoothing) * (k == emotion) + smoothing / 3
            total -= WEIGHTS[k] * label * (logit - normaliser)

    found = smoothed_cross_entropy(
        torch.tensor(LOGITS), torch.tensor(EMOTIONS), torch.tensor(WEIGHTS), smoothing
    )

    assert float(found) == pytest.approx(total / 3)


def test_the_losses_of_parts_add_up_to_that_of_the_batch():
    logits, emotions, weights = (torch.tensor(v) for v in (LOGITS, EMOTIONS, WEIGHTS))

    whole = smoothed_cross_entropy(logits, emotions, weights, 0.1)
    parts = [
        smoothed_cross_entropy(logits[rows], emotions[rows], weights, 0.1)
        for rows in (slice(0, 1), slice(1, 3))
    ]

    assert float(parts[0] / 3 + 2 * parts[1] / 3) == pytest.approx(float(whole))


def test_frames_learn_from_the_label_of_their_recording():
    frame_logits = torch.tensor([[[2.0, 0.0], [0.0, 1.0], [9.0, 9.0]]])
    mask = torch.tensor([[True, True, False]])
    first = math.exp(2) / (math.exp(2) + 1)
    second = 1 / (1 + math.exp(1))

    found = weak_frame_loss(frame_logits, mask, torch.tensor([0]))

    assert float(found) == pytest.approx(-math.log((first + second) / 2))


def test_padding_and_hopeless_frames_leave_the_frame_loss_finite():
    frame_logits = torch.full((1, 4, 2), float("nan"))
    mask = torch.tensor([[True, True, False, False]])
    logits = torch.where(mask[:, :, None], torch.tensor([-200.0, 200.0]), frame_logits)

    loss = weak_frame_loss(logits, mask, torch.tensor([0]))

    assert float(loss) == pytest.approx(-math.log(1e-6), rel=1e-5)


def test_gradients_of_both_losses_are_right():
    logits = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True)
    weights = torch.tensor(WEIGHTS, dtype=torch.float64)

    assert torch.autograd.gradcheck(
        lambda x: smoothed_cross_entropy(x, torch.tensor(EMOTIONS), weights, 0.1), logits
    )


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = nn.Linear(2, 2)
        self.lora_A = nn.Linear(2, 1, bias=False)


def test_heads_adapters_and_encoder_have_rates_of_their_own():
    network = nn.ModuleDict({"backbone": Backbone(), "head": nn.Linear(2, 2)})
    network["backbone"].base.bias.requires_grad_(False)

    groups = group_parameters(network, OptimiserSettings(head=3.0, lora=2.0, encoder=1.0))

    assert {(g.name, g.learning_rate, tuple(g.parameters)) for g in groups} == {
        ("head", 3.0, ("head.weight", "head.bias")),
        ("lora", 2.0, ("backbone.lora_A.weight",)),
        ("encoder", 1.0, ("backbone.base.weight",)),
    }


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("classes=['a']", "Bad classes: got ['a'], expected at least two, all different."),
        ("name='a/b'", "Bad name: got 'a/b', expected what can name a folder."),
        ("supervised.label_smoothing=1", ("Bad supervised.label_smoothing: got 1.0, expected at "
         "least 0 and below 1.")),
        ("data.balance=['age']", ("Bad data.balance: got ['age'], expected some of emotion, "
         "language, corpus, speaker, each once.")),
        ("optimiser.momenta=[0.9]", "Bad optimiser.momenta: got [0.9], expected two numbers."),
        ("training.accumulation=64", ("Bad training.accumulation: got 64 parts of a batch of 32, "
         "expected at most 32.")),
        ("backbone.lora.rnak=2", ("Unknown setting 'backbone.lora.rnak': did you mean "
         "'backbone.lora.rank'?")),
        ("learning_rate=1", ("Unknown setting 'learning_rate': known are name, seed, classes, "
         "licence, data, backbone, model, supervised, optimiser, schedule, training.")),
        ("backbone.tuning=lorra", ("Bad backbone.tuning: got 'lorra', expected one of frozen, "
         "lora, full; did you mean 'lora'?")),
    ],
)  # fmt: skip
def test_bad_settings_are_named(override, message):
    with pytest.raises(ConfigError) as raised:
        load_run("supervised", [override])

    assert str(raised.value) == message


def test_the_preset_is_the_default_run():
    run = load_run("supervised")

    assert run.method == "supervised"
    assert run.settings == SupervisedRun(supervised=SupervisedSettings())
