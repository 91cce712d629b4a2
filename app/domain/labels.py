"""A person's answer about a recording or a stretch of it, and where it came from."""

from dataclasses import dataclass
from enum import StrEnum

from app.domain.time_span import TimeSpan


class Origin(StrEnum):
    """How a label came to be."""

    HAND = "hand"
    ACCEPTED = "accepted"
    IMPORTED = "imported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One answer. `start_s` and `end_s` are both None for the whole clip.

    Args:
        label_id: UUID hex.
        clip_id: The clip it is about.
        answer: Emotion name, `none_of_these` or `unsure` (see `clser_engine.labels`).
        origin: By hand, accepted from a suggestion, or imported.
        annotator: Who answered.
        created_at: ISO 8601, UTC, with milliseconds.
        start_s: Start of the stretch in seconds, or None.
        end_s: End of the stretch in seconds (half-open), or None.
        suggested_by: Model `name@hash` whose suggestion stood, or empty.
        suggestion: The emotion it suggested, or empty: with a model, it said that it does not know.
        suggestion_confidence: Its confidence, or None.
        suggestion_seen: Whether the suggestion was on screen before the answer.
    """

    label_id: str
    clip_id: str
    answer: str
    origin: Origin
    annotator: str
    created_at: str
    start_s: float | None = None
    end_s: float | None = None
    suggested_by: str = ""
    suggestion: str = ""
    suggestion_confidence: float | None = None
    suggestion_seen: bool = False

    @property
    def is_whole_clip(self) -> bool:
        """Whether it is about the clip as a whole."""
        return self.start_s is None

    @property
    def span(self) -> TimeSpan | None:
        """The stretch it is about, or None for the whole clip."""
        if self.start_s is None or self.end_s is None:
            return None
        return TimeSpan(self.start_s, self.end_s)
