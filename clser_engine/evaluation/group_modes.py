"""What each kind of statistics gives on a corpus that a model never heard, and how honest it is.

Shapes: N recordings, C classes.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clser_engine.evaluation.metrics import (
    Labels,
    expected_calibration_error,
    negative_log_likelihood,
)
from clser_engine.inference.group_model import RESTS, GroupModel
from clser_engine.inference.groups import Heads, SpeakerCheck, score_group
from clser_engine.types import FloatArray

GROUP_MODES = {
    "project": ("project", False),
    "project_lp": ("project", True),
    "speaker": ("speaker", False),
    "speaker_lp": ("speaker", True),
    "auto": ("auto", False),
}
"""Name of a mode in a result: the statistics, and whether recordings share their posteriors."""

BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupResult:
    """Scores of one corpus.

    Args:
        posteriors: (N, C) for each of `GROUP_MODES`.
        honesty: ECE (percent) and NLL (nats) of each mode, and without calibration.
        reliability: With project statistics: for each bin of confidence its upper edge, its share
            of recordings, mean confidence and accuracy.
        checks: What the guard says of each speaker, and how many emotions the speaker shows.
    """

    posteriors: dict[str, NDArray[np.float64]]
    honesty: dict[str, float]
    reliability: list[list[float]]
    checks: list[dict[str, object]]


def score_modes(
    heads: Heads,
    model: GroupModel,
    functionals: FloatArray,
    truth: Labels,
    speakers: Sequence[str],
    uncalibrated: Heads,
) -> GroupResult:
    """Score a corpus with each kind of statistics.

    Args:
        heads: Calibrated heads, trained without the corpus.
        model: What the model learnt about groups, without the corpus.
        functionals: (N, D) raw.
        truth: (N,) class indices; the scores do not see them.
        speakers: N names.
        uncalibrated: The same heads at temperature 1.
    """
    posteriors: dict[str, NDArray[np.float64]] = {}
    checks: list[SpeakerCheck] = []
    for name, (statistics, propagate) in GROUP_MODES.items():
        found = score_group(
            heads,
            model,
            functionals,
            statistics=statistics,
            speakers=speakers,
            propagate=propagate,
        )
        posteriors[name] = found.posteriors
        checks = found.checks or checks
    # Nothing is evened out where the guard fires, and temperature 1 changes nothing.
    plain = replace(model, temperatures=dict.fromkeys(RESTS, 1.0), least_project=np.inf)
    honesty: dict[str, float] = {}
    for name in ("project", "speaker", "project_lp", "speaker_lp"):
        honesty[f"ece_{name}"] = expected_calibration_error(truth, posteriors[name])
        honesty[f"nll_{name}"] = negative_log_likelihood(truth, posteriors[name])
    raw = score_group(uncalibrated, plain, functionals, statistics="project").posteriors
    honesty["ece_project_uncalibrated"] = expected_calibration_error(truth, raw)
    honesty["nll_project_uncalibrated"] = negative_log_likelihood(truth, raw)
    names = np.array(list(speakers))
    return GroupResult(
        posteriors=posteriors,
        honesty=honesty,
        reliability=reliability(truth, posteriors["project"]),
        checks=[
            {**asdict(check), "emotions": len(set(truth[names == check.speaker].tolist()))}
            for check in checks
        ],
    )


def reliability(truth: Labels, posteriors: NDArray[np.float64]) -> list[list[float]]:
    """Return for each filled bin of confidence: upper edge, share, mean confidence, accuracy."""
    confidence = posteriors.max(axis=1)
    right = posteriors.argmax(axis=1) == truth
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        [
            (number + 1) / BINS,
            float(np.mean(bins == number)),
            float(confidence[bins == number].mean()),
            float(right[bins == number].mean()),
        ]
        for number in range(BINS)
        if (bins == number).any()
    ]


def speakers_show_several_emotions(truth: Labels, speakers: Sequence[str]) -> bool:
    """Return whether most speakers do; where they don't, speaker and emotion are confounded."""
    names = np.array(list(speakers))
    several = [len(set(truth[names == name].tolist())) > 1 for name in sorted(set(speakers))]
    return float(np.mean(several)) > 0.5
