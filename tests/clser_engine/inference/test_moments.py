import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clser_engine.errors import BadValueError
from clser_engine.inference.moments import FURTHEST, Moments

CENTRE = np.array([1.0, -2.0, 30.0], np.float32)
SCALE = np.array([0.5, 2.0, 10.0], np.float32)


def clips(count, seed=0):
    rng = np.random.default_rng(seed)
    return (CENTRE + SCALE * rng.standard_normal((count, 3))).astype(np.float32)


def same(one, other):
    return (
        one.count == other.count
        and np.array_equal(one.total, other.total)
        and np.array_equal(one.squares, other.squares)
    )


@given(st.integers(1, 30), st.integers(0, 2**16))
def test_clip_by_clip_in_any_order_is_bit_for_bit_the_batch(count, seed):
    rows = clips(count, seed)
    batch = Moments.of(rows, CENTRE, SCALE)
    grown = Moments.of(rows[:0], CENTRE, SCALE)

    for row in np.random.default_rng(seed).permutation(count):
        grown += Moments.of(rows[row : row + 1], CENTRE, SCALE)

    assert same(grown, batch)


def test_what_is_taken_away_leaves_no_trace():
    rows, more = clips(20), 1e4 * clips(30, 1)
    both = Moments.of(np.concatenate([rows, more]), CENTRE, SCALE)

    left = both - Moments.of(more, CENTRE, SCALE)

    assert same(left, Moments.of(rows, CENTRE, SCALE))


def test_without_a_prior_they_are_mean_and_deviation():
    rows = clips(200)

    mean, deviation = Moments.of(rows, CENTRE, SCALE).shrunk(0.0)

    np.testing.assert_allclose(mean, rows.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(deviation, rows.std(axis=0), rtol=1e-4)


def test_few_clips_are_drawn_towards_the_training_data():
    row = CENTRE[None] + SCALE

    for count, trust, spread_trust in ((0, 0, 0), (1, 1 / 4, 0), (3, 1 / 2, 2 / 5)):
        same_clip = np.repeat(row, count, axis=0)
        mean, deviation = Moments.of(same_clip, CENTRE, SCALE).shrunk(3.0)
        np.testing.assert_allclose(mean, CENTRE + trust * SCALE, rtol=1e-5)
        np.testing.assert_allclose(deviation, SCALE * np.sqrt(1 - spread_trust), rtol=1e-4)


def test_a_broken_clip_does_not_spoil_the_others():
    rows = clips(50)
    rows[0] = [np.nan, np.inf, -np.inf]
    rows[1] = 1e30

    mean, deviation = Moments.of(rows, CENTRE, SCALE).shrunk(3.0)

    assert np.isfinite(mean).all()
    assert np.isfinite(deviation).all()
    assert (np.abs(mean - CENTRE) < SCALE * (FURTHEST / 50 + 0.5)).all()


def test_identical_clips_have_a_spread_to_divide_by():
    _, deviation = Moments.of(np.repeat(clips(1), 1000, axis=0), CENTRE, SCALE).shrunk(3.0)

    assert (deviation > 0.01 * SCALE).all()


def test_sums_of_different_models_are_not_mixed():
    ours = Moments.of(clips(2), CENTRE, SCALE)
    with pytest.raises(BadValueError) as raised:
        ours + Moments.of(clips(2), CENTRE + 1, SCALE)
    assert str(raised.value) == (
        "Bad group: got sums of another model, expected those of the same."
    )
    with pytest.raises(BadValueError) as raised:
        ours - Moments.of(clips(3), CENTRE, SCALE)
    assert str(raised.value) == "Bad group: got 3 clips to take from 2."
    with pytest.raises(BadValueError) as raised:
        Moments.of(clips(2)[:, :2], CENTRE, SCALE)
    assert str(raised.value) == "Bad functionals shape: got (2, 2), expected (B, 3)."
