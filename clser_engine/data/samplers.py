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

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
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

    Iterating yields what is left of the present epoch and then moves on to the next. A batch counts
    as seen from the moment it is handed out; where workers fetch ahead of the training, give
    `load_state_dict` the position that the training had reached.

    Args:
        utterances: The recordings; at least one.
        batch_size: Recordings in a batch of all ranks together.
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
        self._epoch = 0
        self._position = 0
        self._rank, self._world = 0, 1
        digest = hashlib.sha256(f"{batch_size}|{seed}|{'/'.join(by)}".encode())
        for utterance, cell in zip(utterances, self._cells, strict=True):
            digest.update("\0".join(("", utterance.path.name, *cell)).encode(errors="replace"))
        self._identity = digest.hexdigest()

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return math.ceil(len(self._cells) / self._batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        draws = self._draw_epoch()
        part = self._batch_size // self._world
        while self._position < len(self):
            start = self._position * self._batch_size + self._rank * part
            self._position += 1
            yield draws[start : start + part]
        self._epoch, self._position = self._epoch + 1, 0

    def set_epoch(self, epoch: int) -> None:
        """Go to the start of an epoch; the present one goes on where it is.

        Raises:
            BadValueError: If the number is negative.
        """
        if epoch < 0:
            raise BadValueError(f"Bad epoch: got {epoch}, expected at least 0.")
        if epoch != self._epoch:
            self._epoch, self._position = epoch, 0

    def shard(self, rank: int, world: int) -> None:
        """Hand out one rank's part of each batch, so that all ranks together see the batch of one.

        Args:
            rank: Of this process, from 0.
            world: Number of processes; it divides the batch size, so that all parts are equal.

        Raises:
            BadValueError: If there is no such rank or the batch cannot be shared out evenly.
        """
        if world < 1 or not 0 <= rank < world:
            raise BadValueError(f"Bad rank: got {rank} of {world}, expected 0 to {world - 1}.")
        if self._batch_size % world:
            raise BadValueError(
                f"Bad batch_size: got {self._batch_size} for {world} processes, expected a "
                f"multiple of {world}."
            )
        self._rank, self._world = rank, world

    def state_dict(self) -> dict[str, int | str]:
        """Return where the iteration stands, for `load_state_dict`; the same on every rank."""
        return {"epoch": self._epoch, "position": self._position, "identity": self._identity}

    def load_state_dict(self, state: dict[str, int | str]) -> None:
        """Go to where another sampler of the same recordings and settings stood.

        Raises:
            BadValueError: If the state is of other recordings or settings, or no state.
        """
        if state.get("identity") != self._identity:
            raise BadValueError(
                "Bad sampler state: it belongs to other recordings or settings; resume with the "
                "manifests, batch size and seed that the run began with."
            )
        epoch, position = int(state["epoch"]), int(state["position"])
        if epoch < 0 or not 0 <= position <= len(self):
            raise BadValueError(
                f"Bad sampler state: got batch {position} of epoch {epoch}, expected a batch of at "
                f"most {len(self)} and an epoch of at least 0."
            )
        self._epoch, self._position = epoch, position

    def _draw_epoch(self) -> list[int]:
        """Return the indices of all batches of the present epoch, one after the other."""
        rng = np.random.default_rng([self._seed, self._epoch])
        root = _build_tree(self._cells, list(range(len(self._cells))), 0, rng)
        return [root.deal() for _ in range(len(self) * self._batch_size)]


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
