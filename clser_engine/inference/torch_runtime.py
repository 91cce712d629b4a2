"""The weights of a bundle in torch: to compare with, and where onnxruntime has no provider.

Shapes: B recordings, N samples, T frames, D functionals, C classes.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clser_engine.bundle import ModelCard
from clser_engine.errors import BundleError
from clser_engine.inference.devices import (
    ENCODER_THREADS,
    MAX_THREADS,
    PROCESSOR,
    Device,
    find_cards,
    thread_count,
    wants_card,
)
from clser_engine.inference.outputs import Outputs
from clser_engine.inference.waveform_batch import pad_batch, pad_rows
from clser_engine.types import FloatArray

if TYPE_CHECKING:  # it takes seconds to import
    from torch import nn

BACKBONE = "config.json"


def load_weights(card: ModelCard) -> "nn.Module":
    """Return the network of a bundle in torch, in evaluation mode.

    Raises:
        BundleError: If the weights do not fit the card.
    """
    from safetensors.torch import load_file

    path = card.folder / "weights.safetensors"
    if path.name not in card.files:
        raise BundleError(
            f"{card.folder} has no weights for torch, because its graphs are in eight bits; run it "
            f"in onnxruntime, or take the model it was made from."
        )
    try:
        model = _build_encoder(card) if card.kind == "encoder" else _build_compact(card)
        model.load_state_dict(load_file(path))
    except Exception as error:  # safetensors and torch raise unrelated classes here
        raise BundleError(f"{path} does not fit its card; install the model again.") from error
    return model.eval()


def _build_compact(card: ModelCard) -> "nn.Module":
    from clser_engine.models.compact import CompactModel

    return CompactModel(card.classes, **card.architecture)


def _build_encoder(card: ModelCard) -> "nn.Module":
    from clser_engine.backbones.registry import build_backbone
    from clser_engine.models.encoder_classifier import EncoderClassifier

    description = json.loads(Path(card.folder, BACKBONE).read_text(encoding="utf-8"))
    return EncoderClassifier(build_backbone(description), card.classes, **card.architecture)


class TorchRuntime:
    """The same weights in torch.

    Attributes:
        device: What really runs it.
        words: The library, for a person.
        notice: One sentence where it is not the device that was chosen, else empty.
    """

    def __init__(self, card: ModelCard, device: Device) -> None:
        import torch

        self._torch, self._card = torch, card
        self.words = f"torch {torch.__version__}"
        self.notice = ""
        self._place = "cpu"
        if wants_card(device, card.kind):
            if torch.cuda.is_available():
                self._place = "cuda"
            else:
                self.notice = (
                    f"The graphics card {find_cards().names[0]} cannot be used because the "
                    f"installed torch has no CUDA that fits it; the processor runs the model, and "
                    f"`clser doctor` says what is missing."
                )
        self.device = torch.cuda.get_device_name() if self._place == "cuda" else PROCESSOR
        torch.set_num_threads(
            thread_count(MAX_THREADS if card.kind == "compact" else ENCODER_THREADS)
        )
        self._model: Any = load_weights(card).to(self._place)

    def analyze(self, waveforms: Sequence[FloatArray]) -> list[Outputs]:
        """Return what the network says of each (N,)."""
        batch, lengths = pad_batch(waveforms, self._card.least_samples)
        exact = self._torch.backends.cudnn.flags(allow_tf32=False)  # as onnxruntime's are
        with self._torch.inference_mode(), exact:
            found = self._model(
                self._torch.from_numpy(batch).to(self._place),
                self._torch.from_numpy(lengths).to(self._place),
            )
        posteriors, speech, functionals, _, *descriptors = (
            values.cpu().numpy() for values in found
        )
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
        batch, lengths = (self._torch.from_numpy(v).to(self._place) for v in pad_rows(parts))
        with self._torch.inference_mode():
            found: FloatArray = self._model.summarise(batch, lengths).cpu().numpy()
        return found

    def frames(self, waveform: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return frame posteriors (T, C) and speech (T,) alone."""
        [found] = self.analyze([waveform])
        return found.posteriors, found.speech

    def heads(
        self, functionals: FloatArray, mean: FloatArray, std: FloatArray, count: int
    ) -> tuple[FloatArray, FloatArray]:
        """Return logits (B, C) of each recording alone and with the statistics."""
        with self._torch.inference_mode():
            tensors = [self._torch.from_numpy(v).to(self._place) for v in (functionals, mean, std)]
            number = self._torch.tensor([float(count)], device=self._place)
            alone, project = self._model.heads(*tensors, number)
        return alone.cpu().numpy(), project.cpu().numpy()
