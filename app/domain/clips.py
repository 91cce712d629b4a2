"""A recording in a project, and what is found out about it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One recording that a project refers to; the file stays where it is.

    Args:
        clip_id: Stable id within the project (UUID hex).
        path: Absolute path of the recording.
        sha256: Hash of the file's bytes, empty until it was computed; finds a moved file again.
        duration_s: Length in seconds, None until probed.
        sample_rate_hz: As stored, None until probed.
        channels: As stored, None until probed.
        language: BCP 47 tag or empty.
        speaker: Name or empty.
        transcript: What is said, or empty.
        problem: One sentence when the file cannot be read, else empty.
        notice: One sentence where less could be read than the file claims, else empty.
    """

    clip_id: str
    path: str
    sha256: str = ""
    duration_s: float | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None
    language: str = ""
    speaker: str = ""
    transcript: str = ""
    problem: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What a model says of a clip: a suggestion, never a label.

    Args:
        clip_id: The clip.
        emotion: Class with the largest posterior.
        confidence: Calibrated, 0 to 1.
        model: Name and hash of the model, `name@hash`.
        statistics: What the normalisation rests on.
        is_known: Whether the model knows the like of it; else it suggests nothing.
        notice: One sentence where there is something to say of it, such as why it is not known.
    """

    clip_id: str
    emotion: str
    confidence: float
    model: str
    statistics: str
    is_known: bool = True
    notice: str = ""

    @property
    def suggestion(self) -> str:
        """The emotion that it suggests, empty for "don't know"."""
        return self.emotion if self.is_known else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What was found out about a file: a fact about the disk, never undone.

    Args:
        path: Absolute path of the recording.
        sha256: Hash of the file's bytes, empty until it was computed.
        duration_s: Length in seconds, None where it cannot be read.
        sample_rate_hz: As stored, None where it cannot be read.
        channels: As stored, None where it cannot be read.
        problem: One sentence when the file cannot be read, else empty.
        size_bytes: Size of the file, None where it was not there.
        modified_ns: Time of its last change in nanoseconds, None where it was not there.
        notice: One sentence where less could be read than the file claims, else empty.
    """

    path: str
    sha256: str = ""
    duration_s: float | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None
    problem: str = ""
    size_bytes: int | None = None
    modified_ns: int | None = None
    notice: str = ""
