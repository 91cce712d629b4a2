"""What is fitted when the embedding has settled: the head for projects, and all temperatures.

Shapes: N recordings, D embedding size, C classes.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from clser_engine.evaluation.metrics import expected_calibration_error, uar
from clser_engine.methods.method import Embedded
from clser_engine.models.embedding_heads import EmbeddingHeads
from clser_engine.models.encoder_classifier import EncoderClassifier
from clser_engine.training.batches import cell_weights
from clser_engine.training.heads import relative_to_groups, set_prior
from clser_engine.training.temperature import fit_temperature
from clser_engine.types import FloatArray

PENALTY = 0.03  # L2, relative to the mean loss; the embedding is clipped to a few deviations


def fit_project_head(model: EncoderClassifier, train: Embedded, validation: Embedded) -> None:
    """Fit the head that reads deviations from a project's statistics, and calibrate every output.

    Temperatures are fitted on held-out speakers of the sources; in a language never heard the model
    is less sure of itself than that.

    Args:
        model: In evaluation mode, on the processor; changed in place.
        train: What it says about its training recordings.
        validation: And about the held-out ones.
    """
    fit_project(model.heads, train)
    calibrate_heads(model.heads, validation)
    model.frame_temperature.fill_(_temperature(validation.frame_logits, validation))


def held_out_figures(model: EncoderClassifier, validation: Embedded) -> dict[str, float]:
    """Return UAR and calibration error (percent) on held-out speakers, with the temperatures."""
    alone, project = raw_logits(model.heads, validation)
    report: dict[str, float] = {}
    for name, temperature, logits in (
        ("one_file", float(model.heads.alone_temperature), alone),
        ("project", float(model.heads.project_temperature), project),
        ("frames", float(model.frame_temperature), validation.frame_logits),
    ):
        posteriors = torch.from_numpy(logits / temperature).softmax(dim=1).numpy()
        report |= {
            f"{name}_temperature": temperature,
            f"{name}_uar": uar(validation.emotions, logits.argmax(axis=1), logits.shape[1]),
            f"{name}_ece": expected_calibration_error(validation.emotions, posteriors),
        }
    return report


def fit_project(heads: EmbeddingHeads, train: Embedded) -> None:
    """Fit the head of deviations, and the statistics of a project without clips.

    Each corpus is a project: the head learns on embeddings relative to their corpus' mean and
    spread, which a person's unlabelled recordings have too.
    """
    corpora = [utterance.corpus for utterance in train.utterances]
    set_prior(heads, train.embeddings, corpora)
    relative = relative_to_groups(train.embeddings, corpora)
    fit_regression(heads.project, relative, train.emotions, _weights(train))


def fit_alone(heads: EmbeddingHeads, train: Embedded) -> None:
    """Fit the head of recordings by themselves anew, where the network's own knows too much."""
    fit_regression(heads.alone, train.embeddings, train.emotions, _weights(train))


def calibrate_heads(heads: EmbeddingHeads, validation: Embedded) -> None:
    """Set both temperatures from held-out speakers."""
    alone, project = raw_logits(heads, validation)
    heads.alone_temperature.fill_(_temperature(alone, validation))
    heads.project_temperature.fill_(_temperature(project, validation))


@torch.no_grad()
def raw_logits(heads: EmbeddingHeads, embedded: Embedded) -> tuple[FloatArray, FloatArray]:
    """Return logits (N, C) at temperature 1, alone and with the statistics of each corpus."""
    corpora = [utterance.corpus for utterance in embedded.utterances]
    relative = torch.from_numpy(relative_to_groups(embedded.embeddings, corpora))
    alone: FloatArray = heads.alone(torch.from_numpy(embedded.embeddings)).numpy()
    project: FloatArray = heads.project(relative).numpy()
    return alone, project


def _temperature(logits: FloatArray, validation: Embedded) -> float:
    return fit_temperature(logits, validation.emotions, _weights(validation))


def _weights(embedded: Embedded) -> NDArray[np.float64]:
    corpora = [utterance.corpus for utterance in embedded.utterances]
    return cell_weights(corpora, embedded.emotions.tolist())


def fit_regression(
    layer: nn.Linear,
    inputs: FloatArray,
    emotions: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> None:
    """Fit a logistic regression in place; convex, so neither seed nor start matters.

    Args:
        layer: D to C.
        inputs: (N, D).
        emotions: (N,).
        weights: (N,), mean 1.
    """
    features, targets = torch.from_numpy(inputs).double(), torch.from_numpy(emotions)
    shares = torch.from_numpy(weights)
    weight = nn.Parameter(torch.zeros(layer.weight.shape, dtype=torch.float64))
    bias = nn.Parameter(torch.zeros(layer.bias.shape, dtype=torch.float64))
    optimiser = torch.optim.LBFGS(
        [weight, bias], max_iter=100, history_size=20, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        losses = F.cross_entropy(F.linear(features, weight, bias), targets, reduction="none")
        loss: Tensor = (losses * shares).mean() + PENALTY * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
