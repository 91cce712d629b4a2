"""Descriptors and functionals of labelled recordings, computed once and kept on disk.

The key of a file in the cache is the hash of the recordings, of the code that computes features and
of the playing speed, so nothing stale is ever read.

Shapes: N recordings, T frames of 20 ms, D functionals, M mel bands.
"""

import ast
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
import soxr
import torch

from clser_engine.audio import features, functionals
from clser_engine.audio.features import SAMPLE_RATE_HZ, Descriptors, FrameDescriptors
from clser_engine.audio.functionals import Functionals
from clser_engine.audio.read import read_mono
from clser_engine.data.manifest import Utterance
from clser_engine.runtime import RunContext
from clser_engine.types import FloatArray

DESCRIPTOR_COLUMNS = features.MEL_BANDS + 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureSet:
    """Features of labelled recordings.

    Args:
        utterances: Length N.
        functionals: (N, D) float32.
        descriptors: N arrays (T, M + 5) float32: mel, energy, F0, periodicity, two tilts.
    """

    utterances: list[Utterance]
    functionals: FloatArray
    descriptors: list[FloatArray]

    def select(self, indices: Sequence[int]) -> "FeatureSet":
        """Return the features of some of the recordings."""
        return FeatureSet(
            utterances=[self.utterances[i] for i in indices],
            functionals=self.functionals[list(indices)],
            descriptors=[self.descriptors[i] for i in indices],
        )


def join(sets: Sequence[FeatureSet]) -> FeatureSet:
    """Return the recordings of several sets as one."""
    return FeatureSet(
        utterances=[utterance for one in sets for utterance in one.utterances],
        functionals=np.concatenate([one.functionals for one in sets]),
        descriptors=[packed for one in sets for packed in one.descriptors],
    )


def cache_folder() -> Path:
    """Return where features are kept; `CLSER_HOME` moves it."""
    home = os.environ.get("CLSER_HOME")
    root = Path(home) / "cache" if home else platformdirs.user_cache_path("clser-studio")
    return root / "features"


def pack(d: Descriptors) -> torch.Tensor:
    """Join descriptors of one recording into (T, M + 5)."""
    rest = torch.stack([d.energy_db, d.f0_semitones, d.periodicity], dim=2)
    return torch.cat([d.mel, rest, d.tilt_db], dim=2)[0]


def unpack(packed: torch.Tensor, valid: torch.Tensor) -> Descriptors:
    """Split (B, T, M + 5) with validity (B, T) into descriptors."""
    mel, rest = packed[:, :, : features.MEL_BANDS], packed[:, :, features.MEL_BANDS :]
    return Descriptors(
        valid=valid,
        mel=mel,
        energy_db=rest[:, :, 0],
        f0_semitones=rest[:, :, 1],
        periodicity=rest[:, :, 2],
        tilt_db=rest[:, :, 3:],
    )


def code_hash() -> str:
    """Hash of the code that computes features; comments, layout and docstrings do not count."""
    digest = hashlib.sha256()
    for module in (features, functionals):
        tree = ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
                del body[0]
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()


def recordings_hash(utterances: Sequence[Utterance]) -> str:
    """Hash of which recordings these are: path, size, time of change, label and speaker."""
    digest = hashlib.sha256()
    for utterance in utterances:
        status = utterance.path.stat()
        line = f"{utterance.path}|{status.st_size}|{status.st_mtime_ns}"
        digest.update(f"{line}|{utterance.emotion}|{utterance.speaker_key}\n".encode())
    return digest.hexdigest()


def compute_features(
    utterances: Sequence[Utterance], speed: float = 1.0, context: RunContext | None = None
) -> FeatureSet:
    """Return the features of recordings, from the cache where they were computed before.

    Args:
        utterances: The recordings.
        speed: Plays them faster (above 1) or slower, pitch included.
        context: Progress and cancellation.

    Raises:
        AudioError: If a recording cannot be read.
    """
    context = context or RunContext()
    key = hashlib.sha256(f"{recordings_hash(utterances)}{code_hash()}{speed}".encode()).hexdigest()
    stored = cache_folder() / f"{key[:32]}.npz"
    if stored.exists():
        with np.load(stored, allow_pickle=False) as arrays:
            packed = np.split(arrays["descriptors"], arrays["ends"][:-1])
            return FeatureSet(
                utterances=list(utterances),
                functionals=arrays["functionals"],
                descriptors=packed,
            )
    describe, summarise = FrameDescriptors(), Functionals()
    packed, vectors = [], []
    for done, utterance in enumerate(utterances):
        context.report("features", done, len(utterances))
        samples = read_mono(utterance.path)
        if speed != 1.0:
            samples = soxr.resample(samples, SAMPLE_RATE_HZ * speed, SAMPLE_RATE_HZ)
        with torch.inference_mode():
            descriptors = describe(torch.from_numpy(np.ascontiguousarray(samples))[None])
            vectors.append(summarise(descriptors)[0].numpy())
            packed.append(pack(descriptors).numpy())
    feature_set = FeatureSet(
        utterances=list(utterances), functionals=np.stack(vectors), descriptors=packed
    )
    _store(stored, feature_set)
    return feature_set


def _store(path: Path, feature_set: FeatureSet) -> None:
    """Write so that a half-written file is never read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial.npz")
    np.savez(
        partial,
        functionals=feature_set.functionals,
        descriptors=np.concatenate(feature_set.descriptors),
        ends=np.cumsum([len(packed) for packed in feature_set.descriptors]),
    )
    partial.replace(path)
