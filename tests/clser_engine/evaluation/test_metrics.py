"""Tests of clser_engine.evaluation.metrics."""

import numpy as np
import pytest

from clser_engine.errors import BadValueError
from clser_engine.evaluation.metrics import (
    accuracy,
    expected_calibration_error,
    interval,
    macro_f1,
    uar,
    uar_over_speakers,
)


@pytest.fixture
def answers():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 200)
    predicted = np.where(rng.random(200) < 0.6, truth, rng.integers(0, 4, 200))
    return truth, predicted


def uar_by_hand(truth, predicted):
    found = []
    for label in sorted(set(truth.tolist())):
        rows = [i for i in range(len(truth)) if truth[i] == label]
        found.append(sum(predicted[i] == label for i in rows) / len(rows))
    return 100 * sum(found) / len(found)


def test_uar_equals_a_slow_loop_and_ignores_class_sizes(answers):
    truth, predicted = answers

    assert uar(truth, predicted, 4) == pytest.approx(uar_by_hand(truth, predicted))
    assert uar(np.array([0] * 99 + [1]), np.zeros(100, int), 2) == 50


def test_a_class_that_does_not_occur_does_not_count():
    assert uar(np.array([0, 0, 2]), np.array([0, 0, 1]), 4) == 50


def test_macro_f1_equals_a_slow_loop(answers):
    truth, predicted = answers
    scores = []
    for label in range(4):
        hits = sum(t == label == p for t, p in zip(truth, predicted, strict=True))
        precision = hits / sum(p == label for p in predicted)
        recall = hits / sum(t == label for t in truth)
        scores.append(2 * precision * recall / (precision + recall))

    assert macro_f1(truth, predicted, 4) == pytest.approx(100 * np.mean(scores))


def test_accuracy_is_the_share_of_right_answers():
    assert accuracy(np.array([0, 1, 1, 3]), np.array([0, 1, 2, 3])) == 75


def test_calibration_error_equals_a_slow_loop():
    rng = np.random.default_rng(1)
    posteriors = rng.dirichlet(np.ones(3), 300)
    truth = rng.integers(0, 3, 300)
    gap = 0.0
    for low in range(15):
        rows = [i for i in range(300) if low <= posteriors[i].max() * 15 < low + 1]
        if rows:
            right = sum(posteriors[i].argmax() == truth[i] for i in rows) / len(rows)
            sure = sum(posteriors[i].max() for i in rows) / len(rows)
            gap += len(rows) / 300 * abs(right - sure)

    assert expected_calibration_error(truth, posteriors) == pytest.approx(100 * gap)


def test_full_confidence_has_a_bin():
    assert expected_calibration_error(np.array([0]), np.array([[1.0, 0.0]])) == 0


def test_draws_over_speakers_equal_a_slow_bootstrap(answers):
    truth, predicted = answers
    speakers = [f"s{i % 7}" for i in range(200)]

    found = uar_over_speakers(truth, predicted, speakers, 4, draws=20, seed=5)

    times = np.random.default_rng(5).multinomial(7, np.full(7, 1 / 7), size=20)
    for draw in range(20):
        rows = [i for s in range(7) for _ in range(times[draw, s]) for i in range(s, 200, 7)]
        assert found[draw] == pytest.approx(uar_by_hand(truth[rows], predicted[rows]))


def test_speakers_are_drawn_whole():
    truth = np.zeros(10, int)
    predicted = np.array([0] * 5 + [1] * 5)

    drawn = uar_over_speakers(truth, predicted, ["a"] * 5 + ["b"] * 5, 2)

    assert set(drawn.tolist()) == {0.0, 50.0, 100.0}


def test_a_class_counts_in_a_draw_in_which_it_occurs_once():
    drawn = uar_over_speakers(np.array([0, 1]), np.array([0, 0]), ["a", "a"], 2, draws=3)

    assert drawn.tolist() == [50.0, 50.0, 50.0]


def test_interval_holds_the_middle():
    assert interval(np.arange(1001.0)) == pytest.approx((25.0, 975.0))


def test_no_recording_is_refused():
    with pytest.raises(BadValueError) as raised:
        uar(np.zeros(0, int), np.zeros(0, int), 4)

    assert str(raised.value) == "Bad truth: got no recording, expected at least one."
