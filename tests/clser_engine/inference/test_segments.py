"""Tests of clser_engine.inference.segments."""

from dataclasses import replace

import numpy as np
import pytest

from clser_engine.inference.segments import (
    CHAPTER_S,
    Phrase,
    SegmentFinder,
    find_phrases,
    find_segments,
    label_frames,
)
from clser_engine.inference.smoothing import Smoothing
from clser_engine.types import EmotionSegment, Posteriors

CLASSES = ("x", "y")
PLAIN = Smoothing(stay=0.9, trust=1.0)


def make_posteriors(values, speech=None, rate=10.0):
    return Posteriors(
        classes=CLASSES,
        frame_rate_hz=rate,
        values=np.asarray(values, np.float32),
        speech=None if speech is None else np.asarray(speech, np.float32),
    )


def test_segments_cover_speech_and_nothing_else():
    posteriors = make_posteriors(
        [[0.9, 0.1]] * 10 + [[0.1, 0.9]] * 20, [0] * 5 + [1] * 20 + [0] * 5
    )

    found = find_segments(posteriors, PLAIN, 2.95)

    assert found == (
        EmotionSegment(start_s=0.5, end_s=1.0, emotion="x"),
        EmotionSegment(start_s=1.0, end_s=2.5, emotion="y"),
    )
    mute = replace(posteriors, speech=None)
    assert find_segments(mute, PLAIN, 2.95)[-1].end_s == 2.95
    assert find_segments(make_posteriors(np.zeros((0, 2)), []), PLAIN, 0.0) == ()


def test_a_declared_delay_is_taken_off():
    values = [[0.9, 0.1]] * 13 + [[0.1, 0.9]] * 17

    labels = label_frames(make_posteriors(values), replace(PLAIN, delay_s=0.3))

    assert labels.tolist() == [0] * 10 + [1] * 20


def test_a_voice_that_always_sounds_alike_is_compared_with_itself():
    values = [[0.95, 0.05]] * 50 + [[0.7, 0.3]] * 50

    labels = label_frames(make_posteriors(values), replace(PLAIN, centring=1.0))

    assert (labels[:45] == 0).all()
    assert (labels[55:] == 1).all()
    assert (label_frames(make_posteriors(values), PLAIN) == 0).all()


def test_phrases_end_at_pauses_and_changes():
    labels = np.array([0] * 6 + [1] * 6 + [0] * 6)
    spoken = np.ones(18, bool)
    spoken[[0, 14, 15]] = False

    assert find_phrases(labels, spoken, 1) == [
        Phrase(1, 6),
        Phrase(6, 12),
        Phrase(12, 14),
        Phrase(16, 18),
    ]


def test_a_short_phrase_joins_the_nearer_neighbour():
    labels, spoken = np.zeros(30, int), np.ones(30, bool)
    spoken[10:14] = spoken[16] = False  # 0-10, 14-16, 17-30

    assert find_phrases(labels, spoken, 5) == [Phrase(0, 10), Phrase(14, 30)]
    assert find_phrases(np.zeros(3, int), np.ones(3, bool), 5) == [Phrase(0, 3)]
    assert find_phrases(np.zeros(3, int), np.zeros(3, bool), 5) == []


def test_a_short_phrase_far_from_others_stays_alone():
    spoken = np.zeros(80, bool)
    spoken[:20] = spoken[50:53] = True

    assert find_phrases(np.zeros(80, int), spoken, 5) == [Phrase(0, 20), Phrase(50, 53)]


def test_phrases_are_judged_as_a_whole():
    """The judge is sure of the contrary of the frames, and has the last word at full weight."""
    values = [[0.6, 0.4]] * 20 + [[0.4, 0.6]] * 20
    speech = [1] * 18 + [0] * 4 + [1] * 18
    asked = []

    def judge(phrases):
        asked.append(phrases)
        return np.float32([[-3, 3], [3, -3]])

    posteriors = make_posteriors(values, speech)
    smoothing = replace(PLAIN, phrase_weight=1.0)
    found = label_frames(posteriors, smoothing, judge)

    assert asked == [[(0, 18), (22, 40)]]
    assert found.tolist() == [1] * 18 + [-1] * 4 + [0] * 18
    assert label_frames(posteriors, PLAIN, judge).tolist() == [0] * 18 + [-1] * 4 + [1] * 18
    assert len(asked) == 1


def test_a_single_phrase_is_judged_as_a_whole_too():
    values = np.tile(np.array([0.55, 0.45], np.float32), (40, 1))
    posteriors = Posteriors(
        classes=CLASSES, frame_rate_hz=10.0, values=values, speech=np.ones(40, np.float32)
    )

    def judge(phrases):
        assert phrases == [(0, 40)]
        return np.array([[0.0, 3.0]], np.float32)

    assert (label_frames(posteriors, PLAIN, judge) == 0).all()  # no weight is given to phrases
    assert (label_frames(posteriors, replace(PLAIN, phrase_weight=0.9), judge) == 1).all()


def test_no_segment_goes_beyond_the_end_of_the_recording():
    finder = SegmentFinder(PLAIN, CLASSES, 10.0, 160, lambda _: np.zeros((1, 2)))
    values = np.tile(np.array([0.9, 0.1], np.float32), (20, 1))

    finder.add(np.zeros(3100, np.float32), values, np.ones(20, np.float32))

    assert finder.finish(1.94) == (EmotionSegment(start_s=0.0, end_s=1.94, emotion="x"),)


@pytest.mark.parametrize("size", [7, 400])
def test_a_long_recording_comes_in_chapters(size):
    rate, step = 10.0, 160
    frames = int(2.5 * CHAPTER_S * rate)
    values = np.full((frames, 2), 0.1, np.float32)
    values[: frames // 2, 0] = values[frames // 2 :, 1] = 0.9
    samples = np.zeros(frames * step, np.float32)
    heard = []

    def judge(phrases):
        heard.append(sum(len(phrase) for phrase in phrases))
        return np.zeros((len(phrases), 2), np.float32)

    smoothing = replace(PLAIN, phrase_weight=0.5)
    finder = SegmentFinder(smoothing, CLASSES, rate, step, judge)
    for start in range(0, frames, size):
        part = slice(start, start + size)
        finder.add(
            samples[start * step : (start + size) * step],
            values[part],
            np.ones(len(values[part]), np.float32),
        )
        assert sum(len(held[1]) for held in finder._parts) < CHAPTER_S * rate + size

    assert finder.finish(frames / rate) == (
        EmotionSegment(start_s=0.0, end_s=frames / 2 / rate, emotion="x"),
        EmotionSegment(start_s=frames / 2 / rate, end_s=frames / rate, emotion="y"),
    )
    assert len(heard) == 3
    assert max(heard) <= CHAPTER_S * rate * step + size * step
