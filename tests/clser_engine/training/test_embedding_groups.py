"""Tests of clser_engine.training.embedding_groups: what held-out speakers teach about groups."""

from pathlib import Path

import numpy as np
import pytest
import torch

from clser_engine.data.manifest import Utterance
from clser_engine.inference.groups import score_group
from clser_engine.methods.method import Embedded
from clser_engine.models.embedding_heads import EmbeddingHeads
from clser_engine.training import embedding_groups
from clser_engine.training.embedding_groups import fit_embedding_groups
from clser_engine.training.fit_project_head import calibrate_heads, fit_alone, fit_project
from clser_engine.training.groups import fit_group_model, torch_heads

SIZE, CLASSES, CLIPS = 8, 4, 60  # clips of each speaker
OFFSETS = 1.6 * np.random.default_rng(7).standard_normal((CLASSES, SIZE))
OFFSETS -= OFFSETS.mean(axis=0)


def embedded(corpora, speakers, seed, *, apart=1.0, turned=()):
    """Balanced clips of speakers; in a turned corpus, emotions sound like each other."""
    rng = np.random.default_rng(seed)
    utterances, embeddings, emotions = [], [], []
    for corpus in corpora:
        shift = np.random.default_rng(ord(corpus)).standard_normal(SIZE)
        for speaker in range(speakers):
            voice = 0.3 * rng.standard_normal(SIZE)
            for clip in range(CLIPS):
                emotion = clip % CLASSES
                heard = (emotion + 1) % CLASSES if corpus in turned else emotion
                noise = 0.7 * rng.standard_normal(SIZE)
                embeddings.append(apart * OFFSETS[heard] + shift + voice + noise)
                emotions.append(emotion)
                utterances.append(
                    Utterance(
                        path=Path(f"{clip}.wav"), emotion=str(emotion), speaker=f"{seed}-{speaker}",
                        language="deu", corpus=corpus,
                    )
                )  # fmt: skip
    logits = np.zeros((len(emotions), CLASSES), np.float32)
    return Embedded(
        utterances=utterances,
        embeddings=np.array(embeddings, np.float32),
        logits=logits,
        frame_logits=logits,
        emotions=np.array(emotions),
    )


def fitted_heads(train, validation):
    heads = EmbeddingHeads(SIZE, CLASSES)
    fit_alone(heads, train)
    fit_project(heads, train)
    calibrate_heads(heads, validation)
    return heads


@pytest.fixture(scope="module")
def known():
    """Heads, and what they know of groups, from three corpora."""
    train, validation = embedded("abc", 5, 0), embedded("abc", 3, 1)
    heads = fitted_heads(train, validation)
    before = {name: tensor.clone() for name, tensor in heads.state_dict().items()}
    model, report = fit_embedding_groups(heads, train, validation, seed=0)
    moved = {name for name, t in heads.state_dict().items() if not torch.equal(before[name], t)}
    assert moved <= {"project_temperature"}
    return torch_heads(heads), model, report


def test_the_guard_notices_a_project_and_a_speaker_of_one_emotion(known):
    heads, model, report = known
    new = embedded("d", 4, 2)
    speakers = [utterance.speaker for utterance in new.utterances]
    sad = new.emotions == 2

    whole = score_group(heads, model, new.embeddings)
    only_sad = score_group(heads, model, new.embeddings[sad])
    names = [
        "sad" if s and i < 120 else n for i, (s, n) in enumerate(zip(sad, speakers, strict=True))
    ]
    by_speaker = score_group(heads, model, new.embeddings, speakers=names)

    assert report["least_disagreement_project"] == model.least_project > 0
    assert whole.summary.words == "adapted to 240 clips of this project"
    assert only_sad.summary.notices == (
        "The 60 clips of this project probably show one emotion, so each is judged by itself.",
    )
    assert [c.speaker for c in by_speaker.checks if c.shows_one_emotion] == ["sad"]
    assert np.mean(whole.posteriors.argmax(axis=1) == new.emotions) > 0.9


def test_a_skewed_project_does_not_move_its_own_middle(known):
    heads, model, _ = known
    new = embedded("d", 4, 2)
    rng = np.random.default_rng(0)
    rows = np.concatenate(
        [rng.choice(np.flatnonzero(new.emotions == k), 42 if k == 0 else 6) for k in range(CLASSES)]
    )

    found = score_group(heads, model, new.embeddings[rows], statistics="project")

    hits = found.posteriors.argmax(axis=1) == new.emotions[rows]
    assert np.mean([hits[new.emotions[rows] == k].mean() for k in range(CLASSES)]) > 0.9


def test_classes_that_training_set_too_far_apart_are_as_far_as_those_of_new_speakers():
    train, validation = embedded("ab", 6, 0, apart=2.0), embedded("ab", 6, 1)
    model, _ = fit_embedding_groups(fitted_heads(train, validation), train, validation, seed=0)
    honest, _ = fit_embedding_groups(
        fitted_heads(validation, validation), validation, validation, seed=0
    )

    ratio = np.linalg.norm(model.class_offsets) / np.linalg.norm(honest.class_offsets)
    assert ratio == pytest.approx(1.0, abs=0.05)


def test_a_corpus_is_judged_by_heads_that_never_heard_it():
    """Where one of three corpora is turned, its heads must fail on it, and sureness is lost."""
    train, validation = embedded("abc", 5, 0, turned="c"), embedded("abc", 3, 1, turned="c")
    heads = fitted_heads(train, validation)
    sure = float(heads.project_temperature)
    _, report = fit_embedding_groups(heads, train, validation, seed=0)
    straight = embedded("abc", 5, 0), embedded("abc", 3, 1)
    usual_heads = fitted_heads(*straight)
    _, usual = fit_embedding_groups(usual_heads, *straight, seed=0)

    assert usual["unheard_corpus_uar"] > 95
    assert report["unheard_corpus_uar"] < 70
    assert float(heads.project_temperature) > 3 * float(usual_heads.project_temperature)
    assert float(heads.project_temperature) > sure
    assert usual["project_nll_before"] < 0.3
    assert report["project_nll_before"] > 0.6


def test_what_judges_a_corpus_knows_nothing_of_its_sound(monkeypatch):
    train, validation = embedded("abc", 3, 0), embedded("abc", 2, 1)
    judged = {}

    def remember(model, held_out, seed):
        judged.update({group.corpus: group for group in held_out})
        return fit_group_model(model, held_out, seed)

    monkeypatch.setattr(embedding_groups, "fit_group_model", remember)
    fit_embedding_groups(fitted_heads(train, validation), train, validation, seed=0)

    for corpus, group in judged.items():
        others = [u.corpus != corpus for u in train.utterances]
        expected = train.embeddings[others].mean(axis=0)
        np.testing.assert_allclose(group.model.prior_mean, expected, atol=1e-4)
        assert len(group.emotions) == 2 * CLIPS
        assert all(key.startswith(f"deu/{corpus}/1-") for key in group.speakers)


def test_one_corpus_of_a_few_clips_is_enough_to_go_on_with():
    train, validation = embedded("a", 2, 0), embedded("a", 1, 1)
    heads = fitted_heads(train, validation)

    model, report = fit_embedding_groups(heads, train, validation, seed=0)

    assert np.isfinite(list(report.values())).all()
    assert np.isfinite(model.class_offsets).all()
    assert 0 < model.temperatures["speaker"] < 10
