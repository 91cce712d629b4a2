"""Finding recordings that are there twice, whatever was done to the copy.

Equal bytes and equal samples are told by hashes. A copy at another rate, at another gain or after
lossy coding is first suspected by its envelope and then confirmed by correlating the waveforms.

Shapes: T samples of one recording, L frames of an envelope.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clser_engine.audio.read import read_mono
from clser_engine.data.sound_facts import ENVELOPE_S, SoundFacts
from clser_engine.errors import AudioError
from clser_engine.types import FloatArray

VOICE_DB = 40  # frames further below the loudest are cut off at both ends
SHORTEST_FRAMES = 10
LENGTH_FRAMES = 4  # coding moves the ends of a recording by less
SUSPICION = 0.95
CERTAINTY = 0.9
RATE_HZ = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """Recordings that hold the same sound.

    Args:
        indices: Which ones, in order.
        kind: `same file`, `same samples`, or `same sound` after coding or resampling.
    """

    indices: tuple[int, ...]
    kind: str


def find_duplicates(
    paths: Sequence[Path], facts: Sequence[SoundFacts | AudioError]
) -> list[Duplicates]:
    """Return groups of recordings with the same sound; each recording is in one group at most.

    Args:
        paths: The recordings.
        facts: What was measured of each.
    """
    sounds = {index: one for index, one in enumerate(facts) if isinstance(one, SoundFacts)}
    groups: dict[str, list[int]] = defaultdict(list)
    for index, one in sounds.items():
        groups[one.sound_sha256].append(index)
    found = []
    for group in groups.values():
        if len(group) > 1:
            files = {sounds[index].file_sha256 for index in group}
            kind = "same file" if len(files) == 1 else "same samples"
            found.append(Duplicates(indices=tuple(group), kind=kind))
    taken = {index for duplicates in found for index in duplicates.indices}
    for pair in _suspects({group[0]: sounds[group[0]] for group in groups.values()}):
        if taken.isdisjoint(pair) and _is_same_sound(*(paths[index] for index in pair)):
            taken.update(pair)
            found.append(Duplicates(indices=pair, kind="same sound"))
    return sorted(found, key=lambda duplicates: duplicates.indices)


def _suspects(sounds: Mapping[int, SoundFacts]) -> list[tuple[int, int]]:
    """Return pairs of indices, the smaller first, whose envelopes are nearly equal."""
    by_length: dict[int, list[tuple[int, FloatArray]]] = defaultdict(list)
    for index, one in sounds.items():
        envelope = _trim(np.frombuffer(one.envelope, np.uint8).astype(np.float32))
        if len(envelope) >= SHORTEST_FRAMES:
            by_length[len(envelope)].append((index, envelope))
    pairs: set[tuple[int, int]] = set()
    for length, group in by_length.items():
        short = _unit(np.stack([envelope for _, envelope in group]))
        for more in range(LENGTH_FRAMES + 1):
            others = by_length.get(length + more, [])
            for shift in range(more + 1):
                if not others:
                    continue
                cut = np.stack([envelope[shift : shift + length] for _, envelope in others])
                for row, column in np.argwhere(short @ _unit(cut).T >= SUSPICION):
                    pair = sorted((group[row][0], others[column][0]))
                    if pair[0] != pair[1]:
                        pairs.add((pair[0], pair[1]))
    return sorted(pairs)


def _trim(envelope: FloatArray) -> FloatArray:
    loud = np.flatnonzero(envelope <= VOICE_DB)
    smooth = np.convolve(envelope, np.full(3, 1 / 3, np.float32), mode="same")
    return smooth[loud[0] : loud[-1] + 1] if len(loud) else smooth[:0]


def _unit(rows: FloatArray) -> FloatArray:
    """Return rows without their mean and of length 1; constant rows become 0."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: FloatArray = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    return unit


def _is_same_sound(one: Path, other: Path) -> bool:
    """Whether the waveforms are one, up to a shift, a gain and what coding changes."""
    try:
        waves = [read_mono(path, RATE_HZ, 0.0, ENVELOPE_S) for path in (one, other)]
    except AudioError:
        return False
    left, right = (wave.astype(np.float64) - wave.mean() for wave in waves)
    norm = float(np.linalg.norm(left) * np.linalg.norm(right))
    if norm == 0.0:
        return False
    size = len(left) + len(right)  # so that nothing wraps around
    product = np.fft.rfft(left, size) * np.fft.rfft(right, size).conj()
    return bool(np.abs(np.fft.irfft(product, size)).max() / norm >= CERTAINTY)
