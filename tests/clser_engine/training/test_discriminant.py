import numpy as np
import pytest
import torch

from clser_engine.errors import BadValueError
from clser_engine.models.heads import LinearHead
from clser_engine.training.discriminant import fit_discriminant, split_cells

NUM_FEATURES, NUM_CLASSES = 5, 3


def draw(seed=0, clips=240, offset=0.0):
    """Recordings of two groups, whose offset is larger than what the classes differ by."""
    rng = np.random.default_rng(seed)
    emotions = np.arange(clips) % NUM_CLASSES
    groups = np.array(["a", "b"])[rng.integers(0, 2, clips)]
    values = rng.normal(size=(clips, NUM_FEATURES))
    values[np.arange(clips), emotions] += 2.0
    values[groups == "b"] += offset
    return values.astype(np.float32), emotions, groups.tolist()


def fitted(functionals, emotions, groups, shrinkage=0.3):
    head = LinearHead(NUM_FEATURES, NUM_CLASSES)
    with torch.no_grad():
        fit_discriminant(head, functionals, emotions, groups, shrinkage)
    return head


@torch.no_grad()
def logits(head, functionals):
    return head(torch.from_numpy(functionals)).numpy()


def test_it_is_the_equations_computed_one_recording_at_a_time():
    functionals, emotions, groups = draw()
    head = fitted(functionals, emotions, groups)
    x = head.standardise(torch.from_numpy(functionals)).numpy().astype(float)

    names = sorted(set(groups))
    cells = {
        (g, k): [i for i in range(len(x)) if groups[i] == g and emotions[i] == k]
        for g in names
        for k in range(NUM_CLASSES)
    }
    means = {cell: sum(x[i] for i in rows) / len(rows) for cell, rows in cells.items()}
    # every cell has recordings, so the least squares of a balanced table are plain means
    offset = {g: sum(means[g, k] for k in range(NUM_CLASSES)) / NUM_CLASSES for g in names}
    centre = sum(offset.values()) / len(names)
    effect = [sum(means[g, k] for g in names) / len(names) - centre for k in range(NUM_CLASSES)]
    noise, total = np.zeros((NUM_FEATURES, NUM_FEATURES)), 0.0
    for (g, k), rows in cells.items():
        for i in rows:
            e = x[i] - offset[g] - effect[k]
            noise += np.outer(e, e) / len(rows)
            total += 1 / len(rows)
    noise /= total
    noise = 0.7 * noise + 0.3 * np.trace(noise) / NUM_FEATURES * np.eye(NUM_FEATURES)
    inverse = np.linalg.inv(noise)
    expected = np.array(
        [[(row - centre) @ inverse @ d - d @ inverse @ d / 2 for d in effect] for row in x]
    )

    assert np.allclose(logits(head, functionals), expected, atol=1e-4)


def test_an_offset_of_a_group_changes_no_weight():
    plain = fitted(*draw(offset=0.0))
    moved = fitted(*draw(offset=3.0))

    # in units of the functionals, since the offset changes what they are standardised by
    weights = [head.output.weight / head.scale for head in (plain, moved)]
    assert torch.allclose(*(w / w.norm() for w in weights), atol=0.1)


def test_a_group_that_lacks_a_class_does_not_bend_the_others():
    rng = np.random.default_rng(1)
    offsets, effects = rng.normal(size=(3, 4)), rng.normal(size=(2, 4))
    effects -= effects.mean(axis=0)
    cells = [(0, 0), (0, 1), (1, 0), (2, 0), (2, 1)]  # group 1 lacks class 1
    inputs = np.stack([offsets[g] + effects[k] for g, k in cells])
    group, emotions = (np.array(values) for values in zip(*cells, strict=True))

    found_offsets, found_effects = split_cells(inputs, group, emotions, 3, 2)

    assert np.allclose(found_offsets, offsets)
    assert np.allclose(found_effects, effects)


def test_order_and_number_of_recordings_of_a_cell_do_not_matter():
    functionals, emotions, groups = draw()
    twice = [i for i, (g, k) in enumerate(zip(groups, emotions, strict=True)) if (g, k) == ("a", 1)]
    order = np.random.default_rng(2).permutation([*range(len(groups)), *twice])

    head = fitted(functionals, emotions, groups)
    other = fitted(functionals[order], emotions[order], [groups[i] for i in order])

    assert np.allclose(logits(head, functionals), logits(other, functionals), atol=1e-4)


def test_full_shrinkage_measures_plain_distances():
    functionals, emotions, groups = draw()
    weight = fitted(functionals, emotions, groups, shrinkage=1.0).output.weight

    assert torch.allclose(weight.sum(dim=0), torch.zeros(NUM_FEATURES), atol=1e-5)
    assert (weight.argmax(dim=1) == torch.arange(NUM_CLASSES)).all()


def test_fewer_recordings_than_functionals_still_have_a_solution():
    functionals, emotions, groups = draw(clips=4)

    assert np.isfinite(logits(fitted(functionals, emotions, groups), functionals)).all()


def test_a_class_without_recordings_is_refused():
    functionals, emotions, groups = draw()

    with pytest.raises(BadValueError) as raised:
        fitted(functionals, np.minimum(emotions, 1), groups)

    assert str(raised.value) == "Bad emotions: class 2 has no recording to learn from."
