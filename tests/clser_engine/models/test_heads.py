"""Tests of clser_engine.models.heads."""

import math

import pytest
import torch

from clser_engine.models.heads import EnsembleHead, KernelHead, LinearHead, UtteranceHeads
from clser_engine.models.relative_heads import CLIP


@pytest.fixture
def heads():
    ensembles = [EnsembleHead(5, [LinearHead(5, 3), KernelHead(5, 3, 16)]) for _ in range(2)]
    heads = UtteranceHeads(5, *ensembles).eval()
    heads.prior_mean.copy_(torch.arange(5.0))
    heads.prior_std.copy_(torch.full((5,), 2.0))
    return heads


def test_random_features_approximate_the_kernel():
    head = KernelHead(6, 2, num_features=20_000, gamma=0.5)
    x, y = torch.randn(2, 4, 6)

    found = (head.features(x) * head.features(y)).sum(dim=1)

    expected = torch.exp(-0.5 / 6 * (x - y).square().sum(dim=1))
    torch.testing.assert_close(found, expected, atol=0.03, rtol=0)


def test_the_ensemble_is_the_mean_of_log_posteriors_over_the_temperature():
    members = [LinearHead(4, 3), LinearHead(4, 3)]
    head = EnsembleHead(4, members)
    head.mean.fill_(1.0)
    head.scale.fill_(2.0)
    head.temperature.fill_(1.7)
    values = torch.randn(6, 4)

    found = head(values)

    for row in range(6):
        x = [(float(v) - 1) / 2 for v in values[row]]
        weights = [(m.output.weight.detach(), m.output.bias.detach()) for m in members]
        logits = [weight @ torch.tensor(x) + bias for weight, bias in weights]
        mean = sum(one - math.log(float(one.exp().sum())) for one in logits) / 2
        torch.testing.assert_close(found[row].detach(), mean / 1.7, atol=1e-5, rtol=1e-5)


def test_far_out_values_are_clipped():
    head = EnsembleHead(2, [LinearHead(2, 2)])

    assert head.standardise(torch.tensor([[1e9, -1e9]])).tolist() == [[CLIP, -CLIP]]


def test_gain_and_offset_of_a_whole_project_drop_out(heads):
    functionals = torch.randn(4000, 5)
    count = torch.tensor([1e6])

    def project(values):
        return heads(values, values.mean(dim=0), values.std(dim=0, correction=0), count)[1]

    torch.testing.assert_close(
        project(functionals), project(3 * functionals + 7), atol=1e-3, rtol=0
    )
