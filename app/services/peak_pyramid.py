"""Minimum, maximum and RMS of a recording at every zoom: what a waveform is drawn from.

Level 0 has one bucket per `base_frames` frames, each further level one per four buckets of the
level before. A bucket holds (minimum, maximum, rms) as int16, rounded outwards, so that a click
of a single sample stays visible however far one zooms out.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clser_engine.types import FloatArray

FACTOR = 4
TOP_BUCKETS = 2000  # about one screen: a coarser level would never be drawn
FULL_SCALE = 32767
MINIMUM, MAXIMUM, RMS = 0, 1, 2

PeakArray = NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Envelope:
    """What one pixel column each covers; NaN where the recording is not read yet.

    Args:
        minima: (bins,) float32, -1 to 1.
        maxima: (bins,) float32, -1 to 1.
        rms: (bins,) float32, 0 to 1.
    """

    minima: FloatArray
    maxima: FloatArray
    rms: FloatArray


def base_frames_of(sample_rate_hz: int) -> int:
    """Return the frames per bucket of level 0: 64 at 16 kHz, about 4 ms at any rate."""
    return 64 * max(1, int(2 ** round(math.log2(max(sample_rate_hz, 1) / 16000))))


def level_lengths(num_frames: int, base_frames: int) -> list[int]:
    """Return the number of buckets of each level, finest first."""
    lengths = [max(-(-num_frames // base_frames), 1)]
    while lengths[-1] > TOP_BUCKETS:
        lengths.append(-(-lengths[-1] // FACTOR))
    return lengths


def bucket_peaks(samples: FloatArray, base_frames: int) -> PeakArray:
    """Return the level-0 buckets of samples that start on a bucket's border.

    Args:
        samples: (frames,) float32; the last bucket may be partial.
        base_frames: Frames per bucket.

    Returns:
        (ceil(frames / base_frames), 3) int16.
    """
    whole = len(samples) // base_frames
    parts = [samples[: whole * base_frames].reshape(whole, base_frames)]
    if whole * base_frames < len(samples):
        parts.append(samples[whole * base_frames :][None])
    peaks = np.empty((sum(len(part) for part in parts), 3), np.int16)
    row = 0
    for part in parts:
        rows = slice(row, row + len(part))
        mean_square = np.einsum("ij,ij->i", part, part) / part.shape[1]
        peaks[rows, MINIMUM] = np.clip(np.floor(part.min(1) * FULL_SCALE), -FULL_SCALE, FULL_SCALE)
        peaks[rows, MAXIMUM] = np.clip(np.ceil(part.max(1) * FULL_SCALE), -FULL_SCALE, FULL_SCALE)
        peaks[rows, RMS] = np.clip(np.sqrt(mean_square) * FULL_SCALE, 0, FULL_SCALE)
        row += len(part)
    return peaks


class PeakPyramid:
    """Levels over memory that the caller owns (a memory-mapped file, or plain arrays).

    One thread appends, another may draw: `frames_done` grows only after the buckets are written.

    Args:
        levels: For each level an int16 array (buckets, 3), finest first.
        base_frames: Frames per bucket of level 0.
        frames_done: Frames that the buckets hold already.
    """

    def __init__(self, levels: list[PeakArray], base_frames: int, frames_done: int = 0) -> None:
        self.levels = levels
        self.base_frames = base_frames
        self.frames_done = frames_done

    def append(self, samples: FloatArray) -> None:
        """Add the next frames; all calls but the last bring whole buckets of level 0."""
        first = self.frames_done // self.base_frames
        peaks = bucket_peaks(samples, self.base_frames)
        stop = min(first + len(peaks), len(self.levels[0]))
        self.levels[0][first:stop] = peaks[: stop - first]
        for finer, coarser in zip(self.levels, self.levels[1:], strict=False):
            start_of_group = first // FACTOR * FACTOR
            groups = np.arange(start_of_group, stop, FACTOR)
            first, finer_stop = first // FACTOR, stop
            stop = first + len(groups)
            part = finer[start_of_group:finer_stop]
            offsets = groups - start_of_group
            coarser[first:stop, MINIMUM] = np.minimum.reduceat(part[:, MINIMUM], offsets)
            coarser[first:stop, MAXIMUM] = np.maximum.reduceat(part[:, MAXIMUM], offsets)
            square = part[:, RMS].astype(np.float32) ** 2
            counts = np.diff(np.append(offsets, len(part)))
            coarser[first:stop, RMS] = np.sqrt(np.add.reduceat(square, offsets) / counts)
        self.frames_done += len(samples)

    @property
    def peak(self) -> float:
        """Largest magnitude that was read so far, 0 to 1."""
        bucket = self.base_frames * FACTOR ** (len(self.levels) - 1)
        read = self.levels[-1][: -(-self.frames_done // bucket), : MAXIMUM + 1]
        return float(np.abs(read).max(initial=0)) / FULL_SCALE

    def envelope(self, start_frame: float, end_frame: float, bins: int) -> Envelope:
        """Return what each of `bins` equal stretches of `[start_frame, end_frame)` covers.

        A bucket that straddles a border counts on both sides; bins beyond what is read are NaN.
        """
        frames_per_bin = (end_frame - start_frame) / bins
        level, bucket = 0, self.base_frames
        while level + 1 < len(self.levels) and bucket * FACTOR <= frames_per_bin:
            level, bucket = level + 1, bucket * FACTOR
        edges = start_frame + frames_per_bin * np.arange(bins + 1)
        done = -(-self.frames_done // bucket)  # buckets that hold something
        starts = np.floor(edges[:-1] / bucket).astype(np.int64)
        stops = np.maximum(np.ceil(edges[1:] / bucket).astype(np.int64), starts + 1)
        known = (starts >= 0) & (edges[:-1] < self.frames_done) & (starts < done)
        minima, maxima, rms = (np.full(bins, np.nan, np.float32) for _ in range(3))
        if known.any():
            starts = starts[known]
            stops = np.minimum(stops[known], done)
            offset = int(starts[0])
            part = self.levels[level][offset : int(stops[-1])]
            pairs = np.stack([starts, stops], axis=1).ravel() - offset
            minima[known] = reduce_pairs(np.minimum, part[:, MINIMUM], pairs)
            maxima[known] = reduce_pairs(np.maximum, part[:, MAXIMUM], pairs)
            rms[known] = reduce_pairs(np.maximum, part[:, RMS], pairs)
        for values in (minima, maxima, rms):
            values /= FULL_SCALE
        return Envelope(minima=minima, maxima=maxima, rms=rms)


def reduce_pairs(
    ufunc: np.ufunc, values: NDArray[np.generic], pairs: NDArray[np.int64]
) -> FloatArray:
    """Reduce over `[pairs[0], pairs[1])`, `[pairs[2], pairs[3])`, and so on."""
    # A last stop at the very end is no valid index for reduceat: what follows is the end anyway.
    indices = pairs[:-1] if pairs[-1] >= len(values) else pairs
    overrun = indices >= len(values)
    if overrun.any():  # earlier stops at the end, when bins are narrower than a bucket
        values = np.append(values, values[-1:])
        indices = np.minimum(indices, len(values) - 1)
    reduced: FloatArray = ufunc.reduceat(values, indices)[::2].astype(np.float32)
    return reduced
