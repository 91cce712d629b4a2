"""Recordings in which the emotion changes at a known time, put together from clips of one emotion.

Mostly the clips are of one speaker, so that what changes is the emotion and not the voice. Pauses
of random length hold room tone, clips differ in level, and some run into each other.

Shapes: N samples, T steps of 40 ms, K clips.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from clser_engine.audio.features import HOP_SAMPLES, SAMPLE_RATE_HZ, STEP_SAMPLES, num_steps
from clser_engine.data.manifest import Utterance
from clser_engine.errors import BadValueError
from clser_engine.training.noises import room_tone
from clser_engine.types import FloatArray

NOBODY = -1
SAME_SPEAKER = 0.85
SAME_EMOTION = 0.2  # chance that a clip has the emotion of the one before
SPEECH_BELOW_PEAK_DB = 32.0
BREATH_S = 0.2  # a dip between two words that is still speech
FADE_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Where one clip is heard.

    Args:
        start: Its first sample.
        end: The sample after its last.
        label: Class index.
    """

    start: int
    end: int
    label: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Concatenation:
    """A recording put together from clips.

    Args:
        samples: (N,) at 16 kHz.
        spans: K spans, in order, none overlapping.
        speech: (T,) whether somebody speaks, from the energy of the clips without the noise.
    """

    samples: FloatArray
    spans: tuple[Span, ...]
    speech: NDArray[np.bool]

    def step_labels(self) -> NDArray[np.int64]:
        """Return the class of each step (T,), `NOBODY` outside the spans."""
        labels = np.full(num_steps(len(self.samples)), NOBODY)
        for span in self.spans:
            first, last = (round(at / STEP_SAMPLES) for at in (span.start, span.end))
            labels[first:last] = span.label
        return labels


def draw_clips(utterances: Sequence[Utterance], rng: np.random.Generator) -> list[int]:
    """Draw two to four clips in order, none twice.

    Raises:
        BadValueError: If there are fewer than two.
    """
    if len(utterances) < 2:
        raise BadValueError(f"Bad utterances: got {len(utterances)}, expected at least two.")
    speakers = sorted({u.speaker_key for u in utterances})
    chosen = speakers[rng.integers(len(speakers))] if rng.random() < SAME_SPEAKER else None
    pool = [i for i, u in enumerate(utterances) if chosen in (None, u.speaker_key)]
    if len(pool) < 2:
        pool = list(range(len(utterances)))
    drawn: list[int] = []
    for _ in range(int(rng.integers(2, 5))):
        left = [i for i in pool if i not in drawn]
        last = utterances[drawn[-1]].emotion if drawn else None
        if drawn and rng.random() >= SAME_EMOTION:
            left = [i for i in left if utterances[i].emotion != last] or left
        if not left:
            break
        emotions = sorted({utterances[i].emotion for i in left})
        emotion = emotions[rng.integers(len(emotions))]
        drawn.append(int(rng.choice([i for i in left if utterances[i].emotion == emotion])))
    return drawn


def compose(
    clips: Sequence[FloatArray],
    labels: Sequence[int],
    rng: np.random.Generator,
    *,
    noise_below_db: tuple[float, float] = (35.0, 60.0),
) -> Concatenation:
    """Put clips in a row with pauses, cross-fades, room tone and differences in level.

    Args:
        clips: K arrays of samples; silence at their ends is cut off.
        labels: K class indices.
        rng: Decides all that is random.
        noise_below_db: How far the room tone is below the speech.
    """
    level_db = rng.uniform(-32.0, -16.0)
    start = round(rng.uniform(0, 0.6) * SAMPLE_RATE_HZ) if rng.random() < 0.5 else 0
    placed: list[tuple[int, FloatArray]] = []
    for clip in clips:
        first, last = speech_bounds(clip)
        words = clip[first:last] * _gain(clip[first:last], level_db + rng.uniform(-4, 4))
        placed.append((start, _faded(words)))
        start = max(0, start + len(words) + round(_pause_s(rng) * SAMPLE_RATE_HZ))
    end = max(at + len(words) for at, words in placed)
    size = end + round(rng.uniform(0, 0.6) * SAMPLE_RATE_HZ)
    samples = room_tone(size, level_db - rng.uniform(*noise_below_db), rng)
    frames: NDArray[np.bool] = np.zeros(2 * num_steps(size), dtype=bool)
    for at, words in placed:
        samples[at : at + len(words)] += words
        heard = speech_frames(words)
        frame = round(at / HOP_SAMPLES)
        part = frames[frame : frame + len(heard)]
        part |= heard[: len(part)]
    ends = [at + len(words) for at, words in placed]
    # Where two clips overlap, the change is in the middle.
    for i in range(len(placed) - 1):
        ends[i] = min(ends[i], (ends[i] + placed[i + 1][0]) // 2)
    starts = [placed[0][0]] + [max(at, ends[i]) for i, (at, _) in enumerate(placed[1:])]
    return Concatenation(
        samples=samples,
        spans=tuple(
            Span(start=s, end=e, label=int(label))
            for s, e, label in zip(starts, ends, labels, strict=True)
        ),
        speech=np.asarray(frames.reshape(-1, 2).any(axis=1)),
    )


def frame_levels_db(samples: FloatArray) -> NDArray[np.float64]:
    """Return the level of each whole frame of 20 ms in dB re full scale."""
    frames = samples[: len(samples) // HOP_SAMPLES * HOP_SAMPLES].reshape(-1, HOP_SAMPLES)
    levels: NDArray[np.float64] = 10 * np.log10(
        (frames.astype(np.float64) ** 2).mean(axis=1) + 1e-12
    )
    return levels


def speech_frames(samples: FloatArray) -> NDArray[np.bool]:
    """Return which frames of 20 ms of a quiet recording are speech, dips between words included."""
    levels = frame_levels_db(samples)
    if len(levels) == 0:
        return np.zeros(0, dtype=bool)
    loud = np.flatnonzero(levels > levels.max() - SPEECH_BELOW_PEAK_DB)
    found = np.zeros(len(levels), dtype=bool)
    found[loud] = True
    for before, after in pairwise(loud.tolist()):
        if after - before <= BREATH_S * SAMPLE_RATE_HZ / HOP_SAMPLES:
            found[before:after] = True
    return found


def speech_bounds(samples: FloatArray) -> tuple[int, int]:
    """Return the first sample of speech and the one after the last."""
    found = np.flatnonzero(speech_frames(samples))
    if len(found) == 0:
        return 0, len(samples)
    return int(found[0]) * HOP_SAMPLES, (int(found[-1]) + 1) * HOP_SAMPLES


def _pause_s(rng: np.random.Generator) -> float:
    """Draw what is between two clips: an overlap (below 0), next to nothing, or a pause."""
    kind = rng.random()
    if kind < 0.2:
        return -float(rng.uniform(0.02, 0.08))
    return float(rng.uniform(0, 0.15) if kind < 0.5 else rng.uniform(0.15, 1.2))


def _gain(samples: FloatArray, level_db: float) -> np.float32:
    power = float((samples.astype(np.float64) ** 2).mean()) if len(samples) else 0.0
    return np.float32(10 ** (level_db / 20) / np.sqrt(power + 1e-12))


def _faded(samples: FloatArray) -> FloatArray:
    """Return the samples faded in and out, so that no cut clicks."""
    size = min(round(FADE_S * SAMPLE_RATE_HZ), len(samples) // 2)
    ramp = np.linspace(0, 1, size, dtype=np.float32)
    faded = samples.astype(np.float32, copy=True)
    faded[:size] *= ramp
    faded[len(faded) - size :] *= ramp[::-1]
    return faded
