"""What a model says of one recording, as JSON.

Keys: `path`, `duration_s`, `model` (`name@sha256`), `classes`, `frame_rate_hz`, `posteriors`
(frames by classes, rows sum to 1), `speech` (frames, probability that somebody speaks; null where
the model cannot tell), `segments` (`start_s`, `end_s`, `emotion`: stretches of one emotion; where
nobody speaks there is none), `utterance` (`emotion`, `posterior`, `confidence`,
`statistics`), and `functionals`, from which the utterance posterior can be computed again.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from clser_engine.errors import FormatError
from clser_engine.formats.atomic_write import write_atomically
from clser_engine.formats.json_file import read_json
from clser_engine.formats.numbers import to_float_lists
from clser_engine.types import (
    Analysis,
    EmotionSegment,
    FloatArray,
    ModelId,
    Posteriors,
    UtterancePosterior,
)

SUM_TOLERANCE = 1e-3
"""How far from 1 a row may sum when read: a file that was rounded by hand still opens."""

T = TypeVar("T")


def write_analysis(path: Path, analysis: Analysis, audio_path: Path, *, overwrite: bool) -> None:
    """Write an analysis.

    Args:
        path: The JSON file.
        analysis: What the model said.
        audio_path: The recording, named in the file as given.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FormatError: If the file exists and may not be replaced, or cannot be written.
    """
    posteriors, utterance = analysis.posteriors, analysis.utterance
    content = {
        "path": str(audio_path),
        "duration_s": float(analysis.duration_s),
        "model": f"{analysis.model.name}@{analysis.model.sha256}",
        "classes": list(posteriors.classes),
        "frame_rate_hz": float(posteriors.frame_rate_hz),
        "utterance": {
            "emotion": utterance.emotion,
            "posterior": to_float_lists(utterance.posterior[None])[0],
            "confidence": float(utterance.confidence),
            "statistics": utterance.statistics,
            "ood_score": float(utterance.ood_score),
            "is_known": utterance.is_known,
            "notice": utterance.notice,
        },
        "segments": [
            {"start_s": s.start_s, "end_s": s.end_s, "emotion": s.emotion}
            for s in analysis.segments
        ],
        "posteriors": to_float_lists(posteriors.values),
        "speech": (
            None if posteriors.speech is None else to_float_lists(posteriors.speech[None])[0]
        ),
        "functionals": to_float_lists(analysis.functionals[None])[0],
    }
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    write_atomically(path, (text + "\n").encode("utf-8", "surrogatepass"), overwrite=overwrite)


def read_analysis(path: Path) -> tuple[Analysis, str]:
    """Read an analysis and the path of the recording that it is about.

    Raises:
        FormatError: If the file cannot be read or is not what `write_analysis` writes.
    """
    content = read_json(path)
    classes = _field(path, content, "classes", _to_names)
    # a recording shorter than one frame has no rows, and then JSON does not tell their length
    posteriors = _field(
        path, content, "posteriors", lambda rows: _to_matrix(rows or np.empty((0, len(classes))))
    )
    utterance = _field(path, content, "utterance", dict)
    posterior = _field(path, utterance, "posterior", _to_vector)
    if posteriors.shape[1:] != (len(classes),) or posterior.shape != (len(classes),):
        raise FormatError(
            f"{path} has posteriors for another number of classes than its {len(classes)} "
            "classes; analyse the recording again."
        )
    if (np.abs(posteriors.sum(axis=1) - 1) > SUM_TOLERANCE).any():
        raise FormatError(
            f"{path} has posteriors that do not sum to 1; analyse the recording again."
        )
    speech = _field(path, {"speech": None, **content}, "speech", _to_vector_or_none)
    if speech is not None and len(speech) != len(posteriors):
        raise FormatError(
            f"{path} has speech for {len(speech)} frames and posteriors for {len(posteriors)}; "
            "analyse the recording again."
        )
    name, _, sha256 = _field(path, content, "model", str).rpartition("@")
    analysis = Analysis(
        duration_s=_field(path, content, "duration_s", float),
        model=ModelId(name=name, sha256=sha256),
        posteriors=Posteriors(
            classes=classes,
            frame_rate_hz=_field(path, content, "frame_rate_hz", float),
            values=posteriors,
            speech=speech,
        ),
        utterance=UtterancePosterior(
            emotion=_field(path, utterance, "emotion", str),
            posterior=posterior,
            confidence=_field(path, utterance, "confidence", float),
            statistics=_field(path, utterance, "statistics", str),
            **_familiarity(path, utterance),
        ),
        functionals=_field(path, {"functionals": [], **content}, "functionals", _to_vector),
        segments=_field(path, {"segments": [], **content}, "segments", _to_segments),
    )
    return analysis, _field(path, content, "path", str)


def _familiarity(path: Path, utterance: dict[str, Any]) -> dict[str, Any]:
    """Return how familiar the recording is; files of older versions do not say."""
    content = {"ood_score": 0.0, "is_known": True, "notice": "", **utterance}
    return {
        "ood_score": _field(path, content, "ood_score", float),
        "is_known": _field(path, content, "is_known", bool),
        "notice": _field(path, content, "notice", str),
    }


def _field(path: Path, content: dict[str, Any], key: str, convert: Callable[[Any], T]) -> T:
    # Any: parsed JSON may hold anything; `convert` is what checks it.
    try:
        return convert(content[key])
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{path} has no usable '{key}'; analyse the recording again.") from error


def _to_matrix(values: Any) -> FloatArray:
    matrix = np.asarray(values, np.float32)
    if matrix.ndim != 2 or not np.isfinite(matrix).all():
        raise ValueError(matrix.shape)
    return matrix


def _to_vector(values: Any) -> FloatArray:
    vector = np.asarray(values, np.float32)
    if vector.ndim != 1 or not np.isfinite(vector).all():
        raise ValueError(vector.shape)
    return vector


def _to_vector_or_none(values: Any) -> FloatArray | None:
    return None if values is None else _to_vector(values)


def _to_segments(values: Any) -> tuple[EmotionSegment, ...]:
    return tuple(
        EmotionSegment(
            start_s=float(value["start_s"]),
            end_s=float(value["end_s"]),
            emotion=str(value["emotion"]),
        )
        for value in values
    )


def _to_names(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(name, str) for name in values):
        raise ValueError(values)
    return tuple(values)
