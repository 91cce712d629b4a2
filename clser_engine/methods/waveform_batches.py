"""Training batches of waveforms, or of the frames of a frozen backbone that were kept.

Padding is work for nothing, so recordings of like length are brought together without a batch
losing its balance: among neighbouring batches, recordings change places with others of the same
emotion and corpus. A batch is then sorted by length and cut into parts. What a batch is depends on
its place in the run alone.

Shapes: B recordings, N samples, T frames, L layers kept, H hidden size.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from clser_engine.config.sections import DataSettings
from clser_engine.data.decoded_audio import SAMPLE_RATE_HZ, DecodedAudio
from clser_engine.data.samplers import BalancedBatches, cell_of
from clser_engine.methods.kept_frames import KeptFrames
from clser_engine.methods.method import Batch, Part, split_evenly

NEIGHBOURS = 8
"""Batches among which recordings change places; more waste less and make batches less alike."""


class WaveformBatches:
    """A `BatchSource` over decoded recordings.

    A part holds `indices` (B,), `emotions` (B,) and either `waveform` (B, N) with `lengths` (B,) or
    `frames` (B, T, L, H) with `num_frames` (B,).

    Args:
        audio: The recordings.
        emotions: (recordings,) class indices.
        settings: How they are cut and balanced.
        num_train: Batches hold the first so many alone.
        batch_size: Recordings in a batch.
        seed: Start of all random numbers.
        least_samples: Shorter recordings are padded to this length.
        kept: Frames that stand for the waveforms.
    """

    def __init__(
        self,
        audio: DecodedAudio,
        emotions: NDArray[np.int64],
        settings: DataSettings,
        *,
        num_train: int,
        batch_size: int,
        seed: int,
        least_samples: int,
        kept: KeptFrames | None = None,
    ) -> None:
        self._audio = audio
        self._emotions = emotions
        self._longest = round(settings.longest_s * SAMPLE_RATE_HZ)
        self._seed = seed
        self._least = least_samples
        self._kept = kept
        self._sampler = BalancedBatches(
            audio.utterances[:num_train], batch_size, seed, settings.balance
        )
        self._cells = [cell_of(u, settings.balance) for u in audio.utterances[:num_train]]
        self.batches_per_epoch = len(self._sampler)
        self._drawn: tuple[int, list[list[int]]] = (-1, [])

    def parts(self, epoch: int, number: int, count: int) -> list[Part]:
        """Return a batch in parts of recordings of like length."""
        batch = sorted(self.draw(epoch)[number], key=self._length)
        return [Part(indices=some, place=(epoch, number)) for some in split_evenly(batch, count)]

    def draw(self, epoch: int) -> list[list[int]]:
        """Return the recordings of each batch of an epoch."""
        if self._drawn[0] != epoch:
            dealt = self._sampler.epoch(epoch)
            rng = np.random.default_rng([self._seed, epoch])
            batches = [
                batch
                for start in range(0, len(dealt), NEIGHBOURS)
                for batch in self._swap(dealt[start : start + NEIGHBOURS], rng)
            ]
            self._drawn = (epoch, batches)
        return self._drawn[1]

    def _swap(self, batches: list[list[int]], rng: np.random.Generator) -> list[list[int]]:
        """Return batches with as many of each cell as before, each of more alike lengths."""
        places: dict[tuple[str, ...], list[tuple[int, int]]] = {}
        for number, batch in enumerate(batches):
            for place, index in enumerate(batch):
                places.setdefault(self._cells[index], []).append((number, place))
        swapped = [list(batch) for batch in batches]
        for cell in places.values():
            members = sorted((batches[number][place] for number, place in cell), key=self._length)
            for (number, place), index in zip(cell, members, strict=True):
                swapped[number][place] = index
        return [swapped[number] for number in rng.permutation(len(swapped))]

    def load(self, part: Part) -> Batch:
        """Return the tensors of a part, recordings that are too long cut at a random place."""
        batch = {
            "indices": torch.tensor(part.indices),
            "emotions": torch.from_numpy(self._emotions[list(part.indices)]),
        }
        starts = [self._start(index, part.place) for index in part.indices]
        if self._kept is not None:
            return batch | self._kept.load(part.indices, starts, self._longest)
        return batch | self.load_waveforms(part.indices, starts, self._longest)

    def load_whole(self, indices: Sequence[int], longest: int) -> Batch:
        """Return recordings from their start, at most `longest` samples of each."""
        starts = [0] * len(indices)
        if self._kept is not None:
            return self._kept.load(indices, starts, longest)
        return self.load_waveforms(indices, starts, longest)

    def load_waveforms(self, indices: Sequence[int], starts: list[int], longest: int) -> Batch:
        """Return stretches of recordings as `waveform` (B, N) and `lengths` (B,)."""
        stretches = [
            self._audio.samples(index, start, longest)
            for index, start in zip(indices, starts, strict=True)
        ]
        lengths = [len(samples) for samples in stretches]
        waveform = np.zeros((len(stretches), max(*lengths, self._least)), dtype=np.float32)
        for row, samples in enumerate(stretches):
            waveform[row, : len(samples)] = samples
        return {"waveform": torch.from_numpy(waveform), "lengths": torch.tensor(lengths)}

    def names(self, part: Part) -> list[str]:
        """Return the files behind a part."""
        return [str(self._audio.utterances[index].path) for index in part.indices]

    def seconds(self, part: Part) -> tuple[float, float]:
        """Return the seconds of audio in a part, and with padding."""
        cuts = [self._cut(index) / SAMPLE_RATE_HZ for index in part.indices]
        return sum(cuts), max(cuts) * len(cuts)

    def _length(self, index: int) -> tuple[int, int]:
        """Return what recordings are sorted by; no two are equal."""
        return self._cut(index), index

    def _cut(self, index: int) -> int:
        return min(self._audio.num_samples(index), self._longest)

    def _start(self, index: int, place: tuple[int, int]) -> int:
        reach = self._audio.num_samples(index)
        if self._kept is not None:
            reach = min(reach, self._kept.reach)
        spare = reach - self._longest
        if spare <= 0:
            return 0
        return int(np.random.default_rng([self._seed, *place, index]).integers(0, spare + 1))
