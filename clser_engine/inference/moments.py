"""Mean and spread of a group of recordings that comes and goes clip by clip.

Sums are kept in whole numbers, so they depend neither on the order in which clips came nor on those
that left again: adding, taking away and merging give the same bits as reading all clips at once.

Shapes: B recordings, D functionals.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clser_engine.errors import BadValueError
from clser_engine.types import FloatArray

STEP = 2.0**-20  # in deviations of the training data
FURTHEST = 16.0  # further out than this a functional is broken, and would spoil the mean of all


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """Sums over recordings, in deviations from the training data's mean.

    Args:
        centre: (D,) mean that the sums are relative to.
        scale: (D,) one deviation.
        count: How many recordings.
        total: (D,) sum in steps of `STEP`.
        squares: (D,) sum of squares in steps of `STEP` (up to a million recordings).
    """

    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    count: int
    total: NDArray[np.int64]
    squares: NDArray[np.int64]

    @classmethod
    def of(cls, functionals: FloatArray, centre: FloatArray, scale: FloatArray) -> "Moments":
        """Return the sums over recordings (B, D); a number that is not finite counts as average.

        Raises:
            BadValueError: If the shapes do not fit.
        """
        if functionals.ndim != 2 or functionals.shape[1:] != centre.shape:
            raise BadValueError(
                f"Bad functionals shape: got {functionals.shape}, expected (B, {len(centre)})."
            )
        middle, unit = centre.astype(np.float64), scale.astype(np.float64) + 1e-9
        away = np.nan_to_num((functionals - middle) / unit, nan=0.0, posinf=0.0, neginf=0.0)
        away = away.clip(-FURTHEST, FURTHEST)
        return cls(
            centre=middle,
            scale=unit,
            count=len(functionals),
            total=np.rint(away / STEP).astype(np.int64).sum(axis=0),
            squares=np.rint(away**2 / STEP).astype(np.int64).sum(axis=0),
        )

    def __add__(self, other: "Moments") -> "Moments":
        """Return the sums over both groups."""
        return self._combined(other, 1)

    def __sub__(self, other: "Moments") -> "Moments":
        """Return the sums without recordings that were added before."""
        if other.count > self.count:
            raise BadValueError(f"Bad group: got {other.count} clips to take from {self.count}.")
        return self._combined(other, -1)

    def _combined(self, other: "Moments", sign: int) -> "Moments":
        if not (
            np.array_equal(self.centre, other.centre) and np.array_equal(self.scale, other.scale)
        ):
            raise BadValueError("Bad group: got sums of another model, expected those of the same.")
        return Moments(
            centre=self.centre,
            scale=self.scale,
            count=self.count + sign * other.count,
            total=self.total + sign * other.total,
            squares=self.squares + sign * other.squares,
        )

    def shrunk(self, prior_clips: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and standard deviation (D,), drawn towards the training data's.

        Args:
            prior_clips: Statistics of n clips weigh n / (n + prior_clips). The spread of one clip
                is not known at all, so n - 1 counts there.
        """
        count = max(self.count, 1)
        mean = self.total * STEP / count
        variance = (self.squares * STEP / count - mean**2).clip(min=0)
        trust = self.count / (self.count + prior_clips)
        spread_trust = max(self.count - 1, 0) / (max(self.count - 1, 0) + prior_clips)
        deviation = np.sqrt(spread_trust * variance + 1 - spread_trust)
        return self.centre + trust * mean * self.scale, deviation * self.scale
