"""Training of the frame branch on recordings in which the emotion changes at a known time.

The inputs of its classifier are not learned, so they are computed once a corpus; what is fitted is
a discriminant of frames drawn from them, which compares emotions within each corpus only.

Shapes: F frames, T steps of 40 ms, D inputs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from clser_engine.audio.features import SAMPLE_RATE_HZ, FrameDescriptors
from clser_engine.audio.read import read_mono
from clser_engine.data.features_cache import recordings_hash
from clser_engine.data.manifest import Utterance
from clser_engine.models.frame_branch import FrameBranch
from clser_engine.runtime import RunContext
from clser_engine.training.concatenations import NOBODY, compose, draw_clips
from clser_engine.training.discriminant import fit_discriminant
from clser_engine.types import FloatArray

CONCATENATIONS = 300  # of each corpus, about 45 minutes
SPEEDS = (0.9, 0.95, 1.0, 1.0, 1.06, 1.12)
NOISE_BELOW_DB = (15.0, 65.0)
GRACE_STEPS = 8  # after a change, frames that have heard too little of what is new
EVERY_STEPS = 12  # neighbouring frames are nearly the same


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameExamples:
    """Frames of one corpus.

    Args:
        inputs: (F, D).
        labels: (F,) class indices.
    """

    inputs: FloatArray
    labels: NDArray[np.int64]


_made: dict[str, FrameExamples] = {}
"""Examples by corpus: models that leave out one corpus or another share those of the rest."""


def train_frames(
    branch: FrameBranch,
    utterances: Sequence[Utterance],
    classes: Sequence[str],
    *,
    count: int = CONCATENATIONS,
    shrinkage: float,
    seed: int,
    context: RunContext,
) -> None:
    """Fit the classifier of the branch in place.

    Args:
        branch: What to train; left in evaluation mode.
        utterances: Recordings of one emotion each.
        classes: Emotion names in the order of the outputs.
        count: Concatenations of each corpus.
        shrinkage: Of the covariance; see `fit_discriminant`.
        seed: Start of the random numbers.
        context: Progress and cancellation.
    """
    corpora = sorted({u.corpus for u in utterances})
    parts = []
    for number, corpus in enumerate(corpora):
        context.report("frames", number, len(corpora))
        members = [u for u in utterances if u.corpus == corpus]
        parts.append(examples_of(branch, members, classes, count, seed))
    fit_discriminant(
        branch.head,
        np.concatenate([part.inputs for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.repeat(corpora, [len(part.labels) for part in parts]).tolist(),
        shrinkage,
    )
    branch.eval()


def examples_of(
    branch: FrameBranch,
    utterances: Sequence[Utterance],
    classes: Sequence[str],
    count: int,
    seed: int,
) -> FrameExamples:
    """Return frames of concatenations of one corpus, made once a process."""
    key = f"{recordings_hash(utterances)} {','.join(classes)} {count} {seed}"
    if key not in _made:
        _made[key] = _make_examples(branch, utterances, classes, count, seed)
    return _made[key]


@torch.inference_mode()
def _make_examples(
    branch: FrameBranch,
    utterances: Sequence[Utterance],
    classes: Sequence[str],
    count: int,
    seed: int,
) -> FrameExamples:
    rng = np.random.default_rng(seed)
    describe = FrameDescriptors().eval()
    read: dict[int, FloatArray] = {}
    inputs, labels = [], []
    for _ in range(count):
        drawn = draw_clips(utterances, rng)
        for index in drawn:
            if index not in read:
                read[index] = read_mono(utterances[index].path)
        speed = float(rng.choice(SPEEDS))
        made = compose(
            [_at_speed(read[index], speed) for index in drawn],
            [classes.index(utterances[index].emotion) for index in drawn],
            rng,
            noise_below_db=NOISE_BELOW_DB,
        )
        found, active = branch.inputs(describe(torch.from_numpy(made.samples)[None]))
        chosen = _choose(made.step_labels(), active[0].numpy(), rng)
        inputs.append(found[0].numpy()[chosen])
        labels.append(made.step_labels()[chosen])
    return FrameExamples(inputs=np.concatenate(inputs), labels=np.concatenate(labels))


def _choose(
    labels: NDArray[np.int64], active: NDArray[np.bool], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return every so many of the active frames that have heard enough of their clip."""
    changed = np.diff(labels, prepend=NOBODY) != 0
    since = np.arange(len(labels)) - np.maximum.accumulate(
        np.where(changed, np.arange(len(labels)), 0)
    )
    usable = np.flatnonzero((labels != NOBODY) & active & (since >= GRACE_STEPS))
    chosen: NDArray[np.int64] = usable[int(rng.integers(EVERY_STEPS)) :: EVERY_STEPS]
    return chosen


def _at_speed(samples: FloatArray, speed: float) -> FloatArray:
    """Return samples played faster (above 1) or slower, pitch included."""
    if speed == 1.0:
        return samples
    resampled: FloatArray = soxr.resample(samples, SAMPLE_RATE_HZ * speed, SAMPLE_RATE_HZ)
    return resampled.astype(np.float32)
