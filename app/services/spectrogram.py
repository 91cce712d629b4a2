"""Spectrogram of a recording as columns of bytes with one fixed reference.

0 dB is a sine of full scale, whatever the window, the rate or the tile, so the same sound has the
same colour everywhere. Column `i` of a level covers `[i, i + 1) * hop` and is computed from a Hann
window centred on it, with zeros beyond the ends of the recording; tiles therefore join.

Levels: 0 has the finest hop (4 ms), each further level four times that. Levels 0 and 1 are computed
where somebody looks, the coarser ones once for the whole file. A column of level 2 is the largest
of four; from there on it is halfway between the mean and the largest of four, so that an hour shows
where it is loud and quiet, and a short sound still shows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.services.pooling import pool_maximum
from clser_engine.types import FloatArray

FACTOR = 4
FINE_HOP_S = 0.004
WINDOW_S = 0.032  # resolves formants of speech
TOP_HZ = 8000.0
FLOOR_DB = -90.0
TOP_DB = -20.0  # speech peaks at about -25 dB per bin
COLUMNS_PER_TILE = 256
FIRST_STORED_LEVEL = 2
TOP_COLUMNS = 2000

ByteArray = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpectrogramShape:
    """Sizes that follow from the sample rate.

    Args:
        sample_rate_hz: Of the recording.
        fine_hop_frames: Frames from column to column at level 0.
        window_frames: Length of the window, even.
        rows: Frequency bins from 0 Hz up to `top_hz`.
    """

    sample_rate_hz: int
    fine_hop_frames: int
    window_frames: int
    rows: int

    @property
    def top_hz(self) -> float:
        """Frequency at the upper border of the last row."""
        return self.rows * self.sample_rate_hz / self.window_frames

    def hop_frames(self, level: int) -> int:
        """Return the frames from column to column."""
        return self.fine_hop_frames * int(FACTOR**level)

    def num_columns(self, num_frames: int, level: int) -> int:
        """Return the columns of a recording; the last may be partial."""
        return -(-num_frames // self.hop_frames(level))

    def stored_lengths(self, num_frames: int) -> list[int]:
        """Return the columns of each stored level, finest (`FIRST_STORED_LEVEL`) first."""
        lengths = [max(self.num_columns(num_frames, FIRST_STORED_LEVEL), 1)]
        while lengths[-1] > TOP_COLUMNS:
            lengths.append(-(-lengths[-1] // FACTOR))
        return lengths


def shape_of(sample_rate_hz: int) -> SpectrogramShape:
    """Return the sizes for a sample rate."""
    window = max(2 * round(sample_rate_hz * WINDOW_S / 2), 2)
    top_hz = min(TOP_HZ, sample_rate_hz / 2)
    return SpectrogramShape(
        sample_rate_hz=sample_rate_hz,
        fine_hop_frames=max(round(sample_rate_hz * FINE_HOP_S), 1),
        window_frames=window,
        rows=max(int(top_hz * window / sample_rate_hz), 1),
    )


def compute_columns(
    samples: FloatArray,
    first_frame: int,
    shape: SpectrogramShape,
    level: int,
    start: int,
    stop: int,
) -> ByteArray:
    """Return columns `[start, stop)` of a level.

    Args:
        samples: (frames,) float32; where a window reaches beyond them it sees zeros, so they must
            reach half a window further than the columns on both sides, or to the file's ends.
        first_frame: Where `samples` begin in the recording.
        shape: Sizes of the spectrogram.
        level: Sets the hop.
        start: First column.
        stop: Column after the last.

    Returns:
        (stop - start, rows) uint8: 0 is `FLOOR_DB` and below, 255 is `TOP_DB` and above.
    """
    hop, window = shape.hop_frames(level), shape.window_frames
    begin = start * hop + hop // 2 - window // 2 - first_frame
    end = (stop - 1) * hop + hop // 2 + window // 2 - first_frame
    before, after = max(-begin, 0), max(end - len(samples), 0)
    inside = samples[max(begin, 0) : max(min(end, len(samples)), 0)]
    padded = np.pad(inside, (before, after)) if before or after else inside
    hann = np.hanning(window + 1)[:-1].astype(np.float32)
    framed = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop][: stop - start]
    spectrum = np.fft.rfft(framed * hann, axis=1)[:, : shape.rows]
    power = spectrum.real**2 + spectrum.imag**2
    power *= (2.0 / hann.sum()) ** 2
    level_db = 10.0 * np.log10(np.maximum(power, 1e-12))
    scaled = (level_db - FLOOR_DB) * (255.0 / (TOP_DB - FLOOR_DB))
    columns: ByteArray = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return columns


def pool_columns(columns: ByteArray) -> ByteArray:
    """Return the largest of each four columns, (ceil(columns / 4), rows); the last may be fewer."""
    starts = np.arange(0, len(columns), FACTOR)
    pooled: ByteArray = np.maximum.reduceat(columns, starts, axis=0)
    return pooled


def pool_bins(columns: ByteArray, edges: NDArray[np.float64], hop: int) -> ByteArray:
    """Return the largest column within each bin, or the one that covers it where bins are finer.

    Args:
        columns: (columns, rows) uint8; column `i` covers `[i, i + 1) * hop`.
        edges: (bins + 1,) frames, ascending; what lies outside gets the nearest column.
        hop: Frames per column.

    Returns:
        (bins, rows) uint8.
    """
    last = len(columns) - 1
    starts = np.clip(np.floor(edges[:-1] / hop).astype(np.int64), 0, last)
    if edges[1] - edges[0] <= hop:
        return columns[starts]
    end = min(max(int(np.ceil(edges[-1] / hop)), int(starts[-1]) + 1), len(columns))
    return pool_maximum(columns, starts, np.maximum(np.append(starts[1:], end), starts + 1))


def blend_columns(columns: ByteArray) -> ByteArray:
    """Return, of each four columns, what is halfway between their mean and the largest."""
    starts = np.arange(0, len(columns), FACTOR)
    counts = np.diff(np.append(starts, len(columns)))[:, None]
    sums = np.add.reduceat(columns, starts, axis=0, dtype=np.uint16)
    blended: ByteArray = ((sums // counts + pool_columns(columns)) // 2).astype(np.uint8)
    return blended


class StoredLevels:
    """The coarse levels of a whole recording, filled from its start to its end.

    Args:
        levels: uint8 arrays (columns, rows), level `FIRST_STORED_LEVEL` first; the caller's memory.
        shape: Sizes of the spectrogram.
        columns_done: Columns of the first array that are filled.
    """

    def __init__(
        self, levels: list[ByteArray], shape: SpectrogramShape, columns_done: int = 0
    ) -> None:
        self.levels = levels
        self.shape = shape
        self.columns_done = columns_done
        self._tail = np.zeros(0, np.float32)
        self._tail_frame = 0

    def append(self, samples: FloatArray, *, is_last: bool) -> None:
        """Add the next frames and fill the columns whose windows are complete."""
        level = FIRST_STORED_LEVEL - 1
        hop, half = self.shape.hop_frames(level), self.shape.window_frames // 2
        self._tail = np.concatenate([self._tail, samples])
        end_frame = self._tail_frame + len(self._tail)
        if is_last:
            stop = -(-end_frame // hop)
        else:
            stop = max((end_frame - half - hop // 2) // hop, 0) // FACTOR * FACTOR
        start = self.columns_done * FACTOR
        if stop > start:
            columns = compute_columns(self._tail, self._tail_frame, self.shape, level, start, stop)
            self._fill(pool_columns(columns))
        keep_from = max(self.columns_done * FACTOR * hop - half, self._tail_frame)
        self._tail = self._tail[keep_from - self._tail_frame :].copy()
        self._tail_frame = keep_from

    def _fill(self, columns: ByteArray) -> None:
        first = self.columns_done
        stop = min(first + len(columns), len(self.levels[0]))
        self.levels[0][first:stop] = columns[: stop - first]
        done = stop
        for finer, coarser in zip(self.levels, self.levels[1:], strict=False):
            group = first // FACTOR
            pooled = blend_columns(finer[group * FACTOR : stop])
            first, stop = group, group + len(pooled)
            coarser[first:stop] = pooled
        self.columns_done = done
