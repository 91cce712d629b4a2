"""What a model learns about groups of recordings, from corpora that its heads did not see.

How far classes lie from the middle of a project, below which disagreement a group probably shows
one emotion, and how sure the posteriors with each kind of statistics may be.

Shapes: N recordings, D functionals, C classes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from clser_engine.evaluation.metrics import (
    Labels,
    expected_calibration_error,
    negative_log_likelihood,
)
from clser_engine.inference.group_model import RESTS, GroupModel, Rests, untrained
from clser_engine.inference.groups import (
    Heads,
    disagreement,
    project_statistics,
    score_group,
    softmax,
)
from clser_engine.training.batches import cell_weights
from clser_engine.training.temperature import fit_temperature
from clser_engine.types import FloatArray

SPEAKER_CLIPS = (8, 16, 40)  # sizes of the groups that the guard learns from
PROJECT_CLIPS = (8, 20, 50)
DRAWS = 4
SKEWED = 0.7  # share of one class in a project that still shows several
# In points of UAR: what a missed group of one emotion costs, and a false alarm, each times how
# often such groups are met.
SPEAKER_COSTS = (30 * 0.2, 8 * 0.8)
PROJECT_COSTS = (20 * 0.1, 10 * 0.9)
ALL_TRUSTED = 1e9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOutGroup:
    """A corpus, and heads that were trained without it.

    Args:
        corpus: Its name.
        functionals: (N, D) raw.
        emotions: (N,) class indices.
        speakers: N names.
        heads: Trained on the other corpora.
        model: What those say about groups; see `describe_groups`.
    """

    corpus: str
    functionals: FloatArray
    emotions: Labels
    speakers: Sequence[str]
    heads: Heads
    model: GroupModel


def torch_heads(heads: nn.Module) -> Heads:
    """Return heads in torch as a function of arrays."""

    @torch.inference_mode()
    def apply(
        functionals: FloatArray, mean: FloatArray, deviation: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        rows = torch.from_numpy(np.ascontiguousarray(functionals, dtype=np.float32))
        statistics = torch.from_numpy(mean), torch.from_numpy(deviation)
        alone, project = heads(rows, *statistics, torch.tensor([ALL_TRUSTED]))
        return alone.numpy(), project.numpy()

    return apply


def describe_groups(
    functionals: FloatArray, emotions: Labels, corpora: Sequence[str], num_classes: int
) -> GroupModel:
    """Return the corpora's mean and spread, and how far each class lies from their middle.

    Args:
        functionals: (N, D) raw.
        emotions: (N,) class indices.
        corpora: Corpus of each.
        num_classes: C.
    """
    means, variances, offsets = [], [], []
    for corpus in sorted(set(corpora)):
        rows = np.array([other == corpus for other in corpora])
        values, labels = functionals[rows].astype(np.float64), emotions[rows]
        weights = cell_weights([corpus] * len(labels), labels.tolist())[:, None]
        weights /= weights.sum()
        mean = (values * weights).sum(axis=0)
        variance = ((values - mean) ** 2 * weights).sum(axis=0)
        relative = ((values - mean) / (np.sqrt(variance) + 1e-9)).clip(-6, 6)
        offset = np.zeros((num_classes, values.shape[1]))
        for label in sorted(set(labels.tolist())):
            offset[label] = relative[labels == label].mean(axis=0)
        means.append(mean)
        variances.append(variance)
        offsets.append(offset)
    prior_std = np.sqrt(np.mean(variances, axis=0)) + 1e-6
    return replace(
        untrained(functionals, num_classes),
        prior_mean=np.mean(means, axis=0).astype(np.float32),
        prior_std=prior_std.astype(np.float32),
        class_offsets=np.mean(offsets, axis=0).astype(np.float32),
        least_speaker=0.0,
    )


def fit_group_model(
    model: GroupModel, held_out: Sequence[HeldOutGroup], seed: int
) -> tuple[GroupModel, dict[str, float]]:
    """Fit guard and temperatures on held-out corpora.

    Args:
        model: What all training data says about groups.
        held_out: Each training corpus with heads trained without it, calibrated as the heads of
            the model are.
        seed: Start of the random numbers.

    Returns:
        The whole model, and ECE (percent) and NLL on the held-out corpora before and after.
    """
    rng = np.random.default_rng(seed)
    fitted = replace(
        model,
        least_speaker=least_disagreement(
            [pair for group in held_out for pair in _speaker_groups(group, rng)],
            SPEAKER_COSTS,
            untrained(held_out[0].functionals, len(model.class_offsets)).least_speaker,
        ),
        least_project=least_disagreement(
            [pair for group in held_out for pair in _project_groups(group, rng)],
            PROJECT_COSTS,
            0.0,
        ),
    )
    report = {
        "least_disagreement_speaker": fitted.least_speaker,
        "least_disagreement_project": fitted.least_project,
    }
    temperatures: dict[Rests, float] = {}
    for name in RESTS:
        statistics, _, propagated = name.partition("_")
        rows = [
            _held_out_posteriors(group, fitted, statistics, propagate=bool(propagated))
            for group in held_out
        ]
        posteriors = np.concatenate([found for found, _ in rows])
        if len(posteriors) == 0:
            temperatures[name] = 1.0
            continue
        truth = np.concatenate([truth for _, truth in rows])
        names = [g.corpus for g, (found, _) in zip(held_out, rows, strict=True) for _ in found]
        weights = cell_weights(names, truth.tolist())
        logits = np.log(posteriors + 1e-12)
        # With the project's statistics the head's own temperature serves.
        fitted_here = fit_temperature(logits.astype(np.float32), truth, weights)
        temperatures[name] = 1.0 if name == "project" else fitted_here
        for when, temperature in (("before", 1.0), ("after", temperatures[name])):
            honest = softmax(logits / temperature)
            report[f"{name}_ece_{when}"] = expected_calibration_error(truth, honest)
            report[f"{name}_nll_{when}"] = negative_log_likelihood(truth, honest)
    return replace(fitted, temperatures=temperatures), report


def least_disagreement(
    groups: Sequence[tuple[float, bool]], costs: tuple[float, float], default: float
) -> float:
    """Return the border between groups of one emotion and of several.

    Args:
        groups: Disagreement of each, and whether it shows one emotion only.
        costs: Of a missed group of one emotion, and of a false alarm.
        default: Where there are not both kinds.
    """
    one = np.sort([value for value, is_one in groups if is_one])
    several = np.sort([value for value, is_one in groups if not is_one])
    if len(one) == 0 or len(several) == 0:
        return default
    values = np.unique(np.concatenate([one, several]))
    borders = np.concatenate([[0.0], (values[1:] + values[:-1]) / 2])
    missed = 1 - np.searchsorted(one, borders) / len(one)
    false = np.searchsorted(several, borders) / len(several)
    return float(borders[int(np.argmin(costs[0] * missed + costs[1] * false))])


def _held_out_posteriors(
    group: HeldOutGroup, fitted: GroupModel, statistics: str, *, propagate: bool
) -> tuple[NDArray[np.float64], Labels]:
    """Return posteriors (N, C) at temperature 1 and the truth of those that rest on this."""
    model = replace(
        group.model, least_project=fitted.least_project, least_speaker=fitted.least_speaker
    )
    found = score_group(
        group.heads,
        model,
        group.functionals,
        statistics=statistics,
        speakers=group.speakers,
        propagate=propagate,
    )
    rows = [i for i, words in enumerate(found.statistics) if words.startswith(statistics)]
    return found.posteriors[rows], group.emotions[rows]


def _speaker_groups(group: HeldOutGroup, rng: np.random.Generator) -> Iterator[tuple[float, bool]]:
    """Yield the share of the corpus' disagreement within parts of speakers, and if one emotion."""
    posteriors = score_group(
        group.heads, group.model, group.functionals, statistics="project"
    ).posteriors
    names = np.array(group.speakers)
    whole = disagreement(posteriors)
    for speaker in sorted(set(group.speakers)):
        theirs = np.flatnonzero(names == speaker)
        labels = group.emotions[theirs]
        parts = [(theirs[labels == label], True) for label in sorted(set(labels.tolist()))]
        if len(parts) >= 3:
            parts += [(theirs, False)] * DRAWS
        for members, is_one in parts:
            for size in SPEAKER_CLIPS:
                if len(members) >= size:
                    drawn = rng.choice(members, size, replace=False)
                    yield disagreement(posteriors[drawn]) / whole, is_one


def _project_groups(group: HeldOutGroup, rng: np.random.Generator) -> Iterator[tuple[float, bool]]:
    """Yield disagreement within parts of a corpus, and whether a part shows one emotion."""
    members = {
        label: np.flatnonzero(group.emotions == label) for label in set(group.emotions.tolist())
    }
    for size in (size for size in PROJECT_CLIPS for _ in range(DRAWS)):
        for share in (0.0, SKEWED, 1.0):
            for label, theirs in members.items():
                others = np.concatenate([m for other, m in members.items() if other != label])
                count = round(size * (share or 1 / len(members)))
                if len(theirs) < count or len(others) < size - count:
                    continue
                drawn = np.concatenate(
                    [
                        rng.choice(theirs, count, replace=False),
                        rng.choice(others, size - count, replace=False),
                    ]
                )
                rows = group.functionals[drawn]
                mean, deviation = project_statistics(group.heads, group.model, rows)
                alone, project = group.heads(rows, mean, deviation)
                yield disagreement(softmax((alone + project) / 2)), share == 1.0
