"""The graphs of a bundle in onnxruntime, without torch.

Shapes: B recordings, N samples, T frames, D functionals, C classes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from clser_engine.bundle import ModelCard
from clser_engine.errors import BundleError
from clser_engine.inference.devices import (
    ENCODER_THREADS,
    MAX_THREADS,
    PROCESSOR,
    Device,
    find_cards,
    load_cuda_libraries,
    thread_count,
    wants_card,
)
from clser_engine.inference.outputs import SUMMARY_GRAPH, Outputs
from clser_engine.inference.waveform_batch import pad_batch, pad_rows
from clser_engine.types import FloatArray

CUDA = "CUDAExecutionProvider"
_ON_CARD = {
    "use_tf32": "0",  # products of 10 bits would differ from the processor's by more than 1e-3
    "cudnn_conv_algo_search": "HEURISTIC",  # trying them all takes seconds for each new length
    "arena_extend_strategy": "kSameAsRequested",  # the card is shared with other programs
}
_ERRORS, _NOTHING = 3, 4  # what onnxruntime prints


def open_session(graph: str | bytes, *, on_card: bool, threads: int) -> Any:
    """Return a session of onnxruntime; it runs on the processor where the card fails.

    Args:
        graph: Path of a graph, or the graph itself.
        on_card: Whether to ask for the graphics card; only where there is one.
        threads: For each operation on the processor.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Warnings are about its own fusions, and a provider that fails is told in our words.
    options.log_severity_level = _NOTHING if on_card else _ERRORS
    # Idle worker threads must not burn the cores that the window draws with.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if not on_card:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    onnxruntime.set_default_logger_severity(_NOTHING)
    try:
        return onnxruntime.InferenceSession(
            graph, options, providers=[(CUDA, _ON_CARD), "CPUExecutionProvider"]
        )
    finally:
        onnxruntime.set_default_logger_severity(_ERRORS)


class OnnxRuntime:
    """The graphs in onnxruntime.

    Attributes:
        device: What really runs it, read back from the session.
        words: The library, for a person.
        notice: One sentence where it is not the device that was chosen, else empty.
    """

    def __init__(self, card: ModelCard, device: Device) -> None:
        import onnxruntime

        self.words = f"onnxruntime {onnxruntime.__version__}"
        self.notice = ""
        self._card = card
        self._threads = thread_count(MAX_THREADS if card.kind == "compact" else ENCODER_THREADS)
        on_card = wants_card(device, card.kind)
        if on_card:
            load_cuda_libraries()
        self._model = self._load(card, "model.onnx", on_card)
        # A few small products: the card would only be waited for.
        self._heads = self._load(card, "head.onnx", on_card=False)
        self._summary = None
        if SUMMARY_GRAPH in card.files:
            self._summary = self._load(card, SUMMARY_GRAPH, on_card=False)
        ran_on_card = self._model.get_providers()[0] == CUDA
        self.device = find_cards().names[0] if ran_on_card else PROCESSOR
        if on_card and not ran_on_card:
            self.notice = (
                f"The graphics card {find_cards().names[0]} cannot be used because onnxruntime "
                f"cannot load its CUDA libraries; the processor runs the model, and "
                f"`clser doctor` says what is missing."
            )
        names = {value.name for value in self._model.get_inputs()}
        # Graphs of format 1 take one recording, whole.
        self._has_lengths = "lengths" in names

    def _load(self, card: ModelCard, name: str, on_card: bool) -> Any:
        try:
            return open_session(str(card.folder / name), on_card=on_card, threads=self._threads)
        except Exception as error:  # onnxruntime raises classes of its own without a common root
            raise BundleError(
                f"{card.folder} cannot be loaded by onnxruntime; install the model again."
            ) from error

    def analyze(self, waveforms: Sequence[FloatArray]) -> list[Outputs]:
        """Return what the graph says of each (N,)."""
        if not self._has_lengths:
            return [found for one in waveforms for found in self._analyze([one])]
        return self._analyze(waveforms)

    def _analyze(self, waveforms: Sequence[FloatArray]) -> list[Outputs]:
        wanted = ["frame_posteriors", "frame_speech", "functionals"]
        if self._summary is not None:
            wanted.append("descriptors")
        posteriors, speech, functionals, *descriptors = self._run(wanted, waveforms)
        frames = [self._card.count_frames(len(waveform)) for waveform in waveforms]
        return [
            Outputs(
                posteriors=posteriors[row, :count],
                speech=speech[row, :count],
                functionals=functionals[row],
                descriptors=descriptors[0][row, : 2 * count] if descriptors else None,
            )
            for row, count in enumerate(frames)
        ]

    def summarise(self, parts: Sequence[FloatArray]) -> FloatArray:
        """Return functionals (P, D) of stretches of descriptors (F, K)."""
        assert self._summary is not None
        batch, lengths = pad_rows(parts)
        found: FloatArray
        [found] = self._summary.run(None, {"descriptors": batch, "lengths": lengths})
        return found

    def frames(self, waveform: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return frame posteriors (T, C) and speech (T,) alone."""
        posteriors, speech = self._run(["frame_posteriors", "frame_speech"], [waveform])
        count = self._card.count_frames(len(waveform))
        return posteriors[0, :count], speech[0, :count]

    def _run(self, names: list[str], waveforms: Sequence[FloatArray]) -> list[FloatArray]:
        """Return some outputs of the graph."""
        batch, lengths = pad_batch(waveforms, self._card.least_samples)
        inputs: dict[str, Any] = {"waveform": batch}
        if self._has_lengths:
            inputs["lengths"] = lengths
        found: list[FloatArray] = self._model.run(names, inputs)
        return found

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
