"""Decoded recordings at 16 kHz in the cache, so that an epoch reads no file and decodes nothing.

Samples are kept as 16-bit integers and a factor for recordings that exceed full scale: 96 dB below
the loudest sample is below the noise of any recording. With that, a batch is copied out of the
memory-mapped file in milliseconds, and worker processes have nothing left to speed up.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clser_engine.audio.read import hash_file, read_mono
from clser_engine.data.manifest import Utterance
from clser_engine.data.row_store import RowStore, make_store, store_folder
from clser_engine.errors import AudioError
from clser_engine.runtime import RunContext
from clser_engine.types import FloatArray

SAMPLE_RATE_HZ = 16_000
FULL_SCALE = 32767
VERSION = 1


class DecodedAudio:
    """Samples of recordings.

    Args:
        utterances: The recordings, length N.
        store: One array of samples each.
    """

    def __init__(self, utterances: Sequence[Utterance], store: RowStore) -> None:
        self.utterances = list(utterances)
        self._store = store

    def __len__(self) -> int:
        return len(self.utterances)

    def num_samples(self, index: int) -> int:
        """Return the length of a recording."""
        return self._store.size(index)

    def sha256(self, index: int) -> str:
        """Return the hash of a recording's file."""
        return str(self._store.facts[index]["sha256"])

    def samples(self, index: int, start: int = 0, size: int | None = None) -> FloatArray:
        """Return a stretch of a recording as (samples,) float32.

        Args:
            index: Which recording.
            start: First sample.
            size: Most samples; None for all.
        """
        stretch = self._store.part(index, start, self.num_samples(index) if size is None else size)
        factor = np.float32(self._store.facts[index]["peak"] / FULL_SCALE)
        samples: FloatArray = stretch.astype(np.float32) * factor
        return samples

    def corpus_hashes(self) -> dict[str, str]:
        """Return one hash of the files of each corpus, whatever their order."""
        names = sorted({utterance.corpus for utterance in self.utterances})
        return {
            name: hashlib.sha256(
                "\n".join(
                    sorted(
                        self.sha256(i) for i, u in enumerate(self.utterances) if u.corpus == name
                    )
                ).encode()
            ).hexdigest()
            for name in names
        }


def decode_audio(utterances: Sequence[Utterance], context: RunContext) -> DecodedAudio:
    """Return decoded recordings, from the cache where the same files were decoded before.

    Args:
        utterances: At least one; a file is the same while its size and time of change are.
        context: Progress and cancellation.

    Raises:
        AudioError: If a recording cannot be read or is empty.
        EngineError: If the cache cannot be written.
    """
    lines = [f"{VERSION}"]
    for utterance in utterances:
        try:
            status = utterance.path.stat()
        except OSError as error:
            raise AudioError(
                f"{utterance.path} cannot be read ({error.strerror}); correct the manifest or "
                "bring the file back."
            ) from error
        lines.append(f"{utterance.path}|{status.st_size}|{status.st_mtime_ns}")
    folder = store_folder("audio", "\n".join(lines))
    return DecodedAudio(utterances, make_store(folder, _decode(utterances, context), np.int16))


def _decode(
    utterances: Sequence[Utterance], context: RunContext
) -> Iterator[tuple[NDArray[np.int16], dict[str, Any]]]:
    for done, utterance in enumerate(utterances):
        context.report("decoding", done, len(utterances))
        samples = read_mono(utterance.path, SAMPLE_RATE_HZ)
        if not len(samples):
            raise AudioError(f"{utterance.path} holds no audio; take it out of the manifest.")
        peak = max(1.0, float(np.abs(samples).max()))
        scaled = np.round(samples / peak * FULL_SCALE).astype(np.int16)
        yield scaled, {"peak": peak, "sha256": hash_file(utterance.path)}
