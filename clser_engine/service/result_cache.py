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
from contextlib import suppress
from pathlib import Path

import numpy as np

from clser_engine.service.folder_budget import FolderBudget
from clser_engine.types import Analysis, FloatArray, ModelId, Posteriors, UtterancePosterior

logger = logging.getLogger(__name__)

FORMAT_VERSION = 1  # raise it when the numbers of an unchanged model change
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

    def find(self, audio_sha256: str, model: ModelId) -> Analysis | None:
        """Return the stored analysis, or None."""
        path = self._path(audio_sha256, model)
        try:
            with np.load(path, allow_pickle=False) as stored:
                analysis = _decode(json.loads(bytes(stored["facts"])), model, stored)
        except FileNotFoundError:
            return None
        except UNREADABLE as error:
            self._discard(path, error)
            return None
        self._budget.touch(path)
        return analysis

    def find_functionals(self, audio_sha256: str, model: ModelId) -> FloatArray | None:
        """Return only the (D,) raw functionals of a stored analysis, or None."""
        path = self._path(audio_sha256, model)
        try:
            with np.load(path, allow_pickle=False) as stored:
                functionals = stored["functionals"]
        except FileNotFoundError:
            return None
        except UNREADABLE as error:
            self._discard(path, error)
            return None
        return np.asarray(functionals, dtype=np.float32)

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
                    posterior=analysis.utterance.posterior,
                    functionals=analysis.functionals,
                )
            partial.replace(path)
            self._budget.add(path)
        except OSError as error:
            if partial is not None:
                partial.unlink(missing_ok=True)
            logger.info("The analysis is not kept in %s: %s", self._folder, error)

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
        "model_name": analysis.model.name,
        "classes": analysis.posteriors.classes,
        "frame_rate_hz": analysis.posteriors.frame_rate_hz,
        "emotion": analysis.utterance.emotion,
        "confidence": analysis.utterance.confidence,
        "statistics": analysis.utterance.statistics,
    }


def _decode(facts: dict[str, object], model: ModelId, stored: "np.lib.npyio.NpzFile") -> Analysis:
    classes = tuple(str(name) for name in facts["classes"])  # type: ignore[attr-defined]
    values, posterior = stored["posteriors"], stored["posterior"]
    if values.ndim != 2 or values.shape[1] != len(classes) or posterior.shape != (len(classes),):
        raise ValueError(f"shapes {values.shape} and {posterior.shape} of {len(classes)} classes")
    return Analysis(
        duration_s=float(facts["duration_s"]),  # type: ignore[arg-type]
        model=model,
        posteriors=Posteriors(
            classes=classes,
            frame_rate_hz=float(facts["frame_rate_hz"]),  # type: ignore[arg-type]
            values=values.astype(np.float32, copy=False),
        ),
        utterance=UtterancePosterior(
            emotion=str(facts["emotion"]),
            posterior=posterior.astype(np.float32, copy=False),
            confidence=float(facts["confidence"]),  # type: ignore[arg-type]
            statistics=str(facts["statistics"]),
        ),
        functionals=stored["functionals"].astype(np.float32, copy=False),
    )
