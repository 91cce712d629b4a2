"""Metrics of a classifier, with intervals from a bootstrap over speakers.

Shapes: N recordings, C classes.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clser_engine.errors import BadValueError

Labels = NDArray[np.int64]


def recalls(truth: Labels, predicted: Labels, num_classes: int) -> NDArray[np.float64]:
    """Return the recall of each class (C,), nan where the truth has none."""
    counts = np.bincount(truth, minlength=num_classes).astype(float)
    hits = np.bincount(truth[truth == predicted], minlength=num_classes)
    share: NDArray[np.float64] = np.divide(
        hits, counts, out=np.full(num_classes, np.nan), where=counts > 0
    )
    return share


def uar(truth: Labels, predicted: Labels, num_classes: int) -> float:
    """Unweighted average recall in percent over the classes that occur."""
    if len(truth) == 0:
        raise BadValueError("Bad truth: got no recording, expected at least one.")
    return 100 * float(np.nanmean(recalls(truth, predicted, num_classes)))


def macro_f1(truth: Labels, predicted: Labels, num_classes: int) -> float:
    """Mean F1 in percent over the classes that occur in the truth."""
    scores = []
    for label in range(num_classes):
        if not (truth == label).any():
            continue
        hits = float(((truth == label) & (predicted == label)).sum())
        scores.append(2 * hits / ((truth == label).sum() + (predicted == label).sum()))
    return 100 * float(np.mean(scores))


def accuracy(truth: Labels, predicted: Labels) -> float:
    """Share of right answers in percent."""
    return 100 * float((truth == predicted).mean())


def expected_calibration_error(
    truth: Labels, posteriors: NDArray[np.floating], num_bins: int = 15
) -> float:
    """Mean gap between confidence and accuracy, in percent.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3; bins of
    equal width.

    Args:
        truth: (N,).
        posteriors: (N, C).
        num_bins: Bins between 0 and 1.
    """
    confidence = posteriors.max(axis=1)
    right = posteriors.argmax(axis=1) == truth
    bins = np.minimum((confidence * num_bins).astype(int), num_bins - 1)
    gap = 0.0
    for number in range(num_bins):
        inside = bins == number
        if inside.any():
            gap += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return 100 * float(gap)


def uar_over_speakers(
    truth: Labels,
    predicted: Labels,
    speakers: Sequence[str],
    num_classes: int,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return the UAR in percent for each of many draws of the speakers with replacement.

    Args:
        truth: (N,).
        predicted: (N,).
        speakers: N names; all recordings of a speaker are drawn together.
        num_classes: C.
        draws: How often speakers are drawn.
        seed: Start of the random numbers; equal seeds draw the same speakers.

    Returns:
        (draws,).
    """
    names = sorted(set(speakers))
    row = np.array([names.index(speaker) for speaker in speakers])
    counts, hits = np.zeros((2, len(names), num_classes))
    np.add.at(counts, (row, truth), 1)
    np.add.at(hits, (row, truth), predicted == truth)
    rng = np.random.default_rng(seed)
    times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    seen = times @ counts  # (draws, C)
    recall = np.divide(times @ hits, seen, out=np.full(seen.shape, np.nan), where=seen > 0)
    drawn: NDArray[np.float64] = 100 * np.nanmean(recall, axis=1)
    return drawn


def interval(draws: NDArray[np.float64], level: float = 0.95) -> tuple[float, float]:
    """Return the middle `level` share of bootstrap draws."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def negative_log_likelihood(truth: Labels, posteriors: NDArray[np.floating]) -> float:
    """Mean of minus the logarithm (nats) of the posterior (N, C) of the true class (N,)."""
    right = posteriors[np.arange(len(truth)), truth]
    return float(-np.log(right + 1e-12).mean())


def auroc(lower: NDArray[np.floating], higher: NDArray[np.floating]) -> float:
    """Chance (0 to 1) that a score of `higher` is above one of `lower`; ties count half."""
    both = np.sort(np.asarray(lower, np.float64))
    below = np.searchsorted(both, higher, side="left")
    not_above = np.searchsorted(both, higher, side="right")
    return float((below + not_above).mean() / 2 / len(both))
