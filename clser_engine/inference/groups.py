"""Scores of the recordings of a project, each relative to the others or to those of its speaker.

Shapes: B recordings, D functionals, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clser_engine.errors import BadValueError
from clser_engine.types import FloatArray, GroupSummary, UtterancePosterior

if TYPE_CHECKING:
    from clser_engine.inference.predictor import Predictor

MODES = ("none", "project", "speaker", "auto")
"""Each recording alone, with the statistics of all, with its speaker's, or what is safe."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProjectScores:
    """Utterance posteriors of the recordings of a project.

    Args:
        utterances: In the order of the recordings.
        summary: What they rest on.
    """

    utterances: list[UtterancePosterior]
    summary: GroupSummary


def check_mode(statistics: str) -> None:
    """Raise BadValueError if there is no such mode."""
    if statistics not in MODES:
        raise BadValueError(f"Bad statistics: got {statistics!r}, expected one of {_words(MODES)}.")


def score_project(
    predictor: "Predictor",
    functionals: FloatArray,
    *,
    speakers: Sequence[str] | None = None,
    statistics: str = "auto",
    propagate: bool = False,
) -> ProjectScores:
    """Score the recordings of a project.

    Args:
        predictor: The model that computed the functionals.
        functionals: (B, D) raw.
        speakers: Who speaks in each; empty where unknown. None where no speaker is known.
        statistics: One of `MODES`.
        propagate: Whether similar recordings share their posteriors.
    """
    from clser_engine.inference.predictor import compute_statistics

    check_mode(statistics)
    if statistics == "none" or len(functionals) == 0:
        words = "each recording judged alone"
        summary = GroupSummary(statistics="none", clips=len(functionals), words=words)
        return ProjectScores(utterances=predictor.score(functionals), summary=summary)
    group = compute_statistics(functionals)
    clips = f"{len(functionals)} clip{'' if len(functionals) == 1 else 's'}"
    summary = GroupSummary(
        statistics="project", clips=len(functionals), words=f"adapted to {clips} of this project"
    )
    return ProjectScores(utterances=predictor.score(functionals, group), summary=summary)


def _words(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + f" or {names[-1]}"
