"""Balanced batches: each emotion is heard equally often, and within it each language and speaker.

Recordings form a tree: emotions, below each its languages, below each its speakers, below each the
clips. Each node deals its children like a deck of cards: all of them in random order, then all of
them again. So after any number of draws from a node its children have been dealt equally often, to
within one.

- An empty cell (a language without disgust, a speaker without fear) is no node and is never drawn;
  the other languages of that emotion share its part, so the emotion stays as frequent as others.
- A speaker with few clips is dealt as often as one with many, each of the clips more often. Where
  that repeats a handful of clips too much, leave `speaker` out of `by`.
- An epoch has as many draws as there are recordings, rounded up to whole batches; with decks of
  unequal size some clips come several times and others not in this epoch.
"""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from clser_engine.data.languages import same_language
from clser_engine.data.manifest import Utterance
from clser_engine.errors import BadValueError

_KEYS: dict[str, Callable[[Utterance], str]] = {
    "emotion": lambda u: u.emotion,
    "language": lambda u: same_language(u.language),
    "corpus": lambda u: f"{same_language(u.language)}/{u.corpus}",
    "speaker": lambda u: u.speaker_key,
}


class BalancedBatches:
    """Lists of indices into `utterances`, batch after batch, equal for equal seeds.

    Args:
        utterances: The recordings; at least one.
        batch_size: Recordings in a batch, of all processes together.
        seed: Start of all random numbers.
        by: What is balanced, outermost first: of `emotion`, `language`, `corpus` and `speaker`.

    Raises:
        BadValueError: If there is no recording, the size is below 1 or `by` holds another name.
    """

    def __init__(
        self,
        utterances: Sequence[Utterance],
        batch_size: int,
        seed: int,
        by: Sequence[str] = ("emotion", "language", "speaker"),
    ) -> None:
        if not utterances:
            raise BadValueError("Bad utterances: got none, expected at least one recording.")
        if batch_size < 1:
            raise BadValueError(f"Bad batch_size: got {batch_size}, expected at least 1.")
        for name in by:
            if name not in _KEYS:
                raise BadValueError(f"Bad by: got {name!r}, expected any of {', '.join(_KEYS)}.")
        self._cells = [cell_of(u, by) for u in utterances]
        self._batch_size = batch_size
        self._seed = seed

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return math.ceil(len(self._cells) / self._batch_size)

    def epoch(self, number: int) -> list[list[int]]:
        """Return the batches of an epoch, which depend on its number and the seed alone.

        Raises:
            BadValueError: If the number is negative.
        """
        if number < 0:
            raise BadValueError(f"Bad epoch: got {number}, expected at least 0.")
        rng = np.random.default_rng([self._seed, number])
        root = _build_tree(self._cells, list(range(len(self._cells))), 0, rng)
        return [[root.deal() for _ in range(self._batch_size)] for _ in range(len(self))]


def cell_of(utterance: Utterance, by: Sequence[str]) -> tuple[str, ...]:
    """Return the values of a recording that batches are balanced over."""
    return tuple(_KEYS[name](utterance) for name in by)


class _Node(Protocol):
    """What a deck deals from."""

    def deal(self) -> int:
        """Return the index of the next recording."""


class _Deck:
    """Deals its children in random order, each once before any comes again."""

    def __init__(self, children: Sequence[_Node], rng: np.random.Generator) -> None:
        self._children = children
        self._rng = rng
        self._left: list[int] = []

    def deal(self) -> int:
        if not self._left:
            self._left = self._rng.permutation(len(self._children)).tolist()
        return self._children[self._left.pop()].deal()


class _Clip:
    """A leaf: one recording."""

    def __init__(self, index: int) -> None:
        self._index = index

    def deal(self) -> int:
        return self._index


def _build_tree(
    cells: Sequence[tuple[str, ...]], indices: Sequence[int], depth: int, rng: np.random.Generator
) -> _Deck:
    """Return the deck of these recordings, which share the first `depth` keys."""
    if depth == len(cells[indices[0]]):
        return _Deck([_Clip(index) for index in indices], rng)
    below: dict[str, list[int]] = {}
    for index in indices:
        below.setdefault(cells[index][depth], []).append(index)
    return _Deck([_build_tree(cells, some, depth + 1, rng) for some in below.values()], rng)
