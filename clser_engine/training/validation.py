"""Figures on held-out speakers of the sources, by which training stops.

Shapes: N recordings, C classes.
"""

import numpy as np
import torch
import torch.nn.functional as F

from clser_engine.evaluation.metrics import uar
from clser_engine.methods.method import Embedded


def validation_figures(found: Embedded) -> dict[str, float]:
    """Return `uar`, the mean over languages, and `nll`; a language is as good as any other.

    Args:
        found: What the model says about the held-out recordings.
    """
    num_classes = found.logits.shape[1]
    languages = np.array([utterance.language for utterance in found.utterances])
    predicted = found.logits.argmax(axis=1)
    by_language = [
        uar(found.emotions[languages == name], predicted[languages == name], num_classes)
        for name in sorted(set(languages))
    ]
    nll = F.cross_entropy(torch.from_numpy(found.logits), torch.from_numpy(found.emotions))
    return {"uar": float(np.mean(by_language)), "nll": float(nll)}


def is_better(figures: dict[str, float], best: dict[str, float]) -> bool:
    """Whether a validation is better than the best so far; equal UAR is decided by the loss."""
    if not best:
        return True
    return (figures["uar"], -figures["nll"]) > (best["uar"], -best["nll"])
