"""What an encoder bundle learns about projects and speakers, from speakers that training held out.

The heads are fitted once more without each corpus and calibrated on the others, then judged on that
corpus' held-out speakers. Their embedding has heard other speakers of it, which a language never
heard lacks, so all this is a little surer than it ought to be; to train an encoder without each
corpus in turn would take as many times as long as there are corpora.

Shapes: N recordings, D embedding size, C classes.
"""

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from clser_engine.evaluation.metrics import uar
from clser_engine.inference.group_model import GroupModel
from clser_engine.methods.method import Embedded
from clser_engine.models.embedding_heads import EmbeddingHeads
from clser_engine.training.batches import cell_weights
from clser_engine.training.fit_project_head import (
    calibrate_heads,
    fit_alone,
    fit_project,
    raw_logits,
)
from clser_engine.training.groups import (
    HeldOutGroup,
    describe_groups,
    fit_group_model,
    torch_heads,
)
from clser_engine.training.temperature import fit_temperature


def fit_embedding_groups(
    heads: EmbeddingHeads, train: Embedded, validation: Embedded, seed: int
) -> tuple[GroupModel, dict[str, float]]:
    """Fit priors, class offsets, guard and temperatures.

    Args:
        heads: Of the model, fitted and calibrated; their temperature for projects is set to what
            heads that never heard a corpus may trust themselves on it, where there are such.
        train: What the model says about its training recordings.
        validation: And about held-out speakers of the same corpora, at least one recording.
        seed: Start of the random numbers.

    Returns:
        The model of groups, and UAR of heads that never heard the corpus, ECE (percent) and NLL on
        held-out speakers before and after.
    """
    judged = [
        (_heads_without(heads, train, validation, corpus), corpus)
        for corpus in sorted(set(_corpora(validation)))
    ]
    report = _share_temperature(heads, judged, validation)
    held_out = []
    for own, corpus in judged:
        theirs = _select(validation, _is_of(validation, corpus))
        # Where the model's own heads serve, it is described by all.
        rest = [e if own is None else _select(e, ~_is_of(e, corpus)) for e in (train, validation)]
        held_out.append(
            HeldOutGroup(
                corpus=corpus,
                functionals=theirs.embeddings,
                emotions=theirs.emotions,
                speakers=[utterance.speaker_key for utterance in theirs.utterances],
                heads=torch_heads(own or heads),
                model=_describe(*rest),
            )
        )
    model, of_groups = fit_group_model(_describe(train, validation), held_out, seed)
    return model, report | of_groups


def _heads_without(
    heads: EmbeddingHeads, train: Embedded, validation: Embedded, corpus: str
) -> EmbeddingHeads | None:
    """Return heads fitted without a corpus, None where the other ones lack a class."""
    others, held_out = (_select(e, ~_is_of(e, corpus)) for e in (train, validation))
    num_classes = train.logits.shape[1]
    if len(set(others.emotions.tolist())) != num_classes or not held_out.utterances:
        return None
    without = copy.deepcopy(heads)
    fit_alone(without, others)
    fit_project(without, others)
    calibrate_heads(without, held_out)
    return without


def _share_temperature(
    heads: EmbeddingHeads,
    judged: Sequence[tuple[EmbeddingHeads | None, str]],
    validation: Embedded,
) -> dict[str, float]:
    """Fit one temperature for projects on corpora that heads never heard, and set it for all."""
    found = [(own, corpus) for own, corpus in judged if own is not None]
    if not found:
        return {}
    parts = [(own, _select(validation, _is_of(validation, corpus))) for own, corpus in found]
    logits = np.concatenate([raw_logits(own, theirs)[1] for own, theirs in parts])
    truth = np.concatenate([theirs.emotions for _, theirs in parts])
    names = [name for _, theirs in parts for name in _corpora(theirs)]
    temperature = fit_temperature(logits, truth, cell_weights(names, truth.tolist()))
    for own in (heads, *(own for own, _ in parts)):
        own.project_temperature.fill_(temperature)
    return {"unheard_corpus_uar": uar(truth, logits.argmax(axis=1), logits.shape[1])}


def _describe(train: Embedded, validation: Embedded) -> GroupModel:
    """Return priors and class offsets of training recordings, the offsets as of new speakers.

    An embedding sets the classes of what it was trained on further apart than those of others; one
    factor, by least squares between the two, takes that back.
    """
    num_classes = train.logits.shape[1]
    learnt, new = (
        describe_groups(e.embeddings, e.emotions, _corpora(e), num_classes)
        for e in (train, validation)
    )
    shown = sorted(set(validation.emotions.tolist()))
    known = learnt.class_offsets[shown]
    factor = np.sum(known * new.class_offsets[shown]) / max(float(np.sum(known**2)), 1e-9)
    return replace(learnt, class_offsets=learnt.class_offsets * np.float32(np.clip(factor, 0, 1)))


def _select(embedded: Embedded, rows: NDArray[np.bool]) -> Embedded:
    return Embedded(
        utterances=[u for u, kept in zip(embedded.utterances, rows, strict=True) if kept],
        embeddings=embedded.embeddings[rows],
        logits=embedded.logits[rows],
        frame_logits=embedded.frame_logits[rows],
        emotions=embedded.emotions[rows],
    )


def _corpora(embedded: Embedded) -> list[str]:
    return [utterance.corpus for utterance in embedded.utterances]


def _is_of(embedded: Embedded, corpus: str) -> NDArray[np.bool]:
    return np.array([name == corpus for name in _corpora(embedded)], dtype=bool)
