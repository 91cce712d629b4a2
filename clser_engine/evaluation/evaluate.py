"""Evaluation of a bundle on a manifest: the shipped graphs, any normalisation, no leak.

Shapes: N recordings, C classes, D functionals.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clser_engine.bundle import ModelCard
from clser_engine.data.manifest import Utterance
from clser_engine.errors import AudioError, BadValueError
from clser_engine.evaluation.metrics import (
    accuracy,
    expected_calibration_error,
    interval,
    macro_f1,
    uar,
    uar_over_speakers,
)
from clser_engine.inference.groups import SpeakerCheck, check_mode
from clser_engine.inference.many import analyze_many
from clser_engine.inference.predictor import Predictor
from clser_engine.runtime import RunContext
from clser_engine.types import GroupSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Result of an evaluation.

    Args:
        figures: Flat figures in percent and counts.
        rows: One row a recording: path, truth, predicted, confidence, what that rests on.
        classes: The classes that were scored.
        summary: What the posteriors rest on.
        checks: What the guard says of each speaker.
        left_out: Recordings whose label is none of them.
        failed: Path and sentence of each recording that could not be read.
    """

    figures: dict[str, float]
    rows: list[dict[str, object]]
    classes: tuple[str, ...]
    summary: GroupSummary
    checks: list[SpeakerCheck]
    left_out: int
    failed: list[tuple[str, str]]


def refuse_contamination(card: ModelCard, utterances: Sequence[Utterance]) -> None:
    """Refuse a model that was trained on the corpus it is to be measured on.

    Raises:
        BadValueError: If the card names a corpus of the manifest.
    """
    known = {name.lower() for name in card.corpora}
    shared = sorted({u.corpus for u in utterances if u.corpus.lower() in known})
    if shared:
        raise BadValueError(
            f"Model {card.model_id.name!r} was trained on {shared[0]}, so its figures there would "
            f"mean nothing; use a corpus that its card does not name."
        )


def choose_classes(
    card: ModelCard, utterances: Sequence[Utterance], wanted: Sequence[str] | None
) -> tuple[str, ...]:
    """Return the classes to score: those asked for, else those that model and manifest share.

    Raises:
        BadValueError: If fewer than two remain or one is unknown to the model.
    """
    for name in wanted or ():
        if name not in card.classes:
            raise BadValueError(
                f"Bad class: got {name!r}, expected one of {', '.join(card.classes)}."
            )
    present = {u.emotion for u in utterances}
    chosen = tuple(n for n in card.classes if (n in wanted if wanted else n in present))
    if len(chosen) < 2:
        raise BadValueError(
            f"Model and manifest share {len(chosen)} of the classes {', '.join(card.classes)}; "
            f"at least two are needed."
        )
    return chosen


def evaluate(
    predictor: Predictor,
    utterances: Sequence[Utterance],
    *,
    statistics: str = "none",
    propagate: bool = False,
    classes: Sequence[str] | None = None,
    context: RunContext | None = None,
) -> Evaluation:
    """Score a model on labelled recordings.

    Args:
        predictor: The model as it is used.
        utterances: Labelled recordings.
        statistics: `none`, `project` (all recordings that are scored), `speaker` or `auto`.
        propagate: Whether similar recordings share their posteriors.
        classes: Classes to score; None means those that model and manifest share.
        context: Progress and cancellation.

    Raises:
        BadValueError: If the model was trained on the corpus, or an argument is not as above.
        AudioError: If no recording could be read.
    """
    context = context or RunContext()
    check_mode(statistics)
    refuse_contamination(predictor.card, utterances)
    chosen = choose_classes(predictor.card, utterances, classes)
    scored, vectors, failed = [], [], []
    candidates = [u for u in utterances if u.emotion in chosen]
    outcomes = analyze_many(predictor, [u.path for u in candidates], context)
    for utterance, outcome in zip(candidates, outcomes, strict=True):
        if outcome.analysis is not None:
            vectors.append(outcome.analysis.functionals)
            scored.append(utterance)
        elif isinstance(outcome.error, AudioError):
            failed.append((str(utterance.path), str(outcome.error)))
        elif outcome.error is not None:
            raise outcome.error
    if not scored:
        raise AudioError("No recording of the manifest could be read.")
    functionals = np.stack(vectors)
    found = predictor.score_project(
        functionals,
        statistics=statistics,
        speakers=[utterance.speaker_key for utterance in scored],
        propagate=propagate,
    )
    posteriors = np.stack([one.posterior for one in found.utterances])
    columns = [predictor.card.classes.index(name) for name in chosen]
    shared = posteriors[:, columns] / posteriors[:, columns].sum(axis=1, keepdims=True)
    truth = np.array([chosen.index(u.emotion) for u in scored])
    predicted = shared.argmax(axis=1)
    speakers = [u.speaker_key for u in scored]
    low, high = interval(uar_over_speakers(truth, predicted, speakers, len(chosen)))
    figures = {
        "uar": uar(truth, predicted, len(chosen)),
        "uar_low": low,
        "uar_high": high,
        "macro_f1": macro_f1(truth, predicted, len(chosen)),
        "accuracy": accuracy(truth, predicted),
        "ece": expected_calibration_error(truth, shared),
        "unknown": 100 * float(np.mean([not one.is_known for one in found.utterances])),
        "clips": len(scored),
        "speakers": len(set(speakers)),
    }
    rows: list[dict[str, object]] = [
        {
            "path": utterance.path.name,
            "truth": utterance.emotion,
            "predicted": chosen[best],
            "confidence": float(values.max()),
            "rests_on": one.statistics,
            "ood_score": one.ood_score,
            "is_known": one.is_known,
        }
        for utterance, best, values, one in zip(
            scored, predicted, shared, found.utterances, strict=True
        )
    ]
    return Evaluation(
        figures=figures,
        rows=rows,
        classes=chosen,
        summary=found.summary,
        checks=found.checks,
        left_out=len(utterances) - len(candidates),
        failed=failed,
    )
