"""Tests of clser_engine.models.pooling against slow loops."""

import pytest
import torch

from clser_engine.models.pooling import VARIANCE_FLOOR, build_pooling, weighted_statistics

B, T, H = 3, 7, 5
LENGTHS = (7, 4, 1)
NAMES = ("mean", "mean_std", "attention")


@pytest.fixture
def frames():
    return torch.randn(B, T, H, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def mask():
    return torch.arange(T) < torch.tensor(LENGTHS)[:, None]


def test_mean_and_deviation_are_those_of_the_real_frames(frames, mask):
    pooled = build_pooling("mean_std", H)(frames, mask)

    for row, length in enumerate(LENGTHS):
        for dimension in range(H):
            values = [float(frames[row, t, dimension]) for t in range(length)]
            mean = sum(values) / length
            variance = sum((value - mean) ** 2 for value in values) / length
            assert float(pooled[row, dimension]) == pytest.approx(mean, abs=1e-6)
            assert float(pooled[row, H + dimension]) == pytest.approx(
                (variance + VARIANCE_FLOOR) ** 0.5, abs=1e-5
            )


def test_the_mean_alone_is_the_first_half(frames, mask):
    both = build_pooling("mean_std", H)(frames, mask)

    assert torch.equal(build_pooling("mean", H)(frames, mask), both[:, :H])


@torch.inference_mode()
def test_attention_weighs_each_dimension_by_its_own_softmax_over_time(frames, mask):
    pooling = build_pooling("attention", H)
    pooled = pooling(frames, mask)
    scores = pooling.scores(frames)

    for row, length in enumerate(LENGTHS):
        for dimension in range(H):
            exponents = [float(scores[row, t, dimension].exp()) for t in range(length)]
            weights = [value / sum(exponents) for value in exponents]
            values = [float(frames[row, t, dimension]) for t in range(length)]
            mean = sum(w * v for w, v in zip(weights, values, strict=True))
            variance = sum(w * (v - mean) ** 2 for w, v in zip(weights, values, strict=True))
            assert float(pooled[row, dimension]) == pytest.approx(mean, abs=1e-5)
            assert float(pooled[row, H + dimension]) == pytest.approx(
                (variance + VARIANCE_FLOOR) ** 0.5, abs=1e-5
            )


@pytest.mark.parametrize("name", NAMES)
def test_what_lies_in_the_padding_changes_nothing(name, frames, mask):
    pooling = build_pooling(name, H)
    changed = torch.where(mask[:, :, None], frames, torch.full_like(frames, float("nan")))

    assert torch.equal(pooling(frames, mask), pooling(changed, mask))
    for row, length in enumerate(LENGTHS):
        alone = pooling(frames[row : row + 1, :length], mask[row : row + 1, :length])
        torch.testing.assert_close(alone[0], pooling(frames, mask)[row])


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_frames_does_not_matter_and_the_size_is_told(name, frames):
    pooling = build_pooling(name, H)
    everything = torch.ones(B, T, dtype=torch.bool)

    pooled = pooling(frames, everything)

    assert pooled.shape == (B, pooling.size)
    torch.testing.assert_close(pooled, pooling(frames.flip(1), everything))


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_right_and_finite_where_there_is_one_frame(name, frames, mask):
    pooling = build_pooling(name, H).double()
    inputs = frames.double().requires_grad_()

    if name != "attention":  # its softmax is in single precision
        assert torch.autograd.gradcheck(lambda x: pooling(x, mask), inputs)
    pooling(inputs, mask).sum().backward()
    assert inputs.grad.isfinite().all()
    assert (inputs.grad[~mask] == 0).all()


def test_weights_may_differ_by_dimension():
    frames = torch.tensor([[[1.0, 1.0], [3.0, 3.0]]])
    weights = torch.tensor([[[1.0, 0.5], [0.0, 0.5]]])

    mean, std = weighted_statistics(frames, weights)

    assert mean.tolist() == [[1.0, 2.0]]
    torch.testing.assert_close(std, torch.tensor([[0.0, 1.0]]).square().add(1e-5).sqrt())
