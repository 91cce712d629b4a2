"""Descriptors and functionals of labelled recordings, computed once and kept on disk.

The key is what is in the recording, the code that computes features and how the recording is
altered, so nothing stale is ever read, a recording that was moved or copied is found again, and
sets that overlap share what they have in common. There is one small file a recording, in one folder
for each code and alteration; each is written under a name of its own and renamed, so several
processes may fill the same folder at once, and one that was stopped in the middle has lost one
recording.

Shapes: N recordings, T frames of 20 ms, D functionals, M mel bands.
"""

import ast
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import platformdirs
import torch
from safetensors import SafetensorError
from safetensors.numpy import load, save

from clser_engine.audio import alteration, features, functionals, masked
from clser_engine.audio.alteration import alter
from clser_engine.audio.features import FrameDescriptors, pack
from clser_engine.audio.functionals import Functionals
from clser_engine.audio.read import read_mono
from clser_engine.data.manifest import Utterance
from clser_engine.data.recording_hashes import hash_recordings
from clser_engine.runtime import RunContext
from clser_engine.types import FloatArray

logger = logging.getLogger(__name__)

DESCRIPTOR_COLUMNS = features.MEL_BANDS + 5
MAX_BYTES = 16 << 30
"""Most that all features may take; folders not used for longest go first."""
KEEP_S = 3600.0  # a folder used within this time may be in use by another process


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


def code_hash() -> str:
    """Hash of the code that computes features; comments, layout and docstrings do not count."""
    digest = hashlib.sha256()
    for module in (features, functionals, masked, alteration):
        tree = ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
                del body[0]
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()


def recordings_hash(utterances: Sequence[Utterance]) -> str:
    """Hash of which recordings these are: contents, label and speaker; not where they lie."""
    digest = hashlib.sha256()
    hashes = hash_recordings([u.path for u in utterances], _hash_memory())
    for utterance, sha256 in zip(utterances, hashes, strict=True):
        digest.update(f"{sha256}|{utterance.emotion}|{utterance.speaker_key}\n".encode())
    return digest.hexdigest()


def compute_features(
    utterances: Sequence[Utterance], alteration: int = 0, context: RunContext | None = None
) -> FeatureSet:
    """Return the features of recordings, from the cache where they were computed before.

    Args:
        utterances: The recordings.
        alteration: 0 for the recordings as they are; else which of the ways they could have been
            heard elsewhere, the same each time.
        context: Progress and cancellation.

    Raises:
        AudioError: If a recording cannot be read.
    """
    context = context or RunContext()
    folder = _open_folder(alteration)
    hashes = hash_recordings([u.path for u in utterances], _hash_memory(), context)
    found = [_load(folder / f"{sha256}.safetensors") for sha256 in hashes]
    describe, summarise = FrameDescriptors(), Functionals()
    computed = 0
    for index, (utterance, sha256) in enumerate(zip(utterances, hashes, strict=True)):
        context.report("features", index, len(utterances))
        if found[index] is None:
            found[index] = _compute(utterance.path, sha256, alteration, describe, summarise)
            _store(folder / f"{sha256}.safetensors", found[index])
            computed += 1
    if computed:
        make_room(keep=folder)
    known = [one for one in found if one is not None]
    return FeatureSet(
        utterances=list(utterances),
        functionals=np.stack([vector for vector, _ in known]),
        descriptors=[packed for _, packed in known],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheFolder:
    """Features by one code of recordings altered in one way.

    Args:
        path: The folder.
        alteration: How the recordings were altered; 0 for as they are.
        is_current: Whether the code that is installed makes and reads them.
        recordings: How many there are.
        num_bytes: What they take.
        used_s: When they were last used, in seconds since 1970.
    """

    path: Path
    alteration: int
    is_current: bool
    recordings: int
    num_bytes: int
    used_s: float


def list_cache() -> list[CacheFolder]:
    """Return what the cache holds, the last used first."""
    found = []
    current = code_hash()
    for path in cache_folder().glob("*/"):
        settings = _read_settings(path)
        sizes = [file.stat().st_size for file in path.glob("*.safetensors")]
        found.append(
            CacheFolder(
                path=path,
                alteration=int(settings.get("alteration", 0)),
                is_current=settings.get("code") == current,
                recordings=len(sizes),
                num_bytes=sum(sizes),
                used_s=path.stat().st_mtime,
            )
        )
    return sorted(found, key=lambda folder: -folder.used_s)


def make_room(max_bytes: int = MAX_BYTES, keep: Path | None = None) -> list[Path]:
    """Remove the folders not used for longest until the others fit; return those removed.

    Args:
        max_bytes: Most that the features may take.
        keep: A folder that stays. So does, where something is kept, what was used within the hour.
    """
    folders = list_cache()
    used = sum(folder.num_bytes for folder in folders)
    removed = []
    for folder in reversed(folders):
        if used <= max_bytes:
            break
        if keep is not None and (folder.path == keep or time.time() - folder.used_s < KEEP_S):
            continue
        shutil.rmtree(folder.path, ignore_errors=True)
        removed.append(folder.path)
        used -= folder.num_bytes
    return removed


def _hash_memory() -> Path:
    return cache_folder() / "hashes.sqlite"


def _open_folder(alteration: int) -> Path:
    """Return the folder for the installed code and an alteration, and note that it was used."""
    settings = {"code": code_hash(), "alteration": alteration}
    key = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]
    folder = cache_folder() / key
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "settings.json").exists():
            _write(folder / "settings.json", json.dumps(settings).encode())
        os.utime(folder)
    except OSError as error:
        logger.info("Features cannot be kept in %s: %s", folder, error)
    return folder


def _read_settings(folder: Path) -> dict[str, str]:
    try:
        settings = json.loads((folder / "settings.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return settings if isinstance(settings, dict) else {}


def _compute(
    path: Path, sha256: str, alteration: int, describe: FrameDescriptors, summarise: Functionals
) -> tuple[FloatArray, FloatArray]:
    """Return functionals (D,) and descriptors (T, M + 5) of a recording."""
    samples = read_mono(path)
    if alteration:
        samples = alter(samples, np.random.default_rng([alteration, int(sha256[:16], 16)]))
    with torch.inference_mode():
        descriptors = describe(torch.from_numpy(np.ascontiguousarray(samples))[None])
        return summarise(descriptors)[0].numpy(), pack(descriptors)[0].numpy()


def _load(path: Path) -> tuple[FloatArray, FloatArray] | None:
    """Return what is stored, or None if there is nothing or it is damaged."""
    try:
        arrays = load(path.read_bytes())
        vector, packed = arrays["functionals"], arrays["descriptors"]
    except (OSError, SafetensorError, KeyError):
        return None
    if vector.ndim != 1 or packed.ndim != 2 or packed.shape[1] != DESCRIPTOR_COLUMNS:
        return None
    return vector, packed


def _store(path: Path, computed: tuple[FloatArray, FloatArray] | None) -> None:
    """Keep features; where that fails they are computed again next time."""
    if computed is None:
        return
    vector, packed = (np.ascontiguousarray(array) for array in computed)
    try:
        _write(path, save({"functionals": vector, "descriptors": packed}))
    except OSError as error:
        logger.info("Features are not kept in %s: %s", path, error)


def _write(path: Path, data: bytes) -> None:
    """Write so that a half-written file is never read, whoever writes the same one."""
    partial = path.with_name(f"{uuid4().hex}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
