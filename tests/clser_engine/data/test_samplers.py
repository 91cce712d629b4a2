"""Tests of clser_engine.data.samplers."""

# ruff: noqa: E501  (one case a line)

from collections import Counter

import numpy as np
import pytest

from clser_engine.data.samplers import BalancedBatches
from clser_engine.errors import BadValueError


@pytest.fixture
def world(utterance):
    """Uneven: sizes differ a hundredfold, one language has no fear, one speaker one clip."""
    sizes = {
        ("anger", "deu", "a"): 60,
        ("anger", "deu", "b"): 1,
        ("anger", "ita", "c"): 5,
        ("sadness", "deu", "a"): 3,
        ("sadness", "ita", "c"): 17,
        ("sadness", "ita", "d"): 2,
        ("fear", "ita", "d"): 9,
    }
    return [
        utterance(f"{speaker}{emotion}{take}", emotion, speaker, language)
        for (emotion, language, speaker), size in sizes.items()
        for take in range(size)
    ]


def path_of(utterance):
    return (utterance.emotion, utterance.language, utterance.speaker, str(utterance.path))


def assert_dealt_like_decks(draws, children):
    """Below every node of the tree all children have been dealt equally often, to within one.

    Checked by counting after every single draw, for every node, with no tree at hand.
    """
    counts = Counter()
    for draw in draws:
        for depth in range(1, len(draw) + 1):
            counts[draw[:depth]] += 1
        for depth in range(len(draw)):
            below = [counts[child] for child in children[draw[:depth]]]
            assert max(below) - min(below) <= 1


@pytest.mark.parametrize("seed", range(3))
def test_every_node_deals_its_children_equally(world, seed):
    paths = [path_of(u) for u in world]
    children = {}
    for path in paths:
        for depth in range(len(path)):
            children.setdefault(path[:depth], set()).add(path[: depth + 1])
    batches = BalancedBatches(world, 8, seed)

    draws = [paths[index] for batch in batches.epoch(0) for index in batch]

    assert len(draws) == 104
    assert_dealt_like_decks(draws, children)


def test_one_key_balances_that_alone(world):
    batches = BalancedBatches(world, 9, 0, by=("emotion",))

    for batch in batches.epoch(0):
        assert max(Counter(world[i].emotion for i in batch).values()) == 3


def test_an_emotion_that_a_language_lacks_is_as_frequent_as_others(world):
    drawn = [world[i] for batch in BalancedBatches(world, 12, 0).epoch(0) for i in batch]

    assert len(set(Counter(u.emotion for u in drawn).values())) == 1
    assert Counter(u.language for u in drawn if u.emotion == "fear") == {"ita": 36}


def test_equal_speaker_names_of_two_corpora_do_not_mix(utterance):
    world = [utterance(0, corpus="x")] + [utterance(i, corpus="y") for i in range(9)]

    drawn = Counter(i for b in BalancedBatches(world, 10, 0, by=("speaker",)).epoch(0) for i in b)

    assert drawn[0] == 5


def test_an_epoch_depends_on_its_number_and_the_seed_alone(world):
    one, two = BalancedBatches(world, 8, 1), BalancedBatches(world, 8, 1)
    first, second = one.epoch(0), one.epoch(1)

    assert two.epoch(1) == second
    assert two.epoch(0) == first
    assert first != second
    assert BalancedBatches(world, 8, 2).epoch(0) != first


def test_length_is_that_of_an_epoch(world):
    for size in (1, 7, 97, 98, 200):
        batches = BalancedBatches(world, size, 0)
        assert len(batches.epoch(0)) == len(batches) == int(np.ceil(97 / size))
        assert all(len(batch) == size for batch in batches.epoch(0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda w: BalancedBatches([], 4, 0), "Bad utterances: got none, expected at least one recording."),
        (lambda w: BalancedBatches(w, 0, 0), "Bad batch_size: got 0, expected at least 1."),
        (lambda w: BalancedBatches(w, 4, 0, by=("mood",)), "Bad by: got 'mood', expected any of emotion, language, corpus, speaker."),
        (lambda w: BalancedBatches(w, 4, 0).epoch(-1), "Bad epoch: got -1, expected at least 0."),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(world, make, message):
    with pytest.raises(BadValueError) as raised:
        make(world)

    assert str(raised.value) == message
