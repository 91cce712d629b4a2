"""Plain data that crosses module and process borders; numpy at most.

Shapes: T frames, C emotion classes, D functionals. Times are seconds as float, intervals half-open.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioInfo:
    """What a recording is, before any of it is decoded.

    Args:
        path: The file.
        sample_rate_hz: Frames per second as stored.
        channels: Number of channels as stored.
        num_frames: Frames per channel as stored.
        container: Container format, for example `WAV` or `mov,mp4,m4a`.
        codec: Sample format or codec, for example `PCM_16` or `aac`.
        decoder: `libsndfile` or `ffmpeg`: what reads it.
        is_estimated: Whether `num_frames` is what the file claims and was too long to count.
        notice: One sentence where less could be read than the file claims, else empty.
    """

    path: Path
    sample_rate_hz: int
    channels: int
    num_frames: int
    container: str
    codec: str
    decoder: str
    is_estimated: bool = False
    notice: str = ""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.num_frames / self.sample_rate_hz


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelId:
    """A model by name and by the hash of its card (which holds the hash of each file)."""

    name: str
    sha256: str

    def __str__(self) -> str:
        """Return `name@hash`, as labels and suggestions keep it."""
        return f"{self.name}@{self.sha256}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posteriors:
    """Frame-level emotion posteriors.

    Args:
        classes: Emotion names, length C.
        frame_rate_hz: Frames per second; frame `t` covers `[t, t + 1) / frame_rate_hz`.
        values: (T, C) float32, rows sum to 1.
        speech: (T,) float32, probability that somebody speaks; None where the model cannot tell.
    """

    classes: tuple[str, ...]
    frame_rate_hz: float
    values: FloatArray
    speech: FloatArray | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UtterancePosterior:
    """Posterior of a whole recording.

    Args:
        emotion: The class with the largest posterior.
        posterior: (C,) float32, calibrated, sums to 1.
        confidence: Calibrated probability that `emotion` is what a listener would say, 0 to 1.
        statistics: What the normalisation rests on: `none`, or `project (34 clips)`.
        ood_score: How far the recording is from the training data: 0 like it, 1 like nothing in it.
        is_known: Whether the emotion is worth showing; else it is "don't know".
        notice: One sentence where there is something to say of this recording, else empty.
    """

    emotion: str
    posterior: FloatArray
    confidence: float
    statistics: str
    ood_score: float = 0.0
    is_known: bool = True
    notice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSummary:
    """What the scores of a project's recordings rest on.

    Args:
        statistics: What was used: `none`, `project` or `speaker`.
        clips: How many recordings it rests on.
        words: For a person, for example `adapted to 34 clips of this project`.
        notices: One sentence each, for example of a speaker who shows one emotion.
    """

    statistics: str
    clips: int
    words: str
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EmotionSegment:
    """A stretch of a recording in which somebody speaks with one emotion.

    Args:
        start_s: Where it starts.
        end_s: Where it ends.
        emotion: Its class.
    """

    start_s: float
    end_s: float
    emotion: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Analysis:
    """Everything the model says about one recording.

    Args:
        duration_s: Length of the recording in seconds.
        model: The model that ran.
        posteriors: Frame-level posteriors.
        utterance: Posterior of the whole recording.
        functionals: (D,) float32, raw, from which the utterance posterior can be computed
            again with the statistics of a project or speaker.
        segments: Stretches of one emotion, in order, from the smoothed posteriors; where nobody
            speaks there is none.
    """

    duration_s: float
    model: ModelId
    posteriors: Posteriors
    utterance: UtterancePosterior
    functionals: FloatArray
    segments: tuple[EmotionSegment, ...] = ()
