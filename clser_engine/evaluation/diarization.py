"""How well stretches of emotion in a recording are found.

Shapes: S segments, K change points.

Source: Wang et al., "Speech Emotion Diarization: Which Emotion Appears When?", ASRU 2023, equation
1: the emotion diarization error rate is the time of false alarms, missed emotion and confusion over
the length of the recording.
Differs from the source: `neutral` is an emotion like the others, and what is no emotion is that
nobody speaks; there is no overlap. Beside it stands the stricter rate over the time in which the
reference has an emotion (as the diarization error rate of speakers has it), to which pauses, which
are easy, add nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from clser_engine.errors import BadValueError
from clser_engine.types import EmotionSegment

TOLERANCE_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class DiarizationErrors:
    """Seconds of each kind of error; those of several recordings can be added.

    Args:
        missed_s: The reference has an emotion and the hypothesis none.
        false_alarm_s: The hypothesis has an emotion and the reference none.
        confusion_s: Both have one, and not the same.
        spoken_s: The reference has an emotion.
        length_s: Of the recording, pauses included.
    """

    missed_s: float
    false_alarm_s: float
    confusion_s: float
    spoken_s: float
    length_s: float

    def __add__(self, other: "DiarizationErrors") -> "DiarizationErrors":
        """Return the errors of both."""
        return DiarizationErrors(
            missed_s=self.missed_s + other.missed_s,
            false_alarm_s=self.false_alarm_s + other.false_alarm_s,
            confusion_s=self.confusion_s + other.confusion_s,
            spoken_s=self.spoken_s + other.spoken_s,
            length_s=self.length_s + other.length_s,
        )

    @property
    def wrong_s(self) -> float:
        """All errors."""
        return self.missed_s + self.false_alarm_s + self.confusion_s

    @property
    def rate(self) -> float:
        """Emotion diarization error rate in percent of the length.

        Raises:
            BadValueError: If there is no recording.
        """
        if self.length_s <= 0:
            raise BadValueError(f"Bad length: got {self.length_s:g} s, expected above 0.")
        return 100 * self.wrong_s / self.length_s

    @property
    def rate_of_speech(self) -> float:
        """The same in percent of the time in which the reference has an emotion.

        Raises:
            BadValueError: If it has none anywhere.
        """
        if self.spoken_s <= 0:
            raise BadValueError("Bad reference: got no emotion, expected at least one segment.")
        return 100 * self.wrong_s / self.spoken_s


def diarization_errors(
    reference: Sequence[EmotionSegment], hypothesis: Sequence[EmotionSegment], length_s: float
) -> DiarizationErrors:
    """Compare two lists of segments of a recording, neither of which overlaps with itself."""
    spoken_s = sum(segment.end_s - segment.start_s for segment in reference)
    claimed_s = sum(segment.end_s - segment.start_s for segment in hypothesis)
    shared_s = right_s = 0.0
    for wanted in reference:
        for found in hypothesis:
            both_s = min(wanted.end_s, found.end_s) - max(wanted.start_s, found.start_s)
            if both_s > 0:
                shared_s += both_s
                right_s += both_s if wanted.emotion == found.emotion else 0.0
    return DiarizationErrors(
        missed_s=spoken_s - shared_s,
        false_alarm_s=claimed_s - shared_s,
        confusion_s=shared_s - right_s,
        spoken_s=spoken_s,
        length_s=length_s,
    )


def change_points(segments: Sequence[EmotionSegment]) -> list[float]:
    """Return the K times at which an emotion starts that is not that of the segment before."""
    return [
        after.start_s for before, after in pairwise(segments) if before.emotion != after.emotion
    ]


def match_points(
    reference: Sequence[float], hypothesis: Sequence[float], tolerance_s: float = TOLERANCE_S
) -> int:
    """Return how many pairs of points lie within the tolerance, each point in one pair at most.

    Taking the earliest that fits, in order, finds as many pairs as any other way.
    """
    wanted, found = sorted(reference), sorted(hypothesis)
    matched = first = second = 0
    while first < len(wanted) and second < len(found):
        apart_s = found[second] - wanted[first]
        if abs(apart_s) <= tolerance_s:
            matched, first, second = matched + 1, first + 1, second + 1
        elif apart_s < 0:
            second += 1
        else:
            first += 1
    return matched


def boundary_f1(matched: int, num_reference: int, num_hypothesis: int) -> float:
    """Return the F1 of change points in percent; 100 where there are none and none was found."""
    if num_reference + num_hypothesis == 0:
        return 100.0
    return 100 * 2 * matched / (num_reference + num_hypothesis)
