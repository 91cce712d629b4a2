"""What runs a bundle: onnxruntime, or torch for comparison; both from the same files.

Shapes: B recordings, N samples, T frames, D functionals, C classes.
"""

import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from clser_engine.bundle import ModelCard
from clser_engine.errors import BadValueError, BundleError, DeviceError
from clser_engine.types import FloatArray

if TYPE_CHECKING:  # torch takes seconds to import, and onnxruntime runs without it
    from clser_engine.models.compact import CompactModel

MAX_THREADS = 4  # a small model gains nothing from more, and the window needs cores too
Device = Literal["auto", "cpu", "cuda"]


class Runtime(Protocol):
    """Runs the two graphs of a bundle."""

    device: str
    words: str

    def analyze(self, waveform: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return frame posteriors (T, C), speech (T,) and functionals (D,) of (N,) samples."""

    def frames(self, waveform: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return frame posteriors (T, C) and speech (T,) of (N,) samples and nothing else."""

    def heads(
        self, functionals: FloatArray, mean: FloatArray, std: FloatArray, count: int
    ) -> tuple[FloatArray, FloatArray]:
        """Return logits (B, C) of each recording alone and with the statistics."""


def thread_count() -> int:
    """Return how many threads inference may use; `OMP_NUM_THREADS` lowers it."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    limit = int(wanted) if wanted.isdigit() and int(wanted) > 0 else MAX_THREADS
    return max(1, min(usable or 1, limit, MAX_THREADS))


def processor_name() -> str:
    """Return what a person calls the processor's device."""
    return "CPU"


class OnnxRuntime:
    """The graphs in onnxruntime."""

    def __init__(self, card: ModelCard, device: Device) -> None:
        import onnxruntime

        self._options = onnxruntime.SessionOptions()
        self._options.intra_op_num_threads = thread_count()
        self._options.inter_op_num_threads = 1
        self._options.log_severity_level = 3  # errors only: warnings are about its own fusions
        # Idle worker threads must not burn the cores that the window draws with.
        self._options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers, self.device = _providers(device)
        self._only_what_is_asked = onnxruntime.RunOptions()
        self._only_what_is_asked.only_execute_path_to_fetches = True
        try:
            self._model, self._heads = (
                onnxruntime.InferenceSession(
                    str(card.folder / name), self._options, providers=providers
                )
                for name in ("model.onnx", "head.onnx")
            )
        except Exception as error:  # onnxruntime raises classes of its own without a common root
            raise BundleError(
                f"{card.folder} cannot be loaded by onnxruntime; install the model again."
            ) from error
        self.words = f"onnxruntime {onnxruntime.__version__}"

    def analyze(self, waveform: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return frame posteriors (T, C), speech (T,) and functionals (D,)."""
        posteriors, speech, functionals = self._run(3, waveform)
        return posteriors, speech, functionals

    def frames(self, waveform: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return frame posteriors (T, C) and speech (T,) alone."""
        posteriors, speech = self._run(2, waveform)
        return posteriors, speech

    def _run(self, count: int, waveform: FloatArray) -> list[FloatArray]:
        """Return the first outputs of the graph, which come in the order of the model's."""
        names = [output.name for output in self._model.get_outputs()[:count]]
        inputs = {"waveform": waveform[None]}
        if len(self._model.get_inputs()) > 1:  # graphs of format 1 take one recording, whole
            inputs["lengths"] = np.array([len(waveform)], np.int64)
        found = self._model.run(names, inputs, self._only_what_is_asked)
        return [values[0] for values in found]

    def heads(
        self, functionals: FloatArray, mean: FloatArray, std: FloatArray, count: int
    ) -> tuple[FloatArray, FloatArray]:
        """Return logits (B, C) of each recording alone and with the statistics."""
        inputs = {
            "functionals": functionals,
            "mean": mean,
            "std": std,
            "count": np.array([count], dtype=np.float32),
        }
        alone, project = self._heads.run(["logits_alone", "logits_project"], inputs)
        return alone, project


def load_weights(card: ModelCard) -> "CompactModel":
    """Return the network of a bundle in torch, in evaluation mode.

    Raises:
        BundleError: If the weights do not fit the card.
    """
    from safetensors.torch import load_file

    from clser_engine.models.compact import CompactModel

    path = card.folder / "weights.safetensors"
    try:
        model = CompactModel(card.classes, **card.architecture)
        model.load_state_dict(load_file(path))
    except Exception as error:  # safetensors and torch raise unrelated classes here
        raise BundleError(f"{path} does not fit its card; install the model again.") from error
    return model.eval()


class TorchRuntime:
    """The same weights in torch, to compare with."""

    def __init__(self, card: ModelCard, device: Device) -> None:
        import torch

        if device == "cuda" and not torch.cuda.is_available():
            raise DeviceError("There is no CUDA device that torch can use; choose 'cpu' or 'auto'.")
        self._torch = torch
        self._place = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
        self.device = torch.cuda.get_device_name() if self._place == "cuda" else processor_name()
        self.words = f"torch {torch.__version__}"
        self._model = load_weights(card)
        self._model.to(self._place)

    def analyze(self, waveform: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return frame posteriors (T, C), speech (T,) and functionals (D,)."""
        with self._torch.inference_mode():
            batch = self._torch.from_numpy(waveform)[None].to(self._place)
            posteriors, speech, functionals, _ = self._model(batch)
        return (
            posteriors[0].cpu().numpy(),
            speech[0].cpu().numpy(),
            functionals[0].cpu().numpy(),
        )

    def frames(self, waveform: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return frame posteriors (T, C) and speech (T,) alone."""
        return self.analyze(waveform)[:2]

    def heads(
        self, functionals: FloatArray, mean: FloatArray, std: FloatArray, count: int
    ) -> tuple[FloatArray, FloatArray]:
        """Return logits (B, C) of each recording alone and with the statistics."""
        with self._torch.inference_mode():
            tensors = [self._torch.from_numpy(v).to(self._place) for v in (functionals, mean, std)]
            number = self._torch.tensor([float(count)], device=self._place)
            alone, project = self._model.heads(*tensors, number)
        return alone.cpu().numpy(), project.cpu().numpy()


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
    for known in ("auto", "cpu", "cuda"):
        if device == known:
            return kinds[runtime](card, known)
    raise BadValueError(f"Bad device: got {device!r}, expected 'auto', 'cpu' or 'cuda'.")


_preload = threading.Lock()


def _providers(device: Device) -> tuple[Sequence[str], str]:
    """Return onnxruntime's providers and the device's name.

    The CUDA provider is asked for only where there is a GPU: elsewhere asking prints an error. One
    core runs the compact model hundreds of times faster than real time, so `auto` stays on the
    processor and leaves the GPU to whoever needs it.
    """
    import onnxruntime

    cpu = ["CPUExecutionProvider"]
    if device != "cuda":
        return cpu, processor_name()
    import torch

    if not torch.cuda.is_available():
        raise DeviceError("There is no CUDA device to run on; choose 'cpu' or 'auto'.")
    with _preload:
        onnxruntime.preload_dlls()
    return ["CUDAExecutionProvider", *cpu], torch.cuda.get_device_name()
