"""A label as it stands in a file: everything that is known of it, without a project around it."""

import math
from dataclasses import dataclass

ORIGINS = ("hand", "accepted", "imported")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRow:
    """One label. `start_s` and `end_s` are both None for the whole recording.

    Args:
        path: The recording as the file names it; only its stem when read from a TextGrid.
        answer: Emotion name, `none_of_these` or `unsure` (see `clser_engine.labels`).
        start_s: Start of the stretch in seconds, or None.
        end_s: End of the stretch in seconds (half-open), or None.
        origin: `hand`, `accepted` or `imported`.
        annotator: Who answered.
        created_at: ISO 8601, UTC, or empty.
        suggested_by: Model `name@hash` whose suggestion stood, or empty.
        suggestion: The emotion it suggested, or empty.
        suggestion_confidence: Its confidence, 0 to 1, or None.
        suggestion_seen: Whether the suggestion was on screen before the answer.
        language: Of the recording, BCP 47 tag or empty.
        speaker: Of the recording, or empty.
        duration_s: Of the recording in seconds, or None where unknown.
    """

    path: str
    answer: str
    start_s: float | None = None
    end_s: float | None = None
    origin: str = "imported"
    annotator: str = ""
    created_at: str = ""
    suggested_by: str = ""
    suggestion: str = ""
    suggestion_confidence: float | None = None
    suggestion_seen: bool = False
    language: str = ""
    speaker: str = ""
    duration_s: float | None = None

    @property
    def is_whole_clip(self) -> bool:
        """Whether it is about the recording as a whole."""
        return self.start_s is None

    def problem(self) -> str:
        """Return what is wrong with the row, such as `has an end before its start`, or nothing."""
        numbers = (self.start_s, self.end_s, self.suggestion_confidence, self.duration_s)
        if not self.path:
            return "has no path"
        if not self.answer:
            return "has no answer"
        if self.origin not in ORIGINS:
            return f"has the origin {self.origin!r}, which is none of {', '.join(ORIGINS)}"
        if any(number is not None and not math.isfinite(number) for number in numbers):
            return "has a number that is not finite"
        if (self.start_s is None) != (self.end_s is None):
            return "has only one of start_s and end_s"
        if self.start_s is not None and self.start_s < 0:
            return "starts before 0 s"
        if self.start_s is not None and self.end_s is not None and self.end_s <= self.start_s:
            return "does not end after it starts"
        if self.suggestion_confidence is not None and not 0 <= self.suggestion_confidence <= 1:
            return "has a suggestion_confidence outside 0 to 1"
        if self.duration_s is not None and self.duration_s < 0:
            return "has a negative duration_s"
        return ""
