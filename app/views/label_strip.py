"""Labels as sorted stretches that do not overlap, found by binary search.

Drawing costs the same for ten labels and for a hundred thousand.
"""

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.domain.labels import Label

NO_LABEL = -1


class LabelStrip:
    """Stretches of one recording's labels; where labels overlap, the one that starts later shows.

    Args:
        labels: Labels with a stretch; whole-clip labels are the caller's.
    """

    def __init__(self, labels: Sequence[Label]) -> None:
        self.labels = [label for label in labels if not label.is_whole_clip]
        starts = np.array([label.start_s for label in self.labels], np.float64)
        ends = np.array([label.end_s for label in self.labels], np.float64)
        order = np.argsort(starts, kind="stable")
        if len(order) and (ends[order][:-1] > starts[order][1:]).any():
            starts, ends, order = _flatten(starts, ends, order)
        else:
            starts, ends = starts[order], ends[order]
        self._starts, self._ends, self._numbers = starts, ends, order

    def index_at(self, time_s: float) -> int:
        """Return the index in `labels` of what shows at a time, or `NO_LABEL`."""
        piece = int(np.searchsorted(self._starts, time_s, side="right")) - 1
        if piece < 0 or time_s >= self._ends[piece]:
            return NO_LABEL
        return int(self._numbers[piece])

    def indices(self, start_s: float, end_s: float, bins: int) -> NDArray[np.int64]:
        """Return for each of `bins` equal stretches the index of a label that touches it."""
        edges = np.linspace(start_s, end_s, bins + 1)
        if not len(self._starts):
            return np.full(bins, NO_LABEL)
        pieces = np.searchsorted(self._starts, edges[1:], side="left") - 1
        touches = (pieces >= 0) & (self._ends[pieces] > edges[:-1])
        return np.where(touches, self._numbers[pieces], NO_LABEL)


def _flatten(
    starts: NDArray[np.float64], ends: NDArray[np.float64], order: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Cut overlapping stretches into pieces; of those that cover a time the last start shows."""
    borders = np.unique(np.concatenate([starts, ends]))
    piece_starts: list[float] = []
    piece_ends: list[float] = []
    numbers: list[int] = []
    open_labels: list[tuple[float, int]] = []  # latest start first
    coming = iter(order.tolist())
    following = next(coming, None)
    for left, right in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True):
        while following is not None and starts[following] <= left:
            heapq.heappush(open_labels, (-float(starts[following]), following))
            following = next(coming, None)
        while open_labels and ends[open_labels[0][1]] <= left:
            heapq.heappop(open_labels)
        if open_labels:
            number = open_labels[0][1]
            if numbers and numbers[-1] == number and piece_ends[-1] == left:
                piece_ends[-1] = right
            else:
                piece_starts.append(left)
                piece_ends.append(right)
                numbers.append(number)
    return np.array(piece_starts), np.array(piece_ends), np.array(numbers, np.int64)
