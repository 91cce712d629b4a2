"""Tests of clser_engine.training.calibration."""

import math

import numpy as np
import pytest
import torch

from clser_engine.evaluation.metrics import expected_calibration_error
from clser_engine.training.batches import cell_weights
from clser_engine.training.calibration import extrapolate
from clser_engine.training.heads import relative_to_groups
from clser_engine.training.temperature import fit_temperature


def test_the_temperature_that_was_applied_is_found_again():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 4)).astype(np.float32)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(4, p=row / row.sum()) for row in shares])

    found = fit_temperature(3.0 * logits, truth, np.ones(len(truth)))

    assert abs(found - 3.0) < 0.15
    sure = torch.from_numpy(3.0 * logits).softmax(dim=1).numpy()
    honest = torch.from_numpy(3.0 * logits / found).softmax(dim=1).numpy()
    assert expected_calibration_error(truth, honest) < 2
    assert expected_calibration_error(truth, sure) > 10


@pytest.mark.parametrize("corpora", [3, 4, 7])
def test_temperatures_fall_with_the_number_of_corpora_as_before(corpora):
    def temperature(seen):
        return math.exp(1.2 + 1.7 / seen)

    found = extrapolate(temperature(corpora - 2), temperature(corpora - 1), corpora)

    assert found == pytest.approx(temperature(corpora))


def test_less_trust_than_was_measured_is_never_taken_back():
    assert extrapolate(2.0, 4.0, 4) == 4.0


def test_every_corpus_and_emotion_weighs_alike():
    corpora = ["big"] * 90 + ["small"] * 10
    emotions = [0] * 80 + [1] * 10 + [0] * 5 + [1] * 5

    weights = cell_weights(corpora, emotions)

    assert weights.mean() == pytest.approx(1.0)
    for corpus, emotion in {*zip(corpora, emotions, strict=True)}:
        pairs = zip(corpora, emotions, weights, strict=True)
        total = sum(weight for c, e, weight in pairs if (c, e) == (corpus, emotion))
        assert total == pytest.approx(25.0)


def test_deviations_are_from_each_groups_own_mean():
    values = np.array([[1.0], [3.0], [100.0], [120.0]], np.float32)

    found = relative_to_groups(values, ["a", "a", "b", "b"])

    np.testing.assert_allclose(found, [[-1], [1], [-1], [1]], atol=1e-4)
