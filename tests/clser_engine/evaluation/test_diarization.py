"""Tests of clser_engine.evaluation.diarization."""

from itertools import combinations, permutations

import numpy as np
import pytest

from clser_engine.errors import BadValueError
from clser_engine.evaluation.diarization import (
    DiarizationErrors,
    boundary_f1,
    change_points,
    diarization_errors,
    match_points,
)
from clser_engine.types import EmotionSegment


def segments(*rows):
    return [EmotionSegment(start_s=s, end_s=e, emotion=emotion) for s, e, emotion in rows]


def random_segments(rng):
    edges = np.sort(rng.choice(np.arange(0, 60), 8, replace=False)) / 10
    return segments(
        *((s, e, str(rng.choice(["a", "b", "c"]))) for s, e in edges.reshape(-1, 2).tolist())
    )


def errors_by_hand(reference, hypothesis):
    """Look at the middle of every 100 ms, where all edges lie."""

    def label(rows, time_s):
        return next((r.emotion for r in rows if r.start_s <= time_s < r.end_s), None)

    counts = {"missed": 0, "false alarm": 0, "confusion": 0, "total": 0}
    for tick in range(60):
        wanted, found = (label(rows, (tick + 0.5) / 10) for rows in (reference, hypothesis))
        counts["total"] += wanted is not None
        if wanted is not None and found is None:
            counts["missed"] += 1
        elif wanted is None and found is not None:
            counts["false alarm"] += 1
        elif wanted != found:
            counts["confusion"] += 1
    return counts


@pytest.mark.parametrize("seed", range(8))
def test_errors_equal_a_slow_loop_over_time(seed):
    rng = np.random.default_rng(seed)
    reference, hypothesis = random_segments(rng), random_segments(rng)

    found = diarization_errors(reference, hypothesis, 6.0)

    expected = errors_by_hand(reference, hypothesis)
    assert found.missed_s == pytest.approx(expected["missed"] / 10)
    assert found.false_alarm_s == pytest.approx(expected["false alarm"] / 10)
    assert found.confusion_s == pytest.approx(expected["confusion"] / 10)
    assert found.spoken_s == pytest.approx(expected["total"] / 10)
    errors = expected["missed"] + expected["false alarm"] + expected["confusion"]
    assert found.rate == pytest.approx(100 * errors / 60)
    assert found.rate_of_speech == pytest.approx(100 * errors / expected["total"])


def test_the_reference_itself_has_no_error_and_nothing_misses_all():
    reference = segments((0, 2, "a"), (2.5, 4, "b"))

    assert diarization_errors(reference, reference, 10.0).rate == 0
    nothing = diarization_errors(reference, [], 10.0)
    assert (nothing.rate, nothing.rate_of_speech) == (35, 100)
    everything = diarization_errors(reference, segments((0, 10, "c")), 10.0)
    assert everything.rate == 100
    assert everything.rate_of_speech == pytest.approx(100 * 10 / 3.5)


def test_errors_add_up():
    one = DiarizationErrors(missed_s=1, false_alarm_s=0, confusion_s=2, spoken_s=4, length_s=6)
    other = DiarizationErrors(missed_s=0, false_alarm_s=1, confusion_s=0, spoken_s=6, length_s=10)

    assert (one + other).rate == pytest.approx(25)
    assert (one + other).rate_of_speech == pytest.approx(40)


def test_a_reference_without_emotion_is_named():
    with pytest.raises(BadValueError) as raised:
        _ = diarization_errors([], segments((0, 1, "a")), 1.0).rate_of_speech
    assert str(raised.value) == "Bad reference: got no emotion, expected at least one segment."
    with pytest.raises(BadValueError) as raised:
        _ = diarization_errors([], [], 0.0).rate
    assert str(raised.value) == "Bad length: got 0 s, expected above 0."


def test_only_changes_of_emotion_are_change_points():
    rows = segments((0, 1, "a"), (1.5, 2, "a"), (2, 3, "b"), (4, 5, "a"))

    assert change_points(rows) == [2, 4]
    assert change_points(rows[:1]) == change_points([]) == []


def matches_by_hand(reference, hypothesis, tolerance):
    """Try every way to pair points."""
    for size in range(min(len(reference), len(hypothesis)), 0, -1):
        for chosen in combinations(reference, size):
            for others in permutations(hypothesis, size):
                if all(abs(a - b) <= tolerance for a, b in zip(chosen, others, strict=True)):
                    return size
    return 0


@pytest.mark.parametrize("seed", range(10))
def test_matched_points_are_as_many_as_any_pairing_gives(seed):
    rng = np.random.default_rng(seed)
    reference, hypothesis = rng.integers(0, 12, 4) / 10.0, rng.integers(0, 12, 4) / 10.0

    found = match_points(list(reference), list(hypothesis), 0.15)

    assert found == matches_by_hand(reference.tolist(), hypothesis.tolist(), 0.15)


def test_f1_of_boundaries():
    assert boundary_f1(0, 0, 0) == 100
    assert boundary_f1(0, 3, 0) == 0
    assert boundary_f1(2, 3, 5) == pytest.approx(100 * 2 * (2 / 5) * (2 / 3) / (2 / 5 + 2 / 3))
