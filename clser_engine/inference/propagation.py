"""Label propagation: recordings that sound alike share their posteriors.

Source: Zhou et al., "Learning with Local and Global Consistency", NeurIPS 2003, on the graph of the
nearest neighbours by cosine; here the posteriors of all recordings are the labels, softly. Before
it starts, each class is divided by its mean posterior (one step of Sinkhorn's balancing): without
that, propagation lets large classes swallow small ones.

Shapes: B recordings, D functionals, C classes, E edges.
"""

import numpy as np
from numpy.typing import NDArray

from clser_engine.types import FloatArray

NEIGHBOURS = 15
WIDTH = 0.15  # of the cosine at which a neighbour weighs 1/e
ALPHA = 0.7  # how much of a posterior comes from the neighbours
ITERATIONS = 20
BLOCK = 1024  # recordings compared with all others at a time
MOST = 20_000  # above this many, comparing all pairs takes longer than a person waits


def propagate_posteriors(
    relative: FloatArray, posteriors: NDArray[np.float64], *, balance: bool
) -> NDArray[np.float64]:
    """Return posteriors (B, C) after propagation.

    Args:
        relative: (B, D) functionals relative to the group.
        posteriors: (B, C) of each recording by itself; rows sum to 1.
        balance: Whether every class is expected about equally often. Where one class is far more
            frequent than the others this must be off.
    """
    seeds = posteriors
    if balance:
        seeds = seeds / (seeds.mean(axis=0) + 1e-9)
        seeds = seeds / seeds.sum(axis=1, keepdims=True)
    if len(relative) < 2:
        return seeds
    starts, columns, weights = neighbour_graph(relative)
    found = seeds
    for _ in range(ITERATIONS):
        shared = np.add.reduceat(weights[:, None] * found[columns], starts, axis=0)  # (B, C)
        found = ALPHA * shared + (1 - ALPHA) * seeds
    total: NDArray[np.float64] = found / found.sum(axis=1, keepdims=True)
    return total


def neighbour_graph(
    relative: FloatArray,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the graph D^-1/2 W D^-1/2 of nearest neighbours, row by row.

    W is exp((cosine - 1) / width) where one is a neighbour of the other, else 0.

    Args:
        relative: (B, D), B at least 2.

    Returns:
        First edge of each recording (B,), and of each edge the other end and the weight (E,).
    """
    count = len(relative)
    near = min(NEIGHBOURS, count - 1)
    unit = relative.astype(np.float32)
    unit = unit / (np.linalg.norm(unit, axis=1, keepdims=True) + 1e-9)
    partners, cosines = np.empty((count, near), np.int64), np.empty((count, near), np.float32)
    for start in range(0, count, BLOCK):
        similar = unit[start : start + BLOCK] @ unit.T  # (block, B)
        rows = np.arange(len(similar))
        similar[rows, start + rows] = -np.inf
        best = np.argpartition(similar, count - near, axis=1)[:, count - near :]
        partners[start : start + BLOCK] = best
        cosines[start : start + BLOCK] = similar[rows[:, None], best]
    ends = np.repeat(np.arange(count), near), partners.ravel()
    keys = np.concatenate([ends[0] * count + ends[1], ends[1] * count + ends[0]])
    keys, kept = np.unique(keys, return_index=True)  # both ways, each once
    similarity = np.tile(cosines.ravel(), 2)[kept].astype(np.float64)
    rows, columns = keys // count, keys % count
    weights = np.exp((similarity - 1) / WIDTH)
    degree = np.bincount(rows, weights, minlength=count)
    weights = weights / np.sqrt(degree[rows] * degree[columns])
    return np.searchsorted(rows, np.arange(count)), columns, weights
