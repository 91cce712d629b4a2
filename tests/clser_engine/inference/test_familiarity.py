from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from clser_engine.errors import BundleError
from clser_engine.inference.familiarity import (
    FILE,
    STRANGE,
    Familiarity,
    quadratic_terms,
    read_familiarity,
    to_tensors,
)

SIZE = 3


@pytest.fixture
def familiarity():
    rng = np.random.default_rng(0)
    return Familiarity(
        mean=rng.standard_normal(SIZE).astype(np.float32),
        scale=np.array([0.5, 2.0, 1.0], np.float32),
        weights=rng.standard_normal(2 * SIZE).astype(np.float32),
        bias=-0.5,
        width=2.0,
    )


def test_the_score_is_a_regression_on_functionals_and_squares(familiarity):
    values = np.random.default_rng(1).standard_normal((20, SIZE)).astype(np.float32)

    scores = familiarity.scores(values)

    for row, score in zip(values, scores, strict=True):
        margin = familiarity.bias
        for i in range(SIZE):
            z = np.clip((row[i] - familiarity.mean[i]) / familiarity.scale[i], -4, 4)
            margin += familiarity.weights[i] * z + familiarity.weights[SIZE + i] * z**2 / 4
        assert score == pytest.approx(1 / (1 + np.exp(-margin / familiarity.width)), abs=1e-6)
    np.testing.assert_array_equal(familiarity.margins(values) > 0, scores > STRANGE)


def test_broken_numbers_are_like_nothing(familiarity):
    values = np.zeros((3, SIZE), np.float32)
    values[1, 0], values[2, 1] = np.nan, np.inf

    scores = familiarity.scores(values)

    assert scores[0] < 1
    np.testing.assert_array_equal(scores[1:], 1.0)
    huge = replace(familiarity, bias=1e6).scores(values[:1])
    assert huge[0] == pytest.approx(1.0)


def test_terms_are_bounded():
    terms = quadratic_terms(
        np.full((1, SIZE), 1e30, np.float32), np.zeros(SIZE, np.float32), np.ones(SIZE, np.float32)
    )
    assert np.abs(terms).max() == 4


def test_a_bundle_gives_it_back_or_says_what_is_wrong(familiarity, tmp_path):
    assert read_familiarity(tmp_path, SIZE) is None
    save_file(to_tensors(familiarity), tmp_path / FILE)
    values = np.random.default_rng(1).standard_normal((4, SIZE)).astype(np.float32)

    again = read_familiarity(tmp_path, SIZE)

    np.testing.assert_allclose(again.scores(values), familiarity.scores(values), rtol=1e-6)
    with pytest.raises(BundleError) as raised:
        read_familiarity(tmp_path, SIZE + 1)
    assert str(raised.value) == (
        f"{tmp_path / FILE} does not fit its card (mean); install the model again."
    )
    (tmp_path / FILE).write_bytes(b"no tensors")
    with pytest.raises(BundleError) as raised:
        read_familiarity(tmp_path, SIZE)
    assert str(raised.value) == f"{tmp_path / FILE} is damaged; install the model again."
