"""Tests of clser_engine.models.heads."""

import pytest
import torch

from clser_engine.models.heads import LinearHead, UtteranceHeads
from clser_engine.models.relative_heads import CLIP


@pytest.fixture
def heads():
    heads = UtteranceHeads(5, LinearHead(5, 3), LinearHead(5, 3)).eval()
    heads.prior_mean.copy_(torch.arange(5.0))
    heads.prior_std.copy_(torch.full((5,), 2.0))
    return heads


def test_logits_are_those_of_standardised_values_over_the_temperature():
    head = LinearHead(4, 3)
    head.mean.fill_(1.0)
    head.scale.fill_(2.0)
    head.temperature.fill_(1.7)
    values = torch.randn(6, 4)

    found = head(values).detach()

    weight, bias = head.output.weight.tolist(), head.output.bias.tolist()
    for row in range(6):
        x = [(float(v) - 1) / 2 for v in values[row]]
        for number in range(3):
            logit = sum(w * v for w, v in zip(weight[number], x, strict=True)) + bias[number]
            assert float(found[row, number]) == pytest.approx(logit / 1.7, abs=1e-5)


def test_far_out_values_are_clipped():
    head = LinearHead(2, 2)

    assert head.standardise(torch.tensor([[1e9, -1e9]])).tolist() == [[CLIP, -CLIP]]


def test_gain_and_offset_of_a_whole_project_drop_out(heads):
    functionals = torch.randn(4000, 5)
    count = torch.tensor([1e6])

    def project(values):
        return heads(values, values.mean(dim=0), values.std(dim=0, correction=0), count)[1]

    torch.testing.assert_close(
        project(functionals), project(3 * functionals + 7), atol=1e-3, rtol=0
    )
