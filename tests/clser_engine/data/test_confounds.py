"""Tests of clser_engine.data.confounds."""

import math
from collections import Counter

import numpy as np
import pytest

from clser_engine.data.confounds import measure_confound


def uncertainty_by_hand(emotions, others):
    """I(E; S) / H(E) from its definition, with loops over all pairs."""
    n = len(emotions)
    p_e, p_s = Counter(emotions), Counter(others)
    p_es = Counter(zip(emotions, others, strict=True))
    information = sum(
        count / n * math.log((count / n) / (p_e[e] / n * p_s[s] / n))
        for (e, s), count in p_es.items()
    )
    return information / -sum(c / n * math.log(c / n) for c in p_e.values())


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_definition(seed):
    rng = np.random.default_rng(seed)
    emotions = [f"e{i}" for i in rng.integers(0, 4, 60)]
    others = [f"s{i}" for i in rng.integers(0, 7, 60)]

    share = measure_confound(emotions, others).share

    assert share == pytest.approx(uncertainty_by_hand(emotions, others), rel=1e-9)


def test_one_emotion_a_speaker_is_a_strong_confound():
    emotions = ["anger"] * 6 + ["sadness"] * 6
    speakers = ["a", "b", "c"] * 2 + ["d", "e", "f"] * 2

    confound = measure_confound(emotions, speakers)

    assert confound.share == pytest.approx(1.0)
    assert confound.is_strong
    assert 0.5 < confound.beyond_chance <= 1.0


def test_balanced_speakers_are_none():
    emotions = ["anger", "sadness", "neutral"] * 30
    speakers = [f"s{i // 9}" for i in range(90)]

    confound = measure_confound(emotions, speakers)

    assert confound.share == pytest.approx(0.0, abs=1e-12)
    assert not confound.is_strong


def test_chance_is_not_taken_for_a_confound():
    """60 speakers in 120 clips: chance alone gives half of the emotion away."""
    rng = np.random.default_rng(3)
    emotions = [f"e{i}" for i in rng.integers(0, 4, 120)]
    speakers = [f"s{i % 60}" for i in range(120)]

    confound = measure_confound(emotions, speakers)

    assert confound.share > 0.3
    assert not confound.is_strong


def test_a_slight_imbalance_is_beyond_chance_and_not_strong():
    rng = np.random.default_rng(0)
    speakers = [f"s{i}" for i in rng.integers(0, 2, 2000)]
    emotions = [f"e{int(rng.random() < (0.6 if s == 's0' else 0.4))}" for s in speakers]

    confound = measure_confound(emotions, speakers)

    assert confound.share > 3 * confound.by_chance
    assert not confound.is_strong


@pytest.mark.parametrize("emotions", [["anger"] * 9, [f"e{i}" for i in range(9)]])
def test_degenerate_labels_are_no_confound(emotions):
    confound = measure_confound(emotions, [f"text {i}" for i in range(9)])

    assert not confound.is_strong
    assert math.isfinite(confound.beyond_chance)
