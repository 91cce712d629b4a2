"""What an encoder bundle learns about projects and speakers, from speakers that training held out.

The heads are fitted once more without each corpus and calibrated on the others, then judged on that
corpus' held-out speakers. Their embedding has heard other speakers of it, which a language never
heard lacks, so all this is a little surer than it ought to be; to train an encoder without each
corpus in turn would take as many times as long as there are corpora.

Shapes: N recordings, D embedding size, C classes.
"""

import copy
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from clser_engine.inference.group_model import GroupModel
from clser_engine.methods.method import Embedded
from clser_engine.models.embedding_heads import EmbeddingHeads
from clser_engine.training.fit_project_head import calibrate_heads, fit_alone, fit_project
from clser_engine.training.groups import (
    HeldOutGroup,
    describe_groups,
    fit_group_model,
    torch_heads,
)


def fit_embedding_groups(
    heads: EmbeddingHeads, train: Embedded, validation: Embedded, seed: int
) -> tuple[GroupModel, dict[str, float]]:
    """Fit priors, class offsets, guard and temperatures.

    Args:
        heads: Of the model, fitted and calibrated; left as they are.
        train: What the model says about its training recordings.
        validation: And about held-out speakers of the same corpora, at least one recording.
        seed: Start of the random numbers.

    Returns:
        The model of groups, and ECE (percent) and NLL on held-out speakers before and after.
    """
    corpora = sorted(set(_corpora(validation)))
    held_out = [_held_out(heads, train, validation, corpus) for corpus in corpora]
    return fit_group_model(_describe(train, validation), held_out, seed)


def _held_out(
    heads: EmbeddingHeads, train: Embedded, validation: Embedded, corpus: str
) -> HeldOutGroup:
    """Return the held-out speakers of a corpus, with heads that were fitted without it.

    Where the other corpora lack a class, or there are none, the heads of the model serve.
    """
    theirs = _select(validation, _is_of(validation, corpus))
    others, others_held_out = (_select(e, ~_is_of(e, corpus)) for e in (train, validation))
    has_all = len(set(others.emotions.tolist())) == train.logits.shape[1]
    if has_all and len(others_held_out.utterances):
        heads = copy.deepcopy(heads)
        fit_alone(heads, others)
        fit_project(heads, others)
        calibrate_heads(heads, others_held_out)
    else:
        others, others_held_out = train, validation
    return HeldOutGroup(
        corpus=corpus,
        functionals=theirs.embeddings,
        emotions=theirs.emotions,
        speakers=[utterance.speaker_key for utterance in theirs.utterances],
        heads=torch_heads(heads),
        model=_describe(others, others_held_out),
    )


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
