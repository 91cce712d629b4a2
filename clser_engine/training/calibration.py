"""Temperatures that make the confidence honest for languages and corpora the model has not heard.

They are fitted on predictions for each training corpus by a model trained without it, because that
is the situation of a person's own recordings; on held-out speakers of known corpora the model would
look surer than it may be.

Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2.

Shapes: N predictions, C classes.
"""

import numpy as np
import torch
import torch.nn.functional as F

from clser_engine.config.model_config import RunConfig
from clser_engine.evaluation.metrics import expected_calibration_error, uar
from clser_engine.models.compact import CompactModel
from clser_engine.runtime import RunContext
from clser_engine.training.batches import cell_weights
from clser_engine.training.compact import TrainingData, train_model
from clser_engine.training.scoring import frame_logits, head_logits, mean_frame_posterior
from clser_engine.types import FloatArray

TEMPERATURES = np.geomspace(0.25, 8.0, 141)


def fit_temperature(logits: FloatArray, truth: np.ndarray, weights: np.ndarray) -> float:
    """Return the temperature with the least weighted negative log-likelihood.

    Args:
        logits: (N, C).
        truth: (N,) class indices.
        weights: (N,).
    """
    scores, targets = torch.from_numpy(logits), torch.from_numpy(truth)
    share = torch.from_numpy(weights / weights.sum())
    losses = [
        float((F.cross_entropy(scores / float(t), targets, reduction="none") * share).sum())
        for t in TEMPERATURES
    ]
    return float(TEMPERATURES[int(np.argmin(losses))])


def calibrate(
    model: CompactModel, data: TrainingData, config: RunConfig, context: RunContext
) -> dict[str, float]:
    """Set the model's temperatures from predictions for held-out corpora.

    Args:
        model: Trained on all of the data; changed in place.
        data: Its training data, of at least two corpora.
        config: The run that trained it.
        context: Progress and cancellation.

    Returns:
        UAR and calibration error (percent) on the held-out corpora before and after.
    """
    corpora = sorted(set(data.corpora))
    alone, project, frames, means = [], [], [], []
    truth, frame_truth, names = [], [], []
    for number, corpus in enumerate(corpora):
        context.report("calibration", number, len(corpora))
        held_out = data.only(corpus)
        labels = np.array([data.classes.index(u.emotion) for u in held_out.utterances])
        other = train_model(data.without(corpus), config, context)
        one, all_of_them = head_logits(other, held_out.functionals)
        alone.append(one)
        project.append(all_of_them)
        truth.append(labels)
        names += [corpus] * len(labels)
        for (logits, speech), label in zip(frame_logits(other, held_out), labels, strict=True):
            frames.append(logits[speech >= np.minimum(0.5, speech.max())])
            frame_truth.append(np.full(len(frames[-1]), label))
            means.append(mean_frame_posterior(logits, speech))
    labels = np.concatenate(truth)
    weights = cell_weights(names, [int(label) for label in labels])
    report: dict[str, float] = {}
    for name, logits, head in (
        ("one_file", np.concatenate(alone), model.heads.alone),
        ("project", np.concatenate(project), model.heads.project),
    ):
        temperature = fit_temperature(logits, labels, weights)
        head.temperature.fill_(temperature)
        report[f"{name}_temperature"] = temperature
        report[f"{name}_uar"] = uar(labels, logits.argmax(axis=1), len(data.classes))
        for when, divisor in (("before", 1.0), ("after", temperature)):
            posteriors = torch.from_numpy(logits / divisor).softmax(dim=1).numpy()
            report[f"{name}_ece_{when}"] = expected_calibration_error(labels, posteriors)
    every = np.concatenate(frames)
    lengths = np.repeat([1 / max(1, len(f)) for f in frames], [len(f) for f in frames])
    temperature = fit_temperature(every, np.concatenate(frame_truth), lengths)
    model.frames.head.temperature.fill_(temperature)
    report["frames_temperature"] = temperature
    report["frames_uar"] = uar(labels, np.stack(means).argmax(axis=1), len(data.classes))
    return report
