"""What is fitted when the embedding has settled: the head for projects, and all temperatures.

Shapes: N recordings, D embedding size, C classes.
"""

import numpy as np
import torch

from clser_engine.evaluation.metrics import expected_calibration_error, uar
from clser_engine.methods.method import Embedded
from clser_engine.models.encoder_classifier import EncoderClassifier
from clser_engine.training.batches import cell_weights
from clser_engine.training.calibration import fit_temperature
from clser_engine.training.heads import fit_ensemble, relative_to_groups
from clser_engine.types import FloatArray

LINEAR_PENALTY = 0.03  # that of the compact model's linear member


def fit_project_head(
    model: EncoderClassifier, train: Embedded, validation: Embedded
) -> dict[str, float]:
    """Fit the head that reads deviations from a project's statistics, and calibrate every output.

    Each corpus is a project: the head learns on embeddings relative to their corpus' mean and
    spread, which a person's unlabelled recordings have too. Temperatures are fitted on held-out
    speakers of the sources; in a language never heard the model is less sure of itself than that.

    Args:
        model: In evaluation mode, on the processor; changed in place.
        train: What it says about its training recordings.
        validation: And about the held-out ones.

    Returns:
        UAR and calibration error (percent) on the held-out speakers, with the temperatures.
    """
    heads = model.heads
    corpora = [utterance.corpus for utterance in train.utterances]
    _set_prior(model, train.embeddings, corpora)
    fit_ensemble(
        heads.project,
        relative_to_groups(train.embeddings, corpora),
        train.emotions,
        cell_weights(corpora, train.emotions.tolist()),
        linear_penalty=LINEAR_PENALTY,
        kernel_penalty=LINEAR_PENALTY,
    )
    held_out = [utterance.corpus for utterance in validation.utterances]
    relative = relative_to_groups(validation.embeddings, held_out)
    with torch.no_grad():
        project: FloatArray = heads.project(torch.from_numpy(relative)).numpy()
    weights = cell_weights(held_out, validation.emotions.tolist())
    report: dict[str, float] = {}
    for name, logits, temperature in (
        ("one_file", validation.logits, heads.alone.temperature),
        ("project", project, heads.project.temperature),
        ("frames", validation.frame_logits, model.frame_temperature),
    ):
        value = fit_temperature(logits, validation.emotions, weights)
        temperature.mul_(value)
        posteriors = torch.from_numpy(logits / value).softmax(dim=1).numpy()
        report |= {
            f"{name}_temperature": value,
            f"{name}_uar": uar(validation.emotions, logits.argmax(axis=1), logits.shape[1]),
            f"{name}_ece": expected_calibration_error(validation.emotions, posteriors),
        }
    return report


def _set_prior(model: EncoderClassifier, embeddings: FloatArray, corpora: list[str]) -> None:
    """Keep the mean of the corpora's means and spreads: what a project is before it has clips."""
    members = [np.array([c == corpus for c in corpora]) for corpus in sorted(set(corpora))]
    means = np.stack([embeddings[rows].mean(axis=0) for rows in members])
    variances = np.stack([embeddings[rows].var(axis=0) for rows in members])
    model.heads.prior_mean.copy_(torch.from_numpy(means.mean(axis=0)))
    model.heads.prior_std.copy_(torch.from_numpy(np.sqrt(variances.mean(axis=0))))
