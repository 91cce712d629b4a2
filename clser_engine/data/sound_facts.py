"""What a recording sounds like in a few numbers, measured for thousands of files in parallel.

Levels are in dB relative to full scale. The level of a recording is that of its louder frames
(those within 25 dB of the loudest 20 ms), so that pauses do not make a voice quiet.
"""

import hashlib
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clser_engine.audio.read import LARGEST_SAMPLE, AudioReader, downmix
from clser_engine.errors import AudioError
from clser_engine.runtime import RunContext
from clser_engine.types import FloatArray

BLOCK_S = 30.0
FRAME_S = 0.02
ENVELOPE_HZ = 100
ENVELOPE_S = 60.0  # of longer recordings the beginning says enough
FULL_SCALE = 0.999
ACTIVE_DB = 25.0
SILENT_DB = -120.0
MAX_THREADS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFacts:
    """Measured facts about one recording.

    Args:
        duration_s: Length that can be read.
        sample_rate_hz: As stored.
        channels: As stored.
        peak: Largest absolute sample; 1 is full scale.
        full_scale_share: Part of the samples at full scale.
        level_db: Level of the louder frames.
        file_sha256: Of the file's bytes.
        sound_sha256: Of the samples at 16 bits without digital silence at either end: equal for
            lossless copies in another container, with another header or with padding.
        envelope: Level at 100 Hz in dB below the loudest, 0 to 60, of the first minute: alike for
            copies at another rate or gain, or after lossy coding.
    """

    duration_s: float
    sample_rate_hz: int
    channels: int
    peak: float
    full_scale_share: float
    level_db: float
    file_sha256: str
    sound_sha256: str
    envelope: bytes


def measure_sound(path: Path) -> SoundFacts:
    """Measure one recording.

    Raises:
        AudioError: If it cannot be read.
    """
    digest = hashlib.sha256()
    powers, envelope = [], []
    peak, at_full_scale, silence = 0.0, 0, 0
    has_begun = False
    with AudioReader(path) as reader:
        info = reader.info
        rate = info.sample_rate_hz
        frame, step = max(1, round(FRAME_S * rate)), max(1, round(rate / ENVELOPE_HZ))
        whole = math.lcm(frame, step)  # so that no frame is cut where a block ends
        block = whole * math.ceil(BLOCK_S * rate / whole)
        for start in range(0, info.num_frames, block):
            samples = reader.read(start, block)
            if not len(samples):
                break
            loudest = np.abs(samples).max(axis=1)
            if not (loudest < LARGEST_SAMPLE).all():  # no number is not below it either
                raise AudioError(
                    f"{path} has a sample that is no sound; repair it in an audio editor or export "
                    "it again."
                )
            peak = max(peak, float(loudest.max()))
            at_full_scale += int((loudest >= FULL_SCALE).sum())
            mono = downmix(samples)
            powers.append(_frame_powers(mono, frame))
            if start < ENVELOPE_S * rate:
                envelope.append(_frame_powers(mono, step))
            coded = np.rint(mono * 32767.0).astype("<i4")
            sounding = np.flatnonzero(coded)
            if not len(sounding):
                silence += len(coded) if has_begun else 0
                continue
            first = 0 if has_begun else int(sounding[0])
            digest.update(b"\0\0\0\0" * silence)
            digest.update(coded[first : sounding[-1] + 1].tobytes())
            silence, has_begun = len(coded) - 1 - int(sounding[-1]), True
    digest.update(f"{rate}".encode())
    return SoundFacts(
        duration_s=info.duration_s,
        sample_rate_hz=rate,
        channels=info.channels,
        peak=peak,
        full_scale_share=at_full_scale / info.num_frames,
        level_db=_level_db(np.concatenate(powers)),
        file_sha256=_hash_bytes(path),
        sound_sha256=digest.hexdigest(),
        envelope=_encode_envelope(np.concatenate(envelope)),
    )


def measure_sounds(
    paths: Sequence[Path], context: RunContext | None = None, threads: int | None = None
) -> list[SoundFacts | AudioError]:
    """Measure many recordings at once.

    Threads, not processes: decoding, sums and hashes run outside Python's lock, and a process would
    take longer to start than hundreds of recordings to measure.

    Args:
        paths: The recordings.
        context: Progress in recordings; cancels.
        threads: How many; by default one for each core, at most 8.

    Returns:
        For each recording its facts, or the error that says why there are none.

    Raises:
        Cancelled: If somebody asked to stop.
    """
    context = context or RunContext()
    measured: list[SoundFacts | AudioError] = []
    pool = ThreadPoolExecutor(threads or min(_count_cores(), MAX_THREADS))
    try:
        for one in pool.map(_try, paths):
            measured.append(one)
            context.report("audio", len(measured), len(paths))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return measured


def _try(path: Path) -> SoundFacts | AudioError:
    try:
        return measure_sound(path)
    except AudioError as error:
        return error


def _count_cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _frame_powers(mono: FloatArray, frame: int) -> FloatArray:
    """Return the mean power of each frame; the rest at the end counts as a frame of its own."""
    whole = len(mono) - len(mono) % frame
    squares = np.square(mono, dtype=np.float32)
    powers = squares[:whole].reshape(-1, frame).mean(axis=1)
    return np.append(powers, squares[whole:].mean()) if whole < len(mono) else powers


def _level_db(powers: FloatArray) -> float:
    loudest = float(powers.max())
    if loudest <= 10.0 ** (SILENT_DB / 10.0):
        return SILENT_DB
    active = powers[powers >= loudest * 10.0 ** (-ACTIVE_DB / 10.0)]
    return float(10.0 * np.log10(active.mean(dtype=np.float64)))


def _encode_envelope(powers: FloatArray) -> bytes:
    below = 10.0 * np.log10(np.maximum(powers, 1e-12) / max(float(powers.max()), 1e-12))
    return np.rint(np.minimum(-below, 60.0)).astype(np.uint8).tobytes()


def _hash_bytes(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
