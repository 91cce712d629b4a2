"""Temperatures that make the confidence honest for languages and corpora the model has not heard.

They are fitted on predictions for each training corpus by a model trained without it, because that
is the situation of a person's own recordings; on held-out speakers of known corpora the model would
look surer than it may be. Such a model saw one corpus fewer than the one that ships, and is less
sure than that may be: how much is learnt from models that saw two fewer.

Shapes: N predictions, C classes.
"""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import torch
from numpy.typing import NDArray

from clser_engine.config.model_config import RunConfig
from clser_engine.evaluation.metrics import Labels, expected_calibration_error, uar
from clser_engine.inference.group_model import GroupModel
from clser_engine.models.compact import CompactModel
from clser_engine.runtime import RunContext
from clser_engine.training.batches import cell_weights
from clser_engine.training.compact import TrainingData, train_model
from clser_engine.training.groups import (
    HeldOutGroup,
    describe_groups,
    fit_group_model,
    torch_heads,
)
from clser_engine.training.scoring import frame_logits, head_logits, mean_frame_posterior
from clser_engine.training.temperature import fit_temperature
from clser_engine.types import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """What predictions for held-out corpora say.

    Args:
        groups: About the statistics of projects and speakers.
        held_out: Those corpora, with heads that were trained without them.
        report: UAR and calibration error (percent) before and after.
    """

    groups: GroupModel
    held_out: list[HeldOutGroup]
    report: dict[str, float]


def calibrate(
    model: CompactModel,
    data: TrainingData,
    config: RunConfig,
    context: RunContext,
    *,
    with_frames: bool = True,
) -> Calibration:
    """Set the model's temperatures from predictions for held-out corpora.

    Args:
        model: Trained on all of the data; changed in place.
        data: Its training data, of at least two corpora.
        config: The run that trained it.
        context: Progress and cancellation.
        with_frames: Whether the frame branch is calibrated too, which takes the longest.
    """
    corpora = sorted(set(data.corpora))
    alone, project, frames, means = [], [], [], []
    truth, frame_truth, names = [], [], []
    others: list[CompactModel] = []
    for number, corpus in enumerate(corpora):
        context.report("calibration", number, len(corpora))
        held_out = data.only(corpus)
        labels = np.array([data.classes.index(u.emotion) for u in held_out.utterances])
        other = train_model(data.without(corpus), config, context, with_frames=with_frames)
        others.append(other)
        one, all_of_them = head_logits(other, held_out.functionals)
        alone.append(one)
        project.append(all_of_them)
        truth.append(labels)
        names += [corpus] * len(labels)
        if not with_frames:
            continue
        for (logits, speech), label in zip(frame_logits(other, held_out), labels, strict=True):
            frames.append(logits[speech >= np.minimum(0.5, speech.max())])
            frame_truth.append(np.full(len(frames[-1]), label))
            means.append(mean_frame_posterior(logits, speech))
    labels = np.concatenate(truth)
    weights = cell_weights(names, [int(label) for label in labels])
    report: dict[str, float] = {}
    fewer = _logits_with_fewer_corpora(data, config, context)
    for name, attribute, logits, theirs in (
        ("one_file", "alone", np.concatenate(alone), fewer.alone),
        ("project", "project", np.concatenate(project), fewer.project),
    ):
        found = fit_temperature(logits, labels, weights)
        for other in others:
            getattr(other.heads, attribute).temperature.fill_(found)
        temperature = found
        if len(theirs):
            with_fewer = fit_temperature(theirs, fewer.truth, fewer.weights)
            temperature = extrapolate(with_fewer, found, len(others))
        getattr(model.heads, attribute).temperature.fill_(temperature)
        report[f"{name}_temperature"] = temperature
        report[f"{name}_uar"] = uar(labels, logits.argmax(axis=1), len(data.classes))
        for when, divisor in (("before", 1.0), ("after", found)):
            posteriors = torch.from_numpy(logits / divisor).softmax(dim=1).numpy()
            report[f"{name}_ece_{when}"] = expected_calibration_error(labels, posteriors)
    held_out_groups = [
        HeldOutGroup(
            corpus=corpus,
            functionals=(held_out := data.only(corpus)).functionals,
            emotions=emotions,
            speakers=[utterance.speaker_key for utterance in held_out.utterances],
            heads=torch_heads(other.heads),
            model=describe(data.without(corpus)),
        )
        for corpus, other, emotions in zip(corpora, others, truth, strict=True)
    ]
    groups, group_report = fit_group_model(describe(data), held_out_groups, config.seed)
    report |= group_report
    if with_frames:
        every = np.concatenate(frames)
        lengths = np.repeat([1 / max(1, len(f)) for f in frames], [len(f) for f in frames])
        temperature = fit_temperature(every, np.concatenate(frame_truth), lengths)
        model.frames.head.temperature.fill_(temperature)
        report["frames_temperature"] = temperature
        report["frames_uar"] = uar(labels, np.stack(means).argmax(axis=1), len(data.classes))
    return Calibration(groups=groups, held_out=held_out_groups, report=report)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _FewerCorpora:
    """Predictions for every corpus by heads that were trained without it and another one.

    `alone` and `project` are logits (N, C), empty where there are fewer than three corpora.
    """

    alone: FloatArray
    project: FloatArray
    truth: Labels
    weights: NDArray[np.float64]


def _logits_with_fewer_corpora(
    data: TrainingData, config: RunConfig, context: RunContext
) -> _FewerCorpora:
    corpora = sorted(set(data.corpora))
    empty = np.empty((0, len(data.classes)), np.float32)
    alone, project, truth, names = [empty], [empty], [np.empty(0, np.int64)], list[str]()
    pairs = list(permutations(corpora, 2)) if len(corpora) > 2 else []
    for number, (corpus, another) in enumerate(pairs):
        context.report("temperatures", number, len(pairs))
        held_out = data.only(corpus)
        permitted = data.without(corpus).without(another)
        model = train_model(permitted, config, context, with_frames=False)
        one, all_of_them = head_logits(model, held_out.functionals)
        alone.append(one)
        project.append(all_of_them)
        truth.append(np.array([data.classes.index(u.emotion) for u in held_out.utterances]))
        names += [corpus] * len(one)
    labels = np.concatenate(truth)
    return _FewerCorpora(
        alone=np.concatenate(alone),
        project=np.concatenate(project),
        truth=labels,
        weights=cell_weights(names, labels.tolist()) if names else np.empty(0),
    )


def extrapolate(with_two_fewer: float, with_one_fewer: float, corpora: int) -> float:
    """Return the temperature of heads that saw all corpora from those of heads that saw fewer.

    The more corpora a head saw, the less its sureness is misplaced in another one. The shipped
    head saw one corpus more than those that can be judged. With log T = a + b / n for n corpora
    (geometric means over all choices of five corpora were 16, 7.1, 5.2 and 4.4 for 1 to 4), the
    step from n - 2 to n - 1 gives the one to n; never upwards.

    Args:
        with_two_fewer: Temperature of heads that saw n - 2 corpora.
        with_one_fewer: Temperature of heads that saw n - 1.
        corpora: n, at least 3.
    """
    step = min(1.0, with_one_fewer / with_two_fewer)
    return with_one_fewer * float(step ** ((corpora - 2) / corpora))


def describe(data: TrainingData) -> GroupModel:
    """Return what training data as recorded says about groups, without guard and temperatures."""
    return describe_groups(
        data.versions[0].functionals, data.emotions, data.corpora, len(data.classes)
    )
