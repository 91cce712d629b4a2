"""Analyses on disk, so that the same audio and model are never computed twice.

One `.npz` per analysis, read without pickle, named by audio, model and version of this format. A
file that cannot be read is a miss and is removed; a full disk costs the next reading its speed
and nothing else.
"""

import hashlib
import json
import logging
import os
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from clser_engine.service.folder_budget import FolderBudget
from clser_engine.types import (
    Analysis,
    EmotionSegment,
    FloatArray,
    ModelId,
    Posteriors,
    UtterancePosterior,
)

logger = logging.getLogger(__name__)

T = TypeVar("T")

FORMAT_VERSION = 4  # raise it when the numbers of an unchanged model change
MAX_FUNCTIONALS = 20_000  # kept in memory: about 30 MB
DEFAULT_MAX_BYTES = 2 * 1024**3
UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)


class ResultCache:
    """Finds and stores analyses by the hashes of audio and model.

    Args:
        folder: Made when first written to.
        max_bytes: Size above which the analyses not used for longest are removed.
    """

    def __init__(self, folder: Path, *, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._folder = folder
        self._budget = FolderBudget(folder, max_bytes)
        self._functionals: dict[tuple[str, str], FloatArray] = {}

    def find(self, audio_sha256: str, model: ModelId) -> Analysis | None:
        """Return the stored analysis, or None."""
        return self._read(audio_sha256, model, lambda stored: _decode(model, stored))

    def find_functionals(self, audio_sha256: str, model: ModelId) -> FloatArray | None:
        """Return only the (D,) raw functionals of a stored analysis, or None.

        The newest are kept in memory: a project of 10,000 recordings is scored again whenever some
        are added, and to open as many files takes seconds.
        """
        key = (audio_sha256, model.sha256)
        kept = self._functionals.pop(key, None)
        if kept is None:
            kept = self._read(audio_sha256, model, lambda stored: _floats(stored["functionals"], 1))
        if kept is not None:
            self._functionals[key] = kept  # the newest is last
            if len(self._functionals) > MAX_FUNCTIONALS:
                del self._functionals[next(iter(self._functionals))]
        return kept

    def store(self, audio_sha256: str, analysis: Analysis) -> None:
        """Store an analysis; where the disk refuses, the log says so and the work goes on."""
        path = self._path(audio_sha256, analysis.model)
        partial: Path | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, suffix=".partial")
            partial = Path(name)
            with os.fdopen(handle, "wb") as file:
                np.savez(
                    file,
                    facts=np.frombuffer(json.dumps(_facts(analysis)).encode(), np.uint8),
                    posteriors=analysis.posteriors.values,
                    speech=_speech_to_array(analysis.posteriors),
                    posterior=analysis.utterance.posterior,
                    functionals=analysis.functionals,
                )
            partial.replace(path)
            self._budget.add(path)
        except OSError as error:
            if partial is not None:
                partial.unlink(missing_ok=True)
            logger.info("The analysis is not kept in %s: %s", self._folder, error)

    def _read(self, audio_sha256: str, model: ModelId, decode: Callable[[NpzFile], T]) -> T | None:
        path = self._path(audio_sha256, model)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                found = decode(stored)
        except FileNotFoundError:
            return None
        except UNREADABLE as error:
            self._discard(path, error)
            return None
        self._budget.touch(path)
        return found

    def _path(self, audio_sha256: str, model: ModelId) -> Path:
        key = f"{FORMAT_VERSION}/{audio_sha256}/{model.sha256}"
        name = hashlib.sha256(key.encode()).hexdigest()
        return self._folder / name[:2] / f"{name}.npz"

    def _discard(self, path: Path, error: Exception) -> None:
        logger.info("The stored analysis %s is damaged and is removed: %s", path, error)
        with suppress(OSError):  # a read-only folder: it stays a miss
            path.unlink(missing_ok=True)


def _facts(analysis: Analysis) -> dict[str, object]:
    return {
        "duration_s": analysis.duration_s,
        "classes": analysis.posteriors.classes,
        "frame_rate_hz": analysis.posteriors.frame_rate_hz,
        "emotion": analysis.utterance.emotion,
        "confidence": analysis.utterance.confidence,
        "statistics": analysis.utterance.statistics,
        "ood_score": analysis.utterance.ood_score,
        "is_known": analysis.utterance.is_known,
        "notice": analysis.utterance.notice,
        "segments": [[s.start_s, s.end_s, s.emotion] for s in analysis.segments],
    }


def _speech_to_array(posteriors: Posteriors) -> FloatArray:
    """Return (T,), or nothing at all, (0, 0), where the model cannot tell speech."""
    speech = posteriors.speech
    return np.zeros((0, 0), np.float32) if speech is None else speech


def _decode(model: ModelId, stored: NpzFile) -> Analysis:
    facts = json.loads(bytes(stored["facts"]))
    classes = tuple(facts["classes"])
    values, posterior = _floats(stored["posteriors"], 2), _floats(stored["posterior"], 1)
    if values.shape[1] != len(classes) or len(posterior) != len(classes):
        raise ValueError(f"shapes {values.shape} and {posterior.shape} of {len(classes)} classes")
    speech = None if stored["speech"].ndim == 2 else _floats(stored["speech"], 1)
    if speech is not None and len(speech) != len(values):
        raise ValueError(f"speech of {len(speech)} frames beside {len(values)} posteriors")
    return Analysis(
        duration_s=facts["duration_s"],
        model=model,
        posteriors=Posteriors(
            classes=classes, frame_rate_hz=facts["frame_rate_hz"], values=values, speech=speech
        ),
        utterance=UtterancePosterior(
            emotion=facts["emotion"],
            posterior=posterior,
            confidence=facts["confidence"],
            statistics=facts["statistics"],
            ood_score=facts["ood_score"],
            is_known=facts["is_known"],
            notice=facts["notice"],
        ),
        functionals=_floats(stored["functionals"], 1),
        segments=tuple(
            EmotionSegment(start_s=start_s, end_s=end_s, emotion=emotion)
            for start_s, end_s, emotion in facts["segments"]
        ),
    )


def _floats(array: NDArray[np.generic], ndim: int) -> FloatArray:
    if array.dtype != np.float32 or array.ndim != ndim:
        raise ValueError(f"an array of {array.dtype} and {array.ndim} dimensions")
    return array.astype(np.float32, copy=False)
