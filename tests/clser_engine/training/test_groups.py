from dataclasses import replace

import numpy as np
import pytest

from clser_engine.inference.groups import score_group
from clser_engine.training.groups import (
    HeldOutGroup,
    describe_groups,
    fit_group_model,
    least_disagreement,
)

SIZE, CLASSES = 8, 4
OFFSETS = 1.2 * np.random.default_rng(7).standard_normal((CLASSES, SIZE))
OFFSETS -= OFFSETS.mean(axis=0)


def heads_of(sharpness):
    def heads(functionals, mean, deviation):
        def logits(middle, unit):
            relative = (functionals - middle) / unit * np.sqrt(1 + (OFFSETS**2).mean(axis=0))
            distances = ((relative[:, None] - OFFSETS) ** 2).sum(axis=2)
            return (-sharpness * distances / 2).astype(np.float32)

        return logits(np.zeros(SIZE), np.ones(SIZE)), logits(mean, deviation)

    return heads


def corpus(name, seed, sharpness=1.0):
    rng = np.random.default_rng(seed)
    labels = np.tile(range(CLASSES), 60)
    values = OFFSETS[labels] + rng.standard_normal((240, SIZE)) + rng.standard_normal(SIZE)
    values = values.astype(np.float32)
    return HeldOutGroup(
        corpus=name,
        functionals=values,
        emotions=labels,
        speakers=[f"{name}/{i // 60}" for i in range(240)],
        heads=heads_of(sharpness),
        model=describe_groups(values, labels, [name] * 240, CLASSES),
    )


def test_offsets_and_prior_are_those_of_balanced_corpora():
    rng = np.random.default_rng(0)
    labels = np.concatenate([np.zeros(900, int), np.tile(range(CLASSES), 100)])
    middle = np.arange(SIZE)
    values = (OFFSETS[labels] + rng.standard_normal((len(labels), SIZE)) + middle).astype("f")

    model = describe_groups(values, labels, ["one"] * len(labels), CLASSES)

    np.testing.assert_allclose(model.prior_mean, middle, atol=0.2)
    spread = np.sqrt(1 + (OFFSETS**2).mean(axis=0))
    np.testing.assert_allclose(model.prior_std, spread, rtol=0.1)
    np.testing.assert_allclose(model.class_offsets, OFFSETS / spread, atol=0.2)


def test_the_border_lies_where_mistakes_cost_least():
    one, several = [0.1, 0.2, 0.3, 0.6], [0.5, 0.7, 0.8, 0.9]
    groups = [(v, True) for v in one] + [(v, False) for v in several]

    dear_misses = least_disagreement(groups, (10.0, 1.0), 0.0)
    dear_alarms = least_disagreement(groups, (1.0, 10.0), 0.0)

    assert 0.6 < dear_misses < 0.7
    assert 0.3 < dear_alarms < 0.5
    assert least_disagreement([(0.3, True)], (1.0, 1.0), 0.42) == 0.42


def test_what_was_too_sure_is_made_honest_and_the_guard_works():
    held_out = [corpus(name, seed, sharpness=3.0) for seed, name in enumerate("abc")]

    model, report = fit_group_model(held_out[0].model, held_out, seed=0)

    assert model.temperatures["speaker"] > 1.5
    assert model.temperatures["project"] == 1.0  # the head has one of its own
    assert report["speaker_nll_after"] < report["speaker_nll_before"]
    assert report["speaker_ece_after"] < 5
    new = corpus("d", 9, sharpness=3.0)
    order = np.argsort(new.emotions, kind="stable")
    speakers = np.where(np.arange(240) < 30, "sad", [f"s{i % 3}" for i in range(240)])
    found = score_group(
        new.heads,
        replace(model, prior_mean=model.prior_mean),
        new.functionals[order],
        statistics="speaker",
        speakers=list(speakers),
    )
    assert [c.speaker for c in found.checks if c.shows_one_emotion] == ["sad"]


@pytest.mark.parametrize("clips", [8, 30])
def test_few_recordings_and_speakers_of_one_emotion_can_be_fitted(clips):
    small = corpus("a", 0)
    group = replace(
        small,
        functionals=small.functionals[:clips],
        emotions=small.emotions[:clips],
        speakers=[str(label) for label in small.emotions[:clips]],
    )

    model, report = fit_group_model(group.model, [group], seed=0)

    assert np.isfinite(list(model.temperatures.values())).all()
    assert np.isfinite(list(report.values())).all()
