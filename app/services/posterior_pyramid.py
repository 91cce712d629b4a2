"""Mean and maximum of frame posteriors at every zoom.

The mean gives a lane its strength; the maximum keeps a short outburst visible when an hour is on
screen. Level 0 are the posteriors themselves, each further level pools four frames.

Shapes: T frames, C classes, B bins.
"""

import numpy as np

from app.services.pooling import pool_maximum, pool_mean
from clser_engine.types import FloatArray, Posteriors

FACTOR = 4
TOP_FRAMES = 2000


class PosteriorPyramid:
    """Pooled posteriors of one recording.

    Args:
        posteriors: The posteriors; kept, not copied.
    """

    def __init__(self, posteriors: Posteriors) -> None:
        self.posteriors = posteriors
        values = np.ascontiguousarray(posteriors.values, np.float32)
        self._means = [values]
        self._maxima = [values]
        while len(self._means[-1]) > TOP_FRAMES:
            starts = np.arange(0, len(self._means[-1]), FACTOR)
            counts = np.diff(np.append(starts, len(self._means[-1])))[:, None].astype(np.float32)
            sums = np.add.reduceat(self._means[-1], starts, axis=0)
            self._means.append((sums / counts).astype(np.float32, copy=False))
            self._maxima.append(np.maximum.reduceat(self._maxima[-1], starts, axis=0))

    @property
    def num_frames(self) -> int:
        """T."""
        return len(self._means[0])

    @property
    def end_s(self) -> float:
        """Where the last frame ends."""
        return self.num_frames / self.posteriors.frame_rate_hz

    def frame_at(self, time_s: float) -> int | None:
        """Return the frame that covers a time, or None outside."""
        frame = int(np.floor(time_s * self.posteriors.frame_rate_hz))
        return frame if 0 <= frame < self.num_frames else None

    def values_at(self, time_s: float) -> FloatArray | None:
        """Return the posteriors (C,) of the frame that covers a time, exactly as computed."""
        frame = self.frame_at(time_s)
        return None if frame is None else self._means[0][frame]

    def pool(self, start_s: float, end_s: float, bins: int) -> tuple[FloatArray, FloatArray, int]:
        """Return means (B, C), maxima (B, C) and how many leading bins have posteriors."""
        rate = self.posteriors.frame_rate_hz
        edges = np.linspace(start_s * rate, end_s * rate, bins + 1)
        level, frames = 0, 1
        while level + 1 < len(self._means) and frames * FACTOR <= edges[1] - edges[0]:
            level, frames = level + 1, frames * FACTOR
        known = int(np.searchsorted(edges[:-1], self.num_frames))
        if known == 0:
            nothing = np.zeros((bins, self._means[0].shape[1]), np.float32)
            return nothing, nothing, 0
        count = len(self._means[level])
        starts = np.clip(np.floor(edges[:-1] / frames).astype(np.int64), 0, count - 1)
        if edges[1] - edges[0] <= frames:
            values = self._means[level][starts]
            return values, values, known
        ends = np.append(starts[1:], min(int(np.ceil(edges[-1] / frames)), count))
        means = pool_mean(self._means[level], starts, np.maximum(ends, starts + 1))
        # A maximum that straddles a border counts on both sides.
        stops = np.clip(np.ceil(edges[1:] / frames).astype(np.int64), starts + 1, count)
        return means, pool_maximum(self._maxima[level], starts, stops), known
