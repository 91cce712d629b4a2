"""Leave one corpus out: every corpus in turn is a language, and voices, that the model never heard.

For each target a model is trained afresh on the other corpora with the configuration of the shipped
one, and judged by the modules that the shipped graph is exported from.

Shapes: N recordings, C classes.
"""

import hashlib
import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clser_engine.config.model_config import RunConfig
from clser_engine.data.features_cache import code_hash, recordings_hash
from clser_engine.data.manifest import Utterance
from clser_engine.evaluation.group_modes import (
    GROUP_MODES,
    score_modes,
    speakers_show_several_emotions,
)
from clser_engine.evaluation.metrics import (
    Labels,
    expected_calibration_error,
    interval,
    negative_log_likelihood,
    uar,
    uar_over_speakers,
)
from clser_engine.inference.group_model import RESTS, GroupModel
from clser_engine.inference.groups import softmax
from clser_engine.models.heads import UtteranceHeads
from clser_engine.runtime import RunContext
from clser_engine.training.calibration import calibrate, describe
from clser_engine.training.compact import TrainingData, train_model
from clser_engine.training.groups import torch_heads
from clser_engine.training.scoring import frame_logits, head_logits, mean_frame_posterior

MODES = ("one_file", *GROUP_MODES, "frames")
"""Each recording alone, relative to the target's recordings or their speaker's (with propagation
of posteriors: `_lp`), what the guard holds for safe, and the mean of its frames."""
SPEAKER_MODES = ("speaker", "speaker_lp")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fold:
    """Predictions for one held-out corpus by a model of one seed.

    Args:
        target: The held-out corpus.
        seed: Seed of the model.
        training_hash: Hash of the recordings it was trained on.
        predicted: Class indices (N,) for each of `MODES` that was judged.
        honesty: ECE and NLL by mode.
        reliability: Bins of confidence; see `GroupResult`.
        checks: What the guard says of each speaker.
        tuning: Temperatures and borders, fitted without the target.
    """

    target: str
    seed: int
    training_hash: str
    predicted: dict[str, Labels]
    honesty: dict[str, float]
    reliability: list[list[float]]
    checks: list[dict[str, object]]
    tuning: dict[str, float]


def assert_disjoint(training: Sequence[Utterance], target: Sequence[Utterance]) -> None:
    """Make sure that neither recording, speaker nor corpus of the target was trained on."""
    for name in ("path", "speaker_key", "corpus"):
        shared = {getattr(u, name) for u in training} & {getattr(u, name) for u in target}
        if shared:  # not an `assert`: it must hold under `python -O` too
            raise AssertionError(f"leak: {name} {sorted(map(str, shared))[0]} is on both sides")


def run_fold(
    data: TrainingData,
    target: str,
    config: RunConfig,
    context: RunContext,
    *,
    with_frames: bool,
    tuning: dict[str, float] | None = None,
) -> Fold:
    """Train on all corpora but the target and predict the target.

    Args:
        data: All corpora.
        target: The corpus that is left out.
        config: The run.
        context: Progress and cancellation.
        with_frames: Whether the frame branch is trained and judged.
        tuning: Temperatures and borders that were fitted without the target before; None fits
            them on the other corpora, each left out in turn.
    """
    training, held_out = data.without(target), data.only(target)
    assert_disjoint(training.versions[0].utterances, held_out.utterances)
    model = train_model(training, config, context, with_frames=with_frames)
    uncalibrated = torch_heads(deepcopy(model.heads))
    if tuning is None:
        learnt = describe(training)
        if len(set(training.corpora)) > 1:  # else none of them can be left out
            learnt = calibrate(model, training, config, context, with_frames=False).groups
        tuning = to_tuning(learnt, model.heads)
    groups = apply_tuning(describe(training), model.heads, tuning)
    truth = np.array([data.classes.index(u.emotion) for u in held_out.utterances])
    speakers = [utterance.speaker_key for utterance in held_out.utterances]
    found = score_modes(
        torch_heads(model.heads), groups, held_out.functionals, truth, speakers, uncalibrated
    )
    alone, _ = head_logits(model, held_out.functionals)
    scores: dict[str, NDArray[np.floating]] = {"one_file": alone, **found.posteriors}
    if with_frames:
        means = [mean_frame_posterior(*frames) for frames in frame_logits(model, held_out)]
        scores["frames"] = np.stack(means)
    posteriors = softmax(alone)
    return Fold(
        target=target,
        seed=config.seed,
        training_hash=recordings_hash(training.versions[0].utterances),
        predicted={mode: values.argmax(axis=1) for mode, values in scores.items()},
        honesty={
            "ece_one_file": expected_calibration_error(truth, posteriors),
            "nll_one_file": negative_log_likelihood(truth, posteriors),
            **found.honesty,
        },
        reliability=found.reliability,
        checks=found.checks,
        tuning=tuning,
    )


def to_tuning(groups: GroupModel, heads: UtteranceHeads) -> dict[str, float]:
    """Return what was fitted on held-out corpora, as flat numbers."""
    return {
        "least_project": groups.least_project,
        "least_speaker": groups.least_speaker,
        "alone": float(heads.alone.temperature),
        "relative": float(heads.project.temperature),
        **{f"temperature_{name}": value for name, value in groups.temperatures.items()},
    }


def apply_tuning(groups: GroupModel, heads: UtteranceHeads, tuning: dict[str, float]) -> GroupModel:
    """Set the heads' temperatures in place and return the groups with theirs."""
    heads.alone.temperature.fill_(tuning["alone"])
    heads.project.temperature.fill_(tuning["relative"])
    return replace(
        groups,
        least_project=tuning["least_project"],
        least_speaker=tuning["least_speaker"],
        temperatures={name: tuning[f"temperature_{name}"] for name in RESTS},
    )


def run_folds(
    data: TrainingData,
    seeds: Sequence[int],
    config: RunConfig,
    partial: Path,
    context: RunContext,
) -> list[Fold]:
    """Run every target and seed, taking up where an interrupted run of the same kind stopped.

    Args:
        data: All corpora.
        seeds: Seeds of the models; with the least, the frame branch is trained and judged and
            temperatures are fitted, which serve the others too.
        config: The run, without its seed.
        partial: Where finished folds are kept until the result is written.
        context: Progress and cancellation.
    """
    key = settings_hash(data, config)
    first = min(seeds)
    finished = _read_partial(partial, key)
    todo = [(seed, target) for seed in seeds for target in sorted(set(data.corpora))]
    folds: list[Fold] = []
    for number, (seed, target) in enumerate(todo):
        context.report(f"{target}, seed {seed}", number, len(todo))
        fold = finished.get((target, seed))
        if fold is None:
            # The heads do not depend on the frame branch, whose training takes the longest.
            run = replace(config, seed=seed)
            known = {fold.target: fold.tuning for fold in folds}
            fold = run_fold(
                data,
                target,
                run,
                RunContext(),
                with_frames=seed == first,
                tuning=known.get(target),
            )
            with partial.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, **_to_json(fold)}) + "\n")
        folds.append(fold)
    return folds


def settings_hash(data: TrainingData, config: RunConfig) -> str:
    """Hash of everything but the seed that decides a fold's result."""
    settings = json.dumps(asdict(replace(config, seed=0)), sort_keys=True)
    parts = (recordings_hash(data.versions[0].utterances), code_hash(), settings)
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def summarise(
    folds: Sequence[Fold], data: TrainingData
) -> tuple[dict[str, float], list[dict[str, object]]]:
    """Return flat figures and one row per target and seed.

    Intervals are over speakers: those of each target are drawn anew, the same ones for every seed.
    """
    num_classes = len(data.classes)
    figures: dict[str, float] = {}
    rows: list[dict[str, object]] = []
    draws: dict[str, list[np.ndarray]] = {mode: [] for mode in MODES}
    values: dict[str, list[float]] = {mode: [] for mode in MODES}
    for fold in folds:
        utterances = data.only(fold.target).utterances
        truth = np.array([data.classes.index(u.emotion) for u in utterances])
        speakers = [u.speaker_key for u in utterances]
        row: dict[str, object] = {
            "target": fold.target,
            "seed": fold.seed,
            "clips": len(utterances),
            "speakers": len(set(speakers)),
            "training_sha256": fold.training_hash,
        }
        for mode, predicted in fold.predicted.items():
            drawn = uar_over_speakers(truth, predicted, speakers, num_classes)
            score = uar(truth, predicted, num_classes)
            row |= {f"uar_{mode}": score}
            row |= dict(zip((f"uar_{mode}_low", f"uar_{mode}_high"), interval(drawn), strict=True))
            if mode in SPEAKER_MODES and not speakers_show_several_emotions(truth, speakers):
                continue  # left out of the mean; the row says what the guard makes of it
            draws[mode].append(drawn)
            values[mode].append(score)
        row |= {**fold.honesty, "reliability_project": fold.reliability, "tuning": fold.tuning}
        rows.append(row | {"speaker_checks": fold.checks})
    for mode in MODES:
        if not values[mode]:
            continue
        figures[f"loco_uar_{mode}"] = float(np.mean(values[mode]))
        low, high = interval(np.mean(draws[mode], axis=0))
        figures |= {f"loco_uar_{mode}_low": low, f"loco_uar_{mode}_high": high}
    for name in folds[0].honesty:
        figures[name] = float(np.mean([fold.honesty[name] for fold in folds]))
    figures |= _guard_figures(folds)
    figures["seeds"] = len({fold.seed for fold in folds})
    return figures, rows


def _guard_figures(folds: Sequence[Fold]) -> dict[str, float]:
    """Return how many speakers of one emotion the guard caught, and of several it was wrong on."""
    judged = [c for fold in folds for c in fold.checks if c["shows_one_emotion"] is not None]
    one = [bool(check["shows_one_emotion"]) for check in judged if check["emotions"] == 1]
    several = [bool(check["shows_one_emotion"]) for check in judged if check["emotions"] != 1]
    figures = {}
    if one:
        figures["guard_caught_share"] = float(np.mean(one))
    if several:
        figures["guard_false_alarm_share"] = float(np.mean(several))
    return figures


def _to_json(fold: Fold) -> dict[str, object]:
    values = asdict(fold)
    return {**values, "predicted": {k: v.tolist() for k, v in fold.predicted.items()}}


def _read_partial(path: Path, key: str) -> dict[tuple[str, int], Fold]:
    """Return finished folds of the same settings; a line cut off by an interruption is dropped."""
    finished: dict[tuple[str, int], Fold] = {}
    if not path.exists():
        return finished
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            values = json.loads(line)
        except json.JSONDecodeError:
            continue
        if values.pop("key") == key:
            predicted = {k: np.array(v) for k, v in values.pop("predicted").items()}
            fold = Fold(predicted=predicted, **values)
            finished[fold.target, fold.seed] = fold
    return finished
