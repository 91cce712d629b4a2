"""What the bench shows: long recordings of real speech, their labels and posteriors, a project.

Recordings are joined from the corpora beside the checkout, else from the demo recordings. Their
posteriors come from the shipped model, computed by the engine in a process of its own. All of it
is kept, so that a second run begins at once.
"""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile

from app.domain.clips import Clip
from app.domain.edits import Edit
from app.domain.labels import Label, Origin
from app.services.project_store import ProjectStore
from clser_engine.errors import ServiceError
from clser_engine.labels import SHARED_FOUR
from clser_engine.resources import resource_path
from clser_engine.types import Analysis, ModelId, Posteriors, UtterancePosterior

RATE_HZ = 16000
CORPORA = ("ravdess", "emodb", "nemo")
NUM_SHORT_CLIPS = 60
SHORT_CLIP_S = 3.0
JOINED_AT = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A joined recording.

    Args:
        path: FLAC, 16 kHz, mono.
        duration_s: Its length.
        stretches: (emotion, start, end) of each recording in it that has an emotion of ours.
    """

    path: Path
    duration_s: float
    stretches: tuple[tuple[str, float, float], ...]


def find_sources() -> tuple[str, list[tuple[Path, str]]]:
    """Return where speech comes from, in words, and its files with their emotions."""
    shared = Path(__file__).resolve().parents[3] / "shared" / "corpora"
    found = [pair for name in CORPORA for pair in _read_manifest(shared / name)]
    if found:
        return f"corpora {', '.join(CORPORA)}", found
    return "demo recordings (synthetic; the corpora are not here)", _read_manifest(
        resource_path("demo")
    )


def join_recording(folder: Path, name: str, duration_s: float) -> Recording:
    """Return a recording of that length, made the first time."""
    path, notes = folder / f"{name}.flac", folder / f"{name}.json"
    if not notes.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        stretches = _write_joined(path, duration_s)
        unfinished = notes.with_suffix(".part")
        unfinished.write_text(json.dumps(stretches), encoding="utf-8")
        os.replace(unfinished, notes)
    stretches = json.loads(notes.read_text(encoding="utf-8"))
    return Recording(
        path=path,
        duration_s=duration_s,
        stretches=tuple((emotion, float(start), float(end)) for emotion, start, end in stretches),
    )


def analyse(recording: Recording) -> Analysis:
    """Return what the shipped model says, computed by the engine the first time.

    Raises:
        ServiceError: If the engine cannot analyse it.
    """
    folder = recording.path.parent / "analyses"
    path = folder / f"{recording.path.stem}.json"
    if not path.is_file():
        command = [sys.executable, "-m", "clser_engine.cli.main", "analyze", str(recording.path)]
        done = subprocess.run(
            [*command, "--out", str(folder)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise ServiceError(f"{recording.path} cannot be analysed: {done.stderr.strip()}")
    return read_analysis(path, recording.duration_s)


def read_analysis(path: Path, duration_s: float) -> Analysis:
    """Return what `clser analyze` wrote."""
    content = json.loads(path.read_text(encoding="utf-8"))
    classes = tuple(content["classes"])
    posteriors = np.array(content["posteriors"], np.float32)
    utterance = posteriors.mean(axis=0)
    return Analysis(
        duration_s=duration_s,
        model=ModelId(name="default", sha256=""),
        posteriors=Posteriors(
            classes=classes, frame_rate_hz=float(content["frame_rate_hz"]), values=posteriors
        ),
        utterance=UtterancePosterior(
            emotion=classes[int(utterance.argmax())],
            posterior=utterance,
            confidence=float(utterance.max()),
            statistics="none",
        ),
        functionals=np.zeros(0, np.float32),
    )


def repeat(analysis: Analysis, times: int) -> Analysis:
    """Return the analysis of a recording that was repeated."""
    posteriors = analysis.posteriors
    return Analysis(
        duration_s=analysis.duration_s * times,
        model=analysis.model,
        posteriors=Posteriors(
            classes=posteriors.classes,
            frame_rate_hz=posteriors.frame_rate_hz,
            values=np.tile(posteriors.values, (times, 1)),
        ),
        utterance=analysis.utterance,
        functionals=analysis.functionals,
    )


def make_project(
    folder: Path, recordings: dict[str, Recording], labels: dict[str, tuple[Label, ...]]
) -> Path:
    """Make a project with short clips and these recordings, each under the clip id given."""
    clips = [
        Clip(
            clip_id=f"short{number:03d}",
            path=str(path),
            duration_s=soundfile.info(path).duration,
            sample_rate_hz=RATE_HZ,
            channels=1,
        )
        for number, path in enumerate(_short_clips(folder.parent))
    ]
    clips += [
        Clip(
            clip_id=clip_id,
            path=str(recording.path),
            duration_s=recording.duration_s,
            sample_rate_hz=RATE_HZ,
            channels=1,
        )
        for clip_id, recording in recordings.items()
    ]
    with ProjectStore.create(folder, name="Bench") as store:
        store.apply(
            Edit(
                name="Add the bench's recordings",
                added_clips=tuple(clips),
                added_labels=tuple(label for some in labels.values() for label in some),
            )
        )
    return folder


def labels_of(clip_id: str, recording: Recording) -> tuple[Label, ...]:
    """Return a label for each recording that was joined."""
    return tuple(
        _label(clip_id, number, emotion, start_s, end_s)
        for number, (emotion, start_s, end_s) in enumerate(recording.stretches)
    )


def many_labels(clip_id: str, duration_s: float, count: int) -> tuple[Label, ...]:
    """Return labels one after the other with small gaps, emotions in turn."""
    step = duration_s / count
    return tuple(
        _label(clip_id, number, SHARED_FOUR[number % 4], number * step, (number + 0.9) * step)
        for number in range(count)
    )


def _label(clip_id: str, number: int, answer: str, start_s: float, end_s: float) -> Label:
    return Label(
        label_id=f"{clip_id}-{number:06d}",
        clip_id=clip_id,
        answer=answer,
        origin=Origin.IMPORTED,
        annotator="bench",
        created_at=JOINED_AT,
        start_s=start_s,
        end_s=end_s,
    )


def _read_manifest(folder: Path) -> list[tuple[Path, str]]:
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        return []
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = [(folder / row["path"], row["emotion"]) for row in csv.DictReader(file)]
    return [(path, emotion) for path, emotion in rows if path.is_file()]


def _mono_samples() -> Iterator[tuple[np.ndarray, str]]:
    """Yield recordings as int16, without end."""
    _, sources = find_sources()
    for path, emotion in cycle(sources):
        samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
        if rate == RATE_HZ:
            yield samples[:, 0], emotion


def _write_joined(path: Path, duration_s: float) -> list[tuple[str, float, float]]:
    wanted, written = round(duration_s * RATE_HZ), 0
    stretches = []
    with soundfile.SoundFile(path, "w", RATE_HZ, 1, "PCM_16", format="FLAC") as file:
        for samples, emotion in _mono_samples():
            part = samples[: wanted - written]
            file.write(part)
            if emotion in SHARED_FOUR:
                start_s = written / RATE_HZ
                stretches.append((emotion, start_s, start_s + len(part) / RATE_HZ))
            written += len(part)
            if written >= wanted:
                return stretches
    raise AssertionError("the recordings never end")


def _short_clips(folder: Path) -> list[Path]:
    """Return short recordings in a folder; made the first time."""
    clips = folder / "short"
    clips.mkdir(parents=True, exist_ok=True)
    paths = [clips / f"clip_{number:03d}.flac" for number in range(NUM_SHORT_CLIPS)]
    if not paths[-1].is_file():
        for path, (samples, _) in zip(paths, _mono_samples(), strict=False):
            soundfile.write(path, samples[: int(SHORT_CLIP_S * RATE_HZ)], RATE_HZ)
    return paths
