"""One layer, or a mixture that learns which counts."""

import pytest
import torch

from clser_engine.errors import BadValueError
from clser_engine.models.layer_mix import LayerMix


def random_layers(number: int = 4) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 5, 3, generator=generator) for _ in range(number)]


def test_mixture_is_the_weighted_sum_of_the_source():
    layers = random_layers()
    mix = LayerMix(4)
    with torch.no_grad():
        mix.scores.copy_(torch.tensor([0.5, -1.0, 2.0, 0.0]))

    exponentials = [2.718281828459045**score for score in (0.5, -1.0, 2.0, 0.0)]
    expected = torch.zeros(2, 5, 3)
    for layer, exponential in zip(layers, exponentials, strict=True):
        expected += layer * (exponential / sum(exponentials))

    torch.testing.assert_close(mix(layers), expected)


def test_mixture_begins_with_the_mean_and_learns():
    layers = random_layers()
    mix = LayerMix(4)
    torch.testing.assert_close(mix(layers), torch.stack(layers).mean(dim=0))
    optimiser = torch.optim.Adam(mix.parameters(), lr=0.2)

    for _ in range(60):
        optimiser.zero_grad()
        (mix(layers) - layers[2]).square().mean().backward()
        optimiser.step()

    assert mix.weights().argmax() == 2
    assert mix.weights()[2] > 0.9
    assert mix.weights().sum().item() == pytest.approx(1.0)


@pytest.mark.parametrize(("layer", "index"), [(0, 0), (3, 3), (-1, 3), (-4, 0)])
def test_one_layer_is_taken_as_it_is(layer, index):
    layers = random_layers()
    mix = LayerMix(4, layer)

    assert mix(layers) is layers[index]
    assert mix.weights().tolist() == [float(i == index) for i in range(4)]
    assert not list(mix.parameters())


@pytest.mark.parametrize("layer", [4, -5])
def test_a_layer_that_is_not_there_is_refused(layer):
    with pytest.raises(BadValueError) as caught:
        LayerMix(4, layer)

    assert str(caught.value) == (
        f"Bad layer: got {layer}, expected 0 to 3, or -1 for the last; leave it out to mix all."
    )
