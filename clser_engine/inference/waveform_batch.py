"""Recordings of different lengths as one batch.

Shapes: B recordings, N samples, F rows, K descriptors.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clser_engine.types import FloatArray


def pad_batch(
    waveforms: Sequence[FloatArray], least_samples: int
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return the recordings (N,) padded with silence to one length, (B, N), and their own (B,).

    Args:
        waveforms: At least one.
        least_samples: Shortest N that the model takes.
    """
    lengths = np.array([len(waveform) for waveform in waveforms], np.int64)
    if len(waveforms) == 1 and lengths[0] >= least_samples:
        return np.ascontiguousarray(waveforms[0], np.float32)[None], lengths
    batch = np.zeros((len(waveforms), max(least_samples, int(lengths.max()))), np.float32)
    for row, waveform in zip(batch, waveforms, strict=True):
        row[: len(waveform)] = waveform
    return batch, lengths


def pad_rows(parts: Sequence[FloatArray]) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return arrays (F, K) padded with zeros to one number of rows, (B, F, K), and their own (B,).

    Args:
        parts: At least one, with one number of columns.
    """
    lengths = np.array([len(part) for part in parts], np.int64)
    batch = np.zeros((len(parts), int(lengths.max()), parts[0].shape[1]), np.float32)
    for row, part in zip(batch, parts, strict=True):
        row[: len(part)] = part
    return batch, lengths
