"""A stretch of time on the shared axis."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """Half-open stretch `[start_s, end_s)` in seconds."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s
