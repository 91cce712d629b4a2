"""Stretches of one emotion in a recording: phrases found by the frames, judged as a whole.

Frames say where an emotion may change; a whole phrase says better which it is, and better still
relative to the other phrases of the recording, as a recording relative to its project. So phrases
between pauses and changes are judged by the utterance classifier too, and both are weighed.

Shapes: T frames, C classes, P phrases, N samples, D functionals.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from clser_engine.inference.smoothing import (
    Smoothing,
    centred,
    find_speech,
    smooth,
    to_segments,
)
from clser_engine.types import EmotionSegment, FloatArray, Posteriors

JudgePhrases = Callable[[list[tuple[int, int]]], FloatArray]
"""From phrases as first and last frame (not included) to the logits (P, C) of each by itself."""

CHAPTER_S = 120.0  # the phrases of a chapter are judged relative to each other
JOINED_WITHIN = 25  # frames
CENTRED = 0.3
"""Share of the phrases' mean log-posterior that is taken off each: what a voice always sounds like.
More is better where the emotion changes and much worse where a recording has one throughout. (The
head that compares recordings of a project expects more of them than a recording has phrases.)"""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Frames `first` to `last`, the latter not included."""

    first: int
    last: int


def find_segments(
    posteriors: Posteriors,
    smoothing: Smoothing,
    duration_s: float,
    judge: JudgePhrases | None = None,
) -> tuple[EmotionSegment, ...]:
    """Return the stretches of one emotion, in order; where nobody speaks there is none.

    Args:
        posteriors: Of a whole recording, or of minutes of one.
        smoothing: How much.
        duration_s: Its length, where the last frame is cut.
        judge: Judges phrases as a whole; None leaves it to the frames.
    """
    labels = label_frames(posteriors, smoothing, judge)
    return to_segments(labels, posteriors.classes, posteriors.frame_rate_hz, duration_s)


def label_frames(
    posteriors: Posteriors, smoothing: Smoothing, judge: JudgePhrases | None = None
) -> NDArray[np.int64]:
    """Return the class of each frame (T,), -1 where nobody speaks."""
    if len(posteriors.values) == 0:
        return np.zeros(0, np.int64)
    rate = posteriors.frame_rate_hz
    logs = _earlier(centred(posteriors.values, smoothing, posteriors.speech), smoothing, rate)
    evidence = np.exp(logs - logs.max(axis=1, keepdims=True)).astype(np.float32)
    labels: NDArray[np.int64] = smooth(evidence, smoothing, posteriors.speech).argmax(axis=1)
    spoken = np.ones(len(labels), dtype=bool)
    if posteriors.speech is not None:
        spoken = find_speech(posteriors.speech, rate, smoothing)
        if judge is not None and smoothing.phrase_weight > 0:
            finer = replace(smoothing, shortest_pause_s=smoothing.phrase_pause_s)
            heard = find_speech(posteriors.speech, rate, finer)
            phrases = find_phrases(labels, heard, round(smoothing.shortest_phrase_s * rate))
            if phrases:
                labels = _judged(phrases, logs, len(labels), smoothing.phrase_weight, judge)
    labels[~spoken] = -1
    return labels


def find_phrases(
    labels: NDArray[np.int64], spoken: NDArray[np.bool], shortest: int
) -> list[Phrase]:
    """Return stretches of speech of one class, the short ones joined to the nearest neighbour.

    Args:
        labels: (T,) class of each frame.
        spoken: (T,) whether somebody speaks.
        shortest: Frames that a phrase has at least, where it has a neighbour within a second.
    """
    found: list[Phrase] = []
    frame = 0
    for label, members in groupby(np.where(spoken, labels, -1).tolist()):
        first, frame = frame, frame + len(list(members))
        if label >= 0:
            found.append(Phrase(first, frame))
    number = 0
    while number < len(found):
        phrase = found[number]
        near = {
            other: max(phrase.first, found[other].first) - min(phrase.last, found[other].last)
            for other in (number - 1, number + 1)
            if 0 <= other < len(found)
        }
        closest = min(near, key=lambda other: near[other], default=None)
        short = phrase.last - phrase.first < shortest
        if closest is None or not short or near[closest] > JOINED_WITHIN:
            number += 1
            continue
        low, high = sorted((number, closest))
        found[low : high + 1] = [Phrase(found[low].first, found[high].last)]
        number = low
    return found


def _judged(
    phrases: list[Phrase],
    logs: NDArray[np.float64],
    num_frames: int,
    weight: float,
    judge: JudgePhrases,
) -> NDArray[np.int64]:
    """Return the class of each frame (T,) from its phrase; between phrases, of the nearer one."""
    whole = _log_softmax(judge([(phrase.first, phrase.last) for phrase in phrases]))  # (P, C)
    whole = whole - CENTRED * whole.mean(axis=0)
    frames = np.stack([logs[p.first : p.last].mean(axis=0) for p in phrases])
    scores = weight * _log_softmax(whole) + (1 - weight) * _log_softmax(frames)
    classes = scores.argmax(axis=1)
    edges = [(before.last + after.first) // 2 for before, after in pairwise(phrases)]
    counts = np.diff([0, *edges, num_frames])
    return np.repeat(classes, counts)


def _earlier(logs: NDArray[np.float64], smoothing: Smoothing, rate: float) -> NDArray[np.float64]:
    """Return (T, C) with each frame in the place of the one `delay_s` before."""
    delay = min(round(smoothing.delay_s * rate), len(logs) - 1)
    return np.concatenate([logs[delay:], np.repeat(logs[-1:], delay, axis=0)])


def _log_softmax(values: NDArray[np.floating]) -> NDArray[np.float64]:
    shifted = values.astype(np.float64) - values.max(axis=1, keepdims=True)
    logs: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs


class SegmentFinder:
    """Finds the segments of a recording that comes in parts, holding minutes of it at most.

    Args:
        smoothing: How frames become segments.
        classes: Emotion names.
        frame_rate_hz: Frames per second.
        rows: Rows of the material in a frame.
        judge: Judges phrases, given their material: logits (P, C) of each by itself.
    """

    def __init__(
        self,
        smoothing: Smoothing,
        classes: tuple[str, ...],
        frame_rate_hz: float,
        rows: int,
        judge: Callable[[list[FloatArray]], FloatArray],
    ) -> None:
        self._smoothing, self._classes, self._rate = smoothing, classes, frame_rate_hz
        self._rows, self._judge = rows, judge
        self._parts: list[tuple[FloatArray, FloatArray, FloatArray]] = []
        self._found: list[EmotionSegment] = []
        self._first = 0  # frame at which the chapter starts

    def add(self, material: FloatArray, values: FloatArray, speech: FloatArray) -> None:
        """Take the next posteriors (T, C), speech (T,) and what phrases are judged by.

        Args:
            material: Samples (N,) or descriptors (2 T, K); the last frame may lack some rows.
            values: (T, C).
            speech: (T,).
        """
        self._parts.append((material, values, speech))
        if sum(len(part[1]) for part in self._parts) >= CHAPTER_S * self._rate:
            self._close()

    def finish(self, duration_s: float) -> tuple[EmotionSegment, ...]:
        """Return all segments, in order, none after the end of the recording."""
        if self._parts:
            self._close(duration_s)
        return tuple(self._found)

    def _close(self, end_s: float = math.inf) -> None:
        material, values, speech = (
            np.concatenate([part[i] for part in self._parts]) for i in range(3)
        )
        posteriors = Posteriors(
            classes=self._classes, frame_rate_hz=self._rate, values=values, speech=speech
        )

        def judge(phrases: list[tuple[int, int]]) -> FloatArray:
            rows = self._rows
            return self._judge([material[first * rows : last * rows] for first, last in phrases])

        start_s = self._first / self._rate
        for segment in find_segments(posteriors, self._smoothing, end_s - start_s, judge):
            moved = replace(
                segment, start_s=segment.start_s + start_s, end_s=segment.end_s + start_s
            )
            last = self._found[-1] if self._found else None
            # A stretch that goes on in the next chapter is one.
            if last and last.end_s == moved.start_s and last.emotion == moved.emotion:
                moved = replace(last, end_s=moved.end_s)
                self._found.pop()
            self._found.append(moved)
        self._first += len(values)
        self._parts = []
