"""Temperatures that make the confidence honest for languages and corpora the model has not heard.

They are fitted on predictions for each training corpus by a model trained without it, because that
is the situation of a person's own recordings; on held-out speakers of known corpora the model would
look surer than it may be.

Shapes: N predictions, C classes.
"""

from dataclasses import dataclass

import numpy as np
import torch

from clser_engine.config.model_config import RunConfig
from clser_engine.evaluation.metrics import expected_calibration_error, uar
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
    for name, logits, attribute in (
        ("one_file", np.concatenate(alone), "alone"),
        ("project", np.concatenate(project), "project"),
    ):
        head = getattr(model.heads, attribute)
        temperature = fit_temperature(logits, labels, weights)
        if attribute == "project":
            # Heads that saw one corpus fewer are surer than they may be, and with statistics that
            # is most of what is found: on corpora left out of both, half of it was right.
            temperature **= 0.5
        head.temperature.fill_(temperature)
        for other in others:
            getattr(other.heads, attribute).temperature.fill_(temperature)
        report[f"{name}_temperature"] = temperature
        report[f"{name}_uar"] = uar(labels, logits.argmax(axis=1), len(data.classes))
        for when, divisor in (("before", 1.0), ("after", temperature)):
            posteriors = torch.from_numpy(logits / divisor).softmax(dim=1).numpy()
            report[f"{name}_ece_{when}"] = expected_calibration_error(labels, posteriors)
    held_out_groups = [
        HeldOutGroup(
            corpus=corpus,
            functionals=(theirs := data.only(corpus)).functionals,
            emotions=emotions,
            speakers=[utterance.speaker_key for utterance in theirs.utterances],
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


def describe(data: TrainingData) -> GroupModel:
    """Return what training data as recorded says about groups, without guard and temperatures."""
    return describe_groups(
        data.versions[0].functionals, data.emotions, data.corpora, len(data.classes)
    )
