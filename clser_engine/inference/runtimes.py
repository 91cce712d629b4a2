"""What runs a bundle: onnxruntime, or torch; on the processor or a graphics card.

Shapes: B recordings, N samples, T frames, D functionals, C classes.
"""

import gc
import logging
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from clser_engine.bundle import ModelCard
from clser_engine.errors import BadValueError
from clser_engine.inference.devices import (
    PROCESSOR,
    check_device,
    is_out_of_memory,
    thread_count,
)
from clser_engine.inference.onnx_runtime import OnnxRuntime
from clser_engine.inference.outputs import Outputs
from clser_engine.inference.torch_runtime import TorchRuntime, load_weights
from clser_engine.types import FloatArray

__all__ = ["CardRuntime", "Runtime", "build_runtime", "load_weights", "thread_count"]

logger = logging.getLogger(__name__)

Found = TypeVar("Found")


class Runtime(Protocol):
    """Runs the two graphs of a bundle."""

    @property
    def device(self) -> str:
        """What really runs it: `CPU` or the name of the graphics card."""

    @property
    def words(self) -> str:
        """The library that runs it."""

    @property
    def notice(self) -> str:
        """One sentence where it is not the device that was chosen, else empty."""

    def analyze(self, waveforms: Sequence[FloatArray]) -> list[Outputs]:
        """Return what the model says of each (N,)."""

    def summarise(self, parts: Sequence[FloatArray]) -> FloatArray:
        """Return functionals (P, D) of stretches of descriptors (F, K) that it gave before."""

    def frames(self, waveform: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return frame posteriors (T, C) and speech (T,) of (N,) samples and nothing else."""

    def heads(
        self, functionals: FloatArray, mean: FloatArray, std: FloatArray, count: int
    ) -> tuple[FloatArray, FloatArray]:
        """Return logits (B, C) of each recording alone and with the statistics."""


class CardRuntime:
    """A runtime on a graphics card that goes on when the card's memory is full.

    Half of a batch is tried, and again, and the processor takes over for good where not even one
    recording fits: other programs share the card, so what fitted a minute ago need not now.

    Args:
        on_card: Runs on the card.
        make_on_processor: Makes the one to fall back to.
    """

    def __init__(self, on_card: Runtime, make_on_processor: Callable[[], Runtime]) -> None:
        self._runtime = on_card
        self._make_on_processor = make_on_processor
        self._notice = ""

    @property
    def device(self) -> str:
        """What runs it now."""
        return self._runtime.device

    @property
    def words(self) -> str:
        """The library that runs it."""
        return self._runtime.words

    @property
    def notice(self) -> str:
        """One sentence if the processor had to take over."""
        return self._notice or self._runtime.notice

    def analyze(self, waveforms: Sequence[FloatArray]) -> list[Outputs]:
        """Return what the model says of each (N,)."""
        try:
            return self._runtime.analyze(waveforms)
        except Exception as error:
            if not self._is_full(error):
                raise
        half = len(waveforms) // 2
        if half:
            logger.info("%d recordings do not fit on %s; half", len(waveforms), self.device)
            return self.analyze(waveforms[:half]) + self.analyze(waveforms[half:])
        self._move_to_processor()
        return self._runtime.analyze(waveforms)

    def summarise(self, parts: Sequence[FloatArray]) -> FloatArray:
        """Return functionals (P, D) of stretches of descriptors (F, K) that it gave before."""
        return self._or_on_processor(lambda runtime: runtime.summarise(parts))

    def frames(self, waveform: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return frame posteriors (T, C) and speech (T,) of (N,) samples and nothing else."""
        return self._or_on_processor(lambda runtime: runtime.frames(waveform))

    def heads(
        self, functionals: FloatArray, mean: FloatArray, std: FloatArray, count: int
    ) -> tuple[FloatArray, FloatArray]:
        """Return logits (B, C) of each recording alone and with the statistics."""
        return self._or_on_processor(lambda runtime: runtime.heads(functionals, mean, std, count))

    def _or_on_processor(self, run: Callable[[Runtime], Found]) -> Found:
        try:
            return run(self._runtime)
        except Exception as error:
            if not self._is_full(error):
                raise
        self._move_to_processor()
        return run(self._runtime)

    def _is_full(self, error: Exception) -> bool:
        return self._runtime.device != PROCESSOR and is_out_of_memory(error)

    def _move_to_processor(self) -> None:
        self._notice = (
            f"The memory of {self._runtime.device} is full; the processor runs the model from "
            f"here on."
        )
        logger.info(self._notice)
        self._runtime = self._make_on_processor()
        gc.collect()  # gives the card's memory back


def build_runtime(card: ModelCard, runtime: str, device: str) -> Runtime:
    """Load a bundle's graphs.

    Raises:
        BadValueError: If runtime or device is not one of the known.
        BundleError: If a file does not load.
        DeviceError: If a GPU was asked for and there is none.
    """
    kinds: dict[str, type[OnnxRuntime] | type[TorchRuntime]] = {
        "onnx": OnnxRuntime,
        "torch": TorchRuntime,
    }
    if runtime not in kinds:
        raise BadValueError(f"Bad runtime: got {runtime!r}, expected 'onnx' or 'torch'.")
    kind, wanted = kinds[runtime], check_device(device)
    built = kind(card, wanted)
    if built.device == PROCESSOR:
        return built
    return CardRuntime(built, lambda: kind(card, "cpu"))
