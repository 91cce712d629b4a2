"""Exponential moving average of weights: what is validated and kept.

Source: Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", SIAM J.
Control and Optimization 30(4), 1992, in its exponential form.
Differs from the source: the first steps count more, min(decay, (1 + n) / (10 + n)), so that the
average is not held back by the weights at the start.
"""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn


def trained_tensors(network: nn.Module) -> dict[str, Tensor]:
    """Return all that training changes: parameters with a gradient, and buffers.

    Weights of a frozen backbone are not among them: they are known by its fingerprint.
    """
    persistent = network.state_dict(keep_vars=True)
    return {
        name: tensor
        for name, tensor in persistent.items()
        if not isinstance(tensor, nn.Parameter) or tensor.requires_grad
    }


class WeightAverage:
    """Running mean of what training changes.

    Args:
        network: On its device already.
        decay: 0 keeps the weights themselves.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._network = network
        self._decay = decay
        self.tensors = {n: t.detach().clone() for n, t in trained_tensors(network).items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the present weights.

        Args:
            step: Updates made before this one.
        """
        decay = min(self._decay, (1 + step) / (10 + step)) if self._decay else 0.0
        for name, new in trained_tensors(self._network).items():
            kept = self.tensors[name]
            if kept.dtype.is_floating_point:
                kept.lerp_(new.detach(), 1 - decay)
            else:
                kept.copy_(new)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Put the average into the network, and afterwards the weights back."""
        own = {n: t.detach().clone() for n, t in trained_tensors(self._network).items()}
        load_trained(self._network, self.tensors)
        try:
            yield
        finally:
            load_trained(self._network, own)


@torch.no_grad()
def load_trained(network: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Copy what `trained_tensors` returned back into a network.

    Raises:
        KeyError: If a tensor is missing.
        RuntimeError: If one has another shape.
    """
    for name, own in trained_tensors(network).items():
        own.copy_(tensors[name])
