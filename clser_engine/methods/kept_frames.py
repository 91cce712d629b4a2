"""Frames of a frozen backbone, computed once and kept on disk as half floats.

A frozen backbone gives a recording the same frames in every epoch; computing them again would be
nearly all of the work. Frames are those of the whole recording, also where a stretch is cut out.

Shapes: B recordings, T frames, L layers kept, H hidden size.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clser_engine.backbones.backbone import Backbone, EncodedFrames
from clser_engine.data.decoded_audio import SAMPLE_RATE_HZ, DecodedAudio
from clser_engine.data.row_store import RowStore, make_store, store_folder
from clser_engine.runtime import RunContext

WHOLE_S = 60.0
"""Recordings are heard up to here where they are not cut: longer ones are no single utterance."""
MOST_BYTES = 40_000_000_000
VERSION = 1


class KeptFrames:
    """Frames of recordings.

    Args:
        store: One array (T, L, H) each.
        num_layers: Of the backbone.
        frame_rate_hz: Of the backbone.
        reach: Samples from the start of a recording that were encoded.
    """

    def __init__(
        self, store: RowStore, *, num_layers: int, frame_rate_hz: float, reach: int
    ) -> None:
        self.reach = reach
        self._store = store
        self._num_layers = num_layers
        self._frame_rate_hz = frame_rate_hz

    def load(self, indices: Sequence[int], starts: list[int], longest: int) -> dict[str, Tensor]:
        """Return stretches as `frames` (B, T, L, H) and `num_frames` (B,).

        Args:
            indices: Which recordings.
            starts: First sample of each.
            longest: Most samples.
        """
        per_sample = self._frame_rate_hz / SAMPLE_RATE_HZ
        size = max(1, int(longest * per_sample))
        stretches = [
            self._store.part(index, min(int(start * per_sample), self._store.size(index) - 1), size)
            for index, start in zip(indices, starts, strict=True)
        ]
        counts = [len(stretch) for stretch in stretches]
        frames = np.zeros((len(stretches), max(counts), *stretches[0].shape[1:]), dtype=np.float32)
        for row, stretch in enumerate(stretches):
            frames[row, : len(stretch)] = stretch
        return {"frames": torch.from_numpy(frames), "num_frames": torch.tensor(counts)}

    def encoded(self, frames: Tensor, num_frames: Tensor) -> EncodedFrames:
        """Return loaded frames as the backbone would.

        Where one layer was kept, it stands in the place of each.
        """
        mask = torch.arange(frames.shape[1], device=frames.device) < num_frames[:, None]  # (B, T)
        layers = frames.unbind(dim=2)
        if len(layers) == 1:
            layers = layers * self._num_layers
        return EncodedFrames(layers=layers, mask=mask, frame_rate_hz=self._frame_rate_hz)


def whole_samples(backbone: Backbone) -> int:
    """Return how many samples of a recording are heard where it is not cut to a stretch."""
    window_s: float = backbone.encoder.window_s
    return round(min(WHOLE_S, window_s) * SAMPLE_RATE_HZ)


def bytes_needed(audio: DecodedAudio, backbone: Backbone, layer: int | None) -> int:
    """Return how much disk the frames of these recordings take."""
    longest = whole_samples(backbone)
    seconds = sum(min(audio.num_samples(i), longest) for i in range(len(audio))) / SAMPLE_RATE_HZ
    layers = backbone.num_layers if layer is None else 1
    return int(seconds * backbone.frame_rate_hz * layers * backbone.hidden_size * 2)


def keep_frames(
    audio: DecodedAudio,
    backbone: Backbone,
    layer: int | None,
    device: torch.device,
    context: RunContext,
) -> KeptFrames:
    """Return the frames of recordings, from the cache where they were computed before.

    Args:
        audio: The recordings.
        backbone: Frozen; on the device.
        layer: The layer that will be read; None for all.
        device: Where to compute.
        context: Progress and cancellation.

    Raises:
        EngineError: If the cache cannot be written.
    """
    hashes = [audio.sha256(index) for index in range(len(audio))]
    key = "\n".join([str(VERSION), backbone.fingerprint, str(layer), *hashes])
    store = make_store(
        store_folder("frames", key), _encode(audio, backbone, layer, device, context), np.float16
    )
    return KeptFrames(
        store,
        num_layers=backbone.num_layers,
        frame_rate_hz=backbone.frame_rate_hz,
        reach=whole_samples(backbone),
    )


@torch.inference_mode()
def _encode(
    audio: DecodedAudio,
    backbone: Backbone,
    layer: int | None,
    device: torch.device,
    context: RunContext,
) -> Iterator[tuple[NDArray[np.float16], Any]]:
    """Yield the frames of one recording after another; alone, so without any padding."""
    largest = float(np.finfo(np.float16).max)
    for index in range(len(audio)):
        context.report("frames", index, len(audio))
        samples = torch.from_numpy(audio.samples(index, 0, whole_samples(backbone)))
        waveform = torch.zeros(1, max(len(samples), backbone.least_samples))
        waveform[0, : len(samples)] = samples
        lengths = torch.tensor([len(samples)], device=device)
        encoded = backbone(waveform.to(device), lengths)
        layers = encoded.layers if layer is None else (encoded.layers[layer],)
        frames = torch.stack(layers, dim=2)[0][encoded.mask[0]]  # (T, L, H)
        yield frames.float().clamp(-largest, largest).cpu().numpy().astype(np.float16), None
