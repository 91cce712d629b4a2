"""The temperature that makes posteriors honest.

Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2.

Shapes: N predictions, C classes.
"""

import numpy as np
import torch
import torch.nn.functional as F

from clser_engine.types import FloatArray

TEMPERATURES = np.geomspace(0.25, 64.0, 225)


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
