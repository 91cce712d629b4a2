"""Tests of clser_engine.models.relative_heads: statistics against a slow loop."""

import math

import pytest
import torch

from clser_engine.models.relative_heads import CLIP, RelativeHeads


@pytest.mark.parametrize("count", [0, 1, 2, 30])
def test_statistics_are_shrunk_towards_the_training_data(count):
    heads = RelativeHeads(5)
    heads.prior_mean.copy_(torch.arange(5.0))
    heads.prior_std.copy_(torch.full((5,), 2.0))
    functionals = 3 * torch.randn(2, 5)
    mean, std = torch.randn(5), torch.rand(5) + 0.5

    found = heads.relative(functionals, mean, std, torch.tensor([float(count)]))

    for i in range(5):
        trust = count / (count + 3)
        spread_trust = max(count - 1, 0) / (count + 2)
        centre = trust * float(mean[i]) + (1 - trust) * i
        variance = spread_trust * float(std[i]) ** 2 + (1 - spread_trust) * 4.0
        expected = (functionals[:, i] - centre) / math.sqrt(variance)
        torch.testing.assert_close(found[:, i], expected.clamp(-CLIP, CLIP), atol=1e-4, rtol=1e-4)


def test_what_lies_far_out_is_clipped():
    heads = RelativeHeads(2)
    functionals = torch.tensor([[1e9, -1e9]])

    found = heads.relative(functionals, torch.zeros(2), torch.ones(2), torch.tensor([9.0]))

    assert found.tolist() == [[CLIP, -CLIP]]
