import numpy as np
import pytest

from clser_engine.inference.propagation import (
    ALPHA,
    ITERATIONS,
    NEIGHBOURS,
    WIDTH,
    neighbour_graph,
    propagate_posteriors,
)


def draw(count, seed=0, size=12):
    rng = np.random.default_rng(seed)
    middles = rng.standard_normal((3, size))
    labels = rng.integers(3, size=count)
    values = (middles[labels] + rng.standard_normal((count, size))).astype(np.float32)
    logits = rng.standard_normal((count, 3)) + 1.0 * np.eye(3)[labels]
    posteriors = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return values, posteriors, labels


def slow_propagation(values, posteriors, *, balance):
    """The equations, one pair at a time."""
    count = len(values)
    weights = np.zeros((count, count))
    for i in range(count):
        cosines = {
            j: values[i] @ values[j] / np.linalg.norm(values[i]) / np.linalg.norm(values[j])
            for j in range(count)
            if j != i
        }
        for j in sorted(cosines, key=cosines.get)[-NEIGHBOURS:]:
            weights[i, j] = weights[j, i] = np.exp((cosines[j] - 1) / WIDTH)
    seeds = posteriors.copy()
    if balance:
        for i in range(count):
            seeds[i] = posteriors[i] / posteriors.mean(axis=0)
            seeds[i] /= seeds[i].sum()
    found = seeds.copy()
    for _ in range(ITERATIONS):
        new = np.zeros_like(found)
        for i in range(count):
            for j in range(count):
                link = weights[i, j] / np.sqrt(weights[i].sum() * weights[j].sum())
                new[i] += ALPHA * link * found[j]
            new[i] += (1 - ALPHA) * seeds[i]
        found = new
    return found / found.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("balance", [True, False])
@pytest.mark.parametrize("count", [2, 5, 40])
def test_it_is_what_the_equations_say(count, balance):
    values, posteriors, _ = draw(count)

    found = propagate_posteriors(values, posteriors, balance=balance)

    expected = slow_propagation(values, posteriors, balance=balance)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_blocks_do_not_matter(monkeypatch):
    values, posteriors, _ = draw(100)
    whole = propagate_posteriors(values, posteriors, balance=True)

    monkeypatch.setattr("clser_engine.inference.propagation.BLOCK", 7)

    np.testing.assert_allclose(
        propagate_posteriors(values, posteriors, balance=True), whole, atol=1e-6
    )


def test_the_order_of_recordings_does_not_matter():
    values, posteriors, _ = draw(80)
    order = np.random.default_rng(1).permutation(80)

    found = propagate_posteriors(values, posteriors, balance=True)

    shuffled = propagate_posteriors(values[order], posteriors[order], balance=True)
    np.testing.assert_allclose(shuffled, found[order], atol=1e-6)


def test_neighbours_correct_each_other():
    values, posteriors, labels = draw(300)

    found = propagate_posteriors(values, posteriors, balance=True)

    before = (posteriors.argmax(axis=1) == labels).mean()
    assert (found.argmax(axis=1) == labels).mean() > before + 0.1


def test_balance_is_what_the_switch_says():
    values, posteriors, _ = draw(60)
    posteriors[:, 0] += 1.5
    posteriors /= posteriors.sum(axis=1, keepdims=True)

    free = propagate_posteriors(values, posteriors, balance=False).mean(axis=0)
    balanced = propagate_posteriors(values, posteriors, balance=True).mean(axis=0)

    assert free[0] > 0.6
    assert balanced[0] < free[0] - 0.1


def test_one_recording_and_identical_ones_stay_finite():
    values, posteriors, _ = draw(1)
    np.testing.assert_allclose(
        propagate_posteriors(values, posteriors, balance=False), posteriors, atol=1e-9
    )
    values, posteriors, _ = draw(30)
    found = propagate_posteriors(np.zeros_like(values), posteriors, balance=True)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_every_recording_has_its_neighbours():
    values, _, _ = draw(50)

    starts, columns, weights = neighbour_graph(values)

    counts = np.diff(np.append(starts, len(columns)))
    assert (counts >= NEIGHBOURS).all()
    rows = np.repeat(np.arange(50), counts)
    assert (rows != columns).all()
    links = {(i, j): w for i, j, w in zip(rows, columns, weights, strict=True)}
    assert all(links[j, i] == pytest.approx(w) for (i, j), w in links.items())
