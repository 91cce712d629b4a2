"""Emotion diarization of unseen speakers in an unseen language, against what it must beat.

Clips of a corpus that the model was not trained on are put in a row; when each emotion starts and
ends is then known. Compared are always the same emotion, the utterance classifier on sliding
windows, and the utterance classifier on the true stretches.

Shapes: T frames, C classes, D functionals, N samples, W windows.
"""

import functools
import hashlib
import json
import operator
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from clser_engine.audio.features import SAMPLE_RATE_HZ, STEP_SAMPLES
from clser_engine.audio.read import read_mono
from clser_engine.config.model_config import RunConfig
from clser_engine.data.features_cache import recordings_hash
from clser_engine.data.manifest import Utterance
from clser_engine.evaluation.diarization import (
    DiarizationErrors,
    boundary_f1,
    change_points,
    diarization_errors,
    match_points,
)
from clser_engine.evaluation.loco import assert_disjoint, settings_hash
from clser_engine.evaluation.metrics import interval
from clser_engine.inference.outputs import Outputs
from clser_engine.inference.predictor import ROWS
from clser_engine.inference.segments import SegmentFinder
from clser_engine.inference.smoothing import Smoothing, find_speech, to_segments
from clser_engine.inference.waveform_batch import pad_rows
from clser_engine.models.compact import CompactModel
from clser_engine.models.frame_branch import STEP_RATE_HZ
from clser_engine.runtime import RunContext
from clser_engine.training.compact import TrainingData, train_model
from clser_engine.training.concatenations import Concatenation, compose, draw_clips
from clser_engine.types import EmotionSegment, FloatArray

WINDOWS_S = (1.0, 1.5, 2.0, 3.0, 4.0)
HOP_S = 0.5
PAUSE_S = 0.4
Segments = tuple[EmotionSegment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """One recording to be put together, so that it can be again.

    Args:
        clips: Files relative to the corpus, in order.
        speaker: Who speaks first; intervals are over these.
        seed: Of the pauses, levels and room tone.
    """

    clips: tuple[str, ...]
    speaker: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hypotheses:
    """What each method says of one recording.

    Args:
        duration_s: Its length, pauses included.
        reference: The truth.
        found: Segments by the name of the method.
    """

    duration_s: float
    reference: Segments
    found: dict[str, Segments]


def draw_recordings(utterances: Sequence[Utterance], count: int, seed: int) -> list[Draw]:
    """Draw which clips make up each of `count` recordings; equal seeds draw the same."""
    rng = np.random.default_rng(seed)
    draws = []
    for number in range(count):
        chosen = draw_clips(utterances, rng)
        draws.append(
            Draw(
                clips=tuple(str(utterances[i].path) for i in chosen),
                speaker=utterances[chosen[0]].speaker_key,
                seed=seed * 100_000 + number,
            )
        )
    return draws


def make_recording(
    draw: Draw, by_path: dict[str, Utterance], classes: Sequence[str]
) -> tuple[Concatenation, Segments]:
    """Return a drawn recording and its true segments, without pauses of `PAUSE_S` or more."""
    utterances = [by_path[path] for path in draw.clips]
    made = compose(
        [read_mono(utterance.path) for utterance in utterances],
        [classes.index(utterance.emotion) for utterance in utterances],
        np.random.default_rng(draw.seed),
    )
    return made, true_segments(made, classes)


def true_segments(made: Concatenation, classes: Sequence[str]) -> Segments:
    """Return where each emotion is: the clips, cut where nobody speaks for `PAUSE_S` or more."""
    closed = Smoothing(shortest_pause_s=PAUSE_S, shortest_speech_s=0.0)
    spoken = find_speech(made.speech.astype(np.float32), STEP_RATE_HZ, closed)
    step_s = 1 / STEP_RATE_HZ
    found = []
    for span in made.spans:
        start_s, end_s = span.start / SAMPLE_RATE_HZ, span.end / SAMPLE_RATE_HZ
        for run in to_segments(np.where(spoken, 0, -1), ("speech",), STEP_RATE_HZ, np.inf):
            # Steps at either end are spoken in part: the clip's own ends are finer.
            first = start_s if run.start_s <= start_s + step_s else run.start_s
            last = end_s if run.end_s >= end_s - step_s else run.end_s
            if max(first, start_s) < min(last, end_s):
                found.append(
                    EmotionSegment(
                        start_s=max(first, start_s),
                        end_s=min(last, end_s),
                        emotion=classes[span.label],
                    )
                )
    return tuple(found)


class ModelInMemory:
    """What a predictor asks of a runtime, of a model that was just trained."""

    def __init__(self, model: CompactModel) -> None:
        self._model = model.eval()

    @torch.inference_mode()
    def analyze(self, samples: FloatArray) -> Outputs:
        """Return what the graph of its bundle would."""
        found = self._model(torch.from_numpy(samples)[None])
        posteriors, speech, functionals, _, descriptors = (values[0].numpy() for values in found)
        return Outputs(posteriors, speech, functionals, descriptors)

    @torch.inference_mode()
    def heads(self, functionals: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return logits (P, C) of each alone and relative to the others."""
        mean, std = functionals.mean(axis=0), functionals.std(axis=0)
        alone, project = self._model.heads(
            *(torch.from_numpy(values) for values in (functionals, mean, std)),
            torch.tensor([float(len(functionals))]),
        )
        return alone.numpy(), project.numpy()

    @torch.inference_mode()
    def judge(self, phrases: list[FloatArray]) -> FloatArray:
        """Return logits (P, C) of phrases (F, K), each by itself."""
        batch, lengths = (torch.from_numpy(values) for values in pad_rows(phrases))
        return self.heads(self._model.summarise(batch, lengths).numpy())[0]


def hypothesise(
    model: ModelInMemory,
    made: Concatenation,
    reference: Segments,
    classes: tuple[str, ...],
    majority: str,
    smoothing: Smoothing,
) -> Hypotheses:
    """Return what our method and each baseline say of a recording."""
    samples = made.samples
    values, speech, _, descriptors = model.analyze(samples)
    assert descriptors is not None
    duration_s = len(samples) / SAMPLE_RATE_HZ
    finder = SegmentFinder(smoothing, classes, STEP_RATE_HZ, ROWS, model.judge)
    finder.add(descriptors, values, speech)
    spoken = find_speech(speech, STEP_RATE_HZ, smoothing)

    def where_spoken(labels: NDArray[np.int64]) -> Segments:
        return to_segments(np.where(spoken, labels, -1), classes, STEP_RATE_HZ, duration_s)

    found = {
        "ours": finder.finish(duration_s),
        "frames": where_spoken(values.argmax(axis=1)),
        "majority": where_spoken(np.full(len(values), classes.index(majority))),
    }
    for window_s in WINDOWS_S:
        labels = sliding_windows(model, samples, len(values), window_s)
        found[f"windows_{window_s:g}s"] = where_spoken(labels)
    stretches = [
        model.analyze(
            samples[round(s.start_s * SAMPLE_RATE_HZ) : round(s.end_s * SAMPLE_RATE_HZ)]
        ).functionals
        for s in reference
    ]
    for name, logits in zip(
        ("oracle", "oracle_relative"), model.heads(np.stack(stretches)), strict=True
    ):
        found[name] = tuple(
            EmotionSegment(start_s=s.start_s, end_s=s.end_s, emotion=classes[int(row.argmax())])
            for s, row in zip(reference, logits, strict=True)
        )
    return Hypotheses(duration_s=duration_s, reference=reference, found=found)


def sliding_windows(
    model: ModelInMemory, samples: FloatArray, num_frames: int, window_s: float
) -> NDArray[np.int64]:
    """Return the class of each frame (T,): the mean of the utterance posteriors of its windows."""
    size = round(window_s * SAMPLE_RATE_HZ)
    last = max(0, len(samples) - size)
    starts = sorted({*range(0, last + 1, round(HOP_S * SAMPLE_RATE_HZ)), last})
    vectors = [model.analyze(samples[start : start + size]).functionals for start in starts]
    alone, _ = model.heads(np.stack(vectors))
    posteriors = np.exp(alone - alone.max(axis=1, keepdims=True))
    posteriors /= posteriors.sum(axis=1, keepdims=True)
    total = np.zeros((num_frames, alone.shape[1]))
    for start, posterior in zip(starts, posteriors, strict=True):
        total[start // STEP_SAMPLES : -(-(start + size) // STEP_SAMPLES)] += posterior
    labels: NDArray[np.int64] = total.argmax(axis=1)
    return labels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DiarizeFold:
    """Results for one held-out corpus.

    Args:
        target: The corpus.
        training_hash: Of the recordings that the model was trained on.
        draws: What was put together.
        hypotheses: For each draw.
    """

    target: str
    training_hash: str
    draws: list[Draw]
    hypotheses: list[Hypotheses]


def run_diarize_fold(
    data: TrainingData,
    target: str,
    config: RunConfig,
    smoothing: Smoothing,
    count: int,
    seed: int,
    context: RunContext,
) -> DiarizeFold:
    """Train on all corpora but the target and diarize recordings put together from it."""
    training, held_out = data.without(target), data.only(target)
    assert_disjoint(training.versions[0].utterances, held_out.utterances)
    model = ModelInMemory(train_model(training, config, context))
    counts = np.bincount(training.emotions, minlength=len(data.classes))
    majority = data.classes[int(counts.argmax())]
    by_path = {str(u.path): u for u in held_out.utterances}
    draws = draw_recordings(held_out.utterances, count, seed)
    hypotheses = []
    for number, draw in enumerate(draws):
        context.report(f"diarize {target}", number, len(draws))
        made, reference = make_recording(draw, by_path, data.classes)
        hypotheses.append(hypothesise(model, made, reference, data.classes, majority, smoothing))
    return DiarizeFold(
        target=target,
        training_hash=recordings_hash(training.versions[0].utterances),
        draws=draws,
        hypotheses=hypotheses,
    )


def run_diarize_folds(
    data: TrainingData,
    config: RunConfig,
    smoothing: Smoothing,
    count: int,
    seed: int,
    partial: Path,
    context: RunContext,
) -> list[DiarizeFold]:
    """Run every target, taking up where an interrupted run of the same kind stopped.

    Args:
        data: All corpora.
        config: The run that trains the models.
        smoothing: How frames become segments.
        count: Recordings put together of each corpus.
        seed: Of the draws.
        partial: Where finished folds are kept until the result is written.
        context: Progress and cancellation.
    """
    decided = json.dumps([asdict(smoothing), count, seed, config.seed], sort_keys=True)
    key = hashlib.sha256((settings_hash(data, config) + decided).encode()).hexdigest()
    finished = _read_partial(partial, key)
    folds = []
    for target in sorted(set(data.corpora)):
        fold = finished.get(target)
        if fold is None:
            fold = run_diarize_fold(data, target, config, smoothing, count, seed, context)
            with partial.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, **asdict(fold)}) + "\n")
        folds.append(fold)
    return folds


def _read_partial(path: Path, key: str) -> dict[str, DiarizeFold]:
    """Return finished folds of the same settings; a line cut off by an interruption is dropped."""
    finished: dict[str, DiarizeFold] = {}
    if not path.exists():
        return finished
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            values = json.loads(line)
        except json.JSONDecodeError:
            continue
        if values["key"] == key:
            finished[values["target"]] = DiarizeFold(
                target=values["target"],
                training_hash=values["training_hash"],
                draws=[Draw(**{**draw, "clips": tuple(draw["clips"])}) for draw in values["draws"]],
                hypotheses=[
                    Hypotheses(
                        duration_s=one["duration_s"],
                        reference=_to_segments(one["reference"]),
                        found={name: _to_segments(rows) for name, rows in one["found"].items()},
                    )
                    for one in values["hypotheses"]
                ],
            )
    return finished


def _to_segments(rows: list[dict[str, Any]]) -> Segments:
    return tuple(EmotionSegment(**row) for row in rows)


def summarise_diarize(
    folds: Sequence[DiarizeFold], resamples: int = 1000
) -> tuple[dict[str, float], list[dict[str, object]]]:
    """Return flat figures, means over corpora with intervals over speakers, and one row a corpus.

    The window's length for a corpus is the one that is best on the other corpora.
    """
    names = [f"windows_{window_s:g}s" for window_s in WINDOWS_S]
    errors = {
        fold.target: {name: _total(fold.hypotheses, name) for name in fold.hypotheses[0].found}
        for fold in folds
    }
    rows: list[dict[str, object]] = []
    drawn: dict[str, list[NDArray[np.float64]]] = {"ours": [], "windows": [], "difference": []}
    for fold in folds:
        others = [errors[other.target] for other in folds if other is not fold] or [
            errors[fold.target]
        ]
        window = min(names, key=lambda name: np.mean([of[name].rate for of in others]))
        ours, windows = (_rates_over_speakers(fold, n, resamples) for n in ("ours", window))
        for kind, values in (("ours", ours), ("windows", windows), ("difference", windows - ours)):
            drawn[kind].append(values)
        low, high = interval(ours)
        found = errors[fold.target]
        row: dict[str, object] = {
            "target": fold.target,
            "recordings": len(fold.draws),
            "speakers": len({draw.speaker for draw in fold.draws}),
            "eder": found["ours"].rate,
            "eder_low": low,
            "eder_high": high,
            **_kinds(fold.hypotheses),
            "eder_windows": found[window].rate,
            "window": window.removeprefix("windows_"),
            "eder_frames_unsmoothed": found["frames"].rate,
            "eder_majority": found["majority"].rate,
            "eder_oracle_boundaries": found["oracle"].rate,
            "eder_oracle_boundaries_relative": found["oracle_relative"].rate,
            "eder_of_speech": found["ours"].rate_of_speech,
            "eder_windows_of_speech": found[window].rate_of_speech,
            "boundary_f1_200ms": _boundary_f1(fold.hypotheses, "ours"),
            "boundary_f1_200ms_windows": _boundary_f1(fold.hypotheses, window),
            "training_sha256": fold.training_hash,
        }
        rows.append(row)
    figures = {
        name: float(np.mean([float(str(row[name])) for row in rows]))
        for name in rows[0]
        if name.startswith(("eder", "boundary")) and not name.endswith(("_low", "_high"))
    }
    for name, kind in (("eder", "ours"), ("eder_windows", "windows"), ("gain", "difference")):
        low, high = interval(np.mean(drawn[kind], axis=0))
        figures |= {f"{name}_low": low, f"{name}_high": high}
    figures["gain"] = figures["eder_windows"] - figures["eder"]
    return figures, rows


def settings_of(smoothing: Smoothing, folds: Sequence[DiarizeFold], seed: int) -> dict[str, Any]:
    """Return what decided the result: smoothing, seed and the draws, with their hash."""
    draws = {fold.target: [asdict(draw) for draw in fold.draws] for fold in folds}
    for rows in draws.values():
        for row in rows:
            row["clips"] = ["/".join(path.rsplit("/", 2)[-2:]) for path in row["clips"]]
    text = json.dumps(draws, sort_keys=True)
    return {
        "smoothing": asdict(smoothing),
        "draw_seed": seed,
        "draws_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "draws": draws,
    }


def _errors(one: Hypotheses, name: str) -> DiarizationErrors:
    return diarization_errors(one.reference, one.found[name], one.duration_s)


def _total(hypotheses: Sequence[Hypotheses], name: str) -> DiarizationErrors:
    return functools.reduce(operator.add, (_errors(one, name) for one in hypotheses))


def _kinds(hypotheses: Sequence[Hypotheses]) -> dict[str, object]:
    total = _total(hypotheses, "ours")
    return {
        "missed": 100 * total.missed_s / total.length_s,
        "false_alarm": 100 * total.false_alarm_s / total.length_s,
        "confusion": 100 * total.confusion_s / total.length_s,
    }


def _rates_over_speakers(fold: DiarizeFold, name: str, resamples: int) -> NDArray[np.float64]:
    """Return the error rate (resamples,) for draws of the speakers with replacement."""
    speakers = sorted({draw.speaker for draw in fold.draws})
    errors = np.zeros((len(speakers), 2))
    for draw, one in zip(fold.draws, fold.hypotheses, strict=True):
        found = _errors(one, name)
        errors[speakers.index(draw.speaker)] += found.wrong_s, found.length_s
    times = np.random.default_rng(0).multinomial(
        len(speakers), np.full(len(speakers), 1 / len(speakers)), size=resamples
    )
    total = times @ errors
    rates: NDArray[np.float64] = 100 * total[:, 0] / total[:, 1]
    return rates


def _boundary_f1(hypotheses: Sequence[Hypotheses], name: str) -> float:
    matched = wanted = found = 0
    for one in hypotheses:
        reference, hypothesis = change_points(one.reference), change_points(one.found[name])
        matched += match_points(reference, hypothesis)
        wanted, found = wanted + len(reference), found + len(hypothesis)
    return boundary_f1(matched, wanted, found)
