import numpy as np
import pytest

from clser_engine.errors import BadValueError
from clser_engine.inference.group_model import RESTS, GroupModel, untrained
from clser_engine.inference.groups import (
    check_speakers,
    disagreement,
    evening,
    project_statistics,
    score_group,
    softmax,
)

SIZE, CLASSES = 12, 4
OFFSETS = 1.6 * np.random.default_rng(7).standard_normal((CLASSES, SIZE))
OFFSETS -= OFFSETS.mean(axis=0)
SPREAD = np.sqrt(1 + (OFFSETS**2).mean(axis=0))


def heads(functionals, mean, deviation):
    """The right answer for classes of OFFSETS around the middle 0 (alone) or `mean`."""

    def logits(middle, unit):
        relative = (functionals - middle) / unit * SPREAD
        distances = ((relative[:, None] - OFFSETS) ** 2).sum(axis=2)
        return (-distances / 2).astype(np.float32)

    return logits(np.zeros(SIZE), SPREAD), logits(mean, deviation)


def make_model(**changes):
    values = {
        "prior_mean": np.zeros(SIZE, np.float32),
        "prior_std": SPREAD.astype(np.float32),
        "class_offsets": (OFFSETS / SPREAD).astype(np.float32),
        "least_project": 0.4,
        "least_speaker": 0.5,
        "temperatures": dict.fromkeys(RESTS, 1.0),
    }
    return GroupModel(**(values | changes))


def clips(labels, *, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((len(labels), SIZE))
    return (OFFSETS[np.asarray(labels)] + noise + shift).astype(np.float32)


def uar(labels, posteriors):
    return np.mean([(posteriors[labels == c].argmax(axis=1) == c).mean() for c in set(labels)])


@pytest.fixture
def language():
    """A project whose middle lies elsewhere than that of the training data."""
    return np.random.default_rng(1).choice([-3.0, 3.0], SIZE)


def test_a_language_that_lies_elsewhere_is_judged_relative_to_itself(language):
    labels = np.repeat(range(CLASSES), 25)
    values = clips(labels, shift=language)

    alone = score_group(heads, make_model(), values, statistics="none")
    project = score_group(heads, make_model(), values, statistics="project")

    assert uar(labels, project.posteriors) > uar(labels, alone.posteriors) + 0.2
    assert alone.statistics[0] == "none"
    assert alone.summary.words == "each clip judged by itself"
    assert project.statistics[0] == "project (100 clips)"
    assert project.summary.words == "adapted to 100 clips of this project"
    assert project.summary.statistics == "project"
    assert project.summary.notices == ()
    np.testing.assert_allclose(project.posteriors.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("propagate", [False, True])
def test_the_order_of_recordings_does_not_matter(language, propagate):
    labels = np.repeat(range(CLASSES), 20)
    values = clips(labels, shift=language)
    speakers = [f"s{i % 4}" for i in range(80)]
    order = np.random.default_rng(0).permutation(80)

    first = score_group(
        heads, make_model(), values, statistics="auto", speakers=speakers, propagate=propagate
    )
    second = score_group(
        heads,
        make_model(),
        values[order],
        statistics="auto",
        speakers=[speakers[i] for i in order],
        propagate=propagate,
    )

    np.testing.assert_allclose(second.posteriors, first.posteriors[order], atol=1e-4)
    assert second.statistics == [first.statistics[i] for i in order]
    assert second.summary == first.summary


def test_speakers_who_differ_are_judged_relative_to_themselves():
    labels = np.tile(range(CLASSES), 30)
    names = np.repeat(["anna", "ben", "cleo"], 40)
    voices = 2.5 * np.random.default_rng(3).standard_normal((3, SIZE))
    values = clips(labels) + np.repeat(voices, 40, axis=0).astype(np.float32)

    project = score_group(heads, make_model(), values, statistics="project")
    speaker = score_group(heads, make_model(), values, statistics="speaker", speakers=list(names))
    auto = score_group(heads, make_model(), values, statistics="auto", speakers=list(names))

    assert uar(labels, speaker.posteriors) > uar(labels, project.posteriors) + 0.1
    assert speaker.summary.statistics == "speaker"
    assert speaker.summary.words == "adapted to 120 clips of this project and 3 speakers"
    assert set(speaker.statistics) == {"speaker (40 clips)"}
    np.testing.assert_array_equal(auto.posteriors, speaker.posteriors)


def test_a_planted_speaker_of_one_emotion_is_found_and_spared():
    labels = np.array([0] * 20 + list(range(CLASSES)) * 15)
    speakers = ["sad"] * 20 + ["anna", "ben", "cleo"] * 20
    values = clips(labels)

    found = score_group(heads, make_model(), values, statistics="speaker", speakers=speakers)

    checks = {check.speaker: check for check in found.checks}
    assert checks["sad"].shows_one_emotion
    assert not checks["sad"].is_used
    assert all(checks[name].is_used for name in ("anna", "ben", "cleo"))
    assert list(found.summary.notices) == [
        (
            "Speaker sad probably shows one emotion in all 20 clips, "
            "so they are compared with the whole project."
        )
    ]
    assert found.statistics[0] == "project (80 clips)"
    assert found.statistics[20] == "speaker (20 clips)"
    assert (found.posteriors[:20].argmax(axis=1) == 0).mean() > 0.8
    trusted = make_model(least_speaker=0.0)  # what it guards from
    spoilt = score_group(heads, trusted, values, statistics="speaker", speakers=speakers)
    assert (spoilt.posteriors[:20].argmax(axis=1) == 0).mean() < 0.6


def test_where_most_speakers_show_one_emotion_none_is_used():
    labels = np.concatenate([np.repeat(range(CLASSES), 12), np.tile(range(CLASSES), 4)])
    speakers = list(np.repeat(["a", "b", "c", "d"], 12)) + ["mixed"] * 16
    values = clips(labels)

    for statistics in ("speaker", "auto"):
        found = score_group(heads, make_model(), values, statistics=statistics, speakers=speakers)

        assert not any(check.is_used for check in found.checks)
        assert found.summary.statistics == "project"
        assert list(found.summary.notices) == [
            (
                "4 of 5 speakers probably show one emotion each, "
                "so all clips are compared with the whole project."
            )
        ]
        project = score_group(heads, make_model(), values, statistics="project")
        np.testing.assert_array_equal(found.posteriors, project.posteriors)


def test_speakers_of_few_clips_and_unknown_ones_are_compared_with_the_project():
    labels = np.tile(range(CLASSES), 10)
    speakers = ["new"] * 3 + [""] * 5 + ["anna", "ben"] * 16

    found = score_group(heads, make_model(), clips(labels), statistics="auto", speakers=speakers)

    assert found.statistics[:8] == ["project (40 clips)"] * 8
    assert found.statistics[8] == "speaker (16 clips)"
    assert found.summary.notices == (
        "1 speaker has fewer than 4 clips to go by, so they are compared with the whole project.",
    )
    assert [(c.speaker, c.is_used) for c in found.checks] == [
        ("anna", True), ("ben", True), ("new", False),
    ]  # fmt: skip


def test_a_project_of_one_emotion_is_noticed(language):
    angry = clips([0] * 30, shift=0.1 * language)

    auto = score_group(heads, make_model(), angry, statistics="auto")
    forced = score_group(heads, make_model(), angry, statistics="project")

    assert auto.summary.statistics == "none"
    assert auto.summary.notices == (
        "The 30 clips of this project probably show one emotion, so each is judged by itself.",
    )
    assert (auto.posteriors.argmax(axis=1) == 0).mean() > 0.9
    assert list(forced.summary.notices) == [
        (
            "The 30 clips of this project probably show one emotion, "
            "which their common statistics take away."
        )
    ]


def test_a_skewed_mix_does_not_drag_the_middle_along(language):
    rng = np.random.default_rng(5)
    labels = np.concatenate([np.zeros(70, int), rng.integers(1, CLASSES, 30)])
    values = clips(labels, shift=0.2 * language)

    corrected, _ = project_statistics(heads, make_model(), values)

    middle = 0.2 * language
    plain = values.mean(axis=0)
    assert np.linalg.norm(corrected - middle) < 0.6 * np.linalg.norm(plain - middle)


def test_an_even_mix_is_left_as_it_is(language):
    values = clips(np.repeat(range(CLASSES), 250), shift=language)

    mean, deviation = project_statistics(heads, make_model(), values)

    np.testing.assert_allclose(mean, values.mean(axis=0), atol=0.03)
    np.testing.assert_allclose(deviation, values.std(axis=0), rtol=0.02)


def test_noise_in_the_project_does_not_move_its_middle():
    labels = np.repeat(range(CLASSES), 10)
    values = np.concatenate([clips(labels), np.full((20, SIZE), 9.0, np.float32)])
    counted = np.arange(60) < 40

    found = score_group(heads, make_model(), values, statistics="project", counted=counted)
    clean = score_group(heads, make_model(), values[:40], statistics="project")

    np.testing.assert_allclose(found.posteriors[:40], clean.posteriors, atol=1e-6)
    assert found.statistics[0] == "project (40 clips)"
    nothing = score_group(heads, make_model(), values, counted=np.zeros(60, bool))
    assert nothing.summary.statistics == "none"


@pytest.mark.parametrize("statistics", ["none", "project", "speaker", "auto"])
@pytest.mark.parametrize("propagate", [False, True])
def test_degenerate_groups_stay_finite(statistics, propagate):
    broken = clips([0, 1, 2])
    broken[1, 3] = np.nan
    for values in (clips([2]), np.repeat(clips([2]), 9, axis=0), clips([0, 1]), broken):
        whole = np.isfinite(values).all(axis=1)
        for model in (make_model(), untrained(values, CLASSES)):
            found = score_group(
                heads,
                model,
                values,
                statistics=statistics,
                speakers=["a"] * len(values),
                propagate=propagate,
            )
            assert np.isfinite(found.posteriors).all()
            np.testing.assert_allclose(found.posteriors[~whole], 1 / CLASSES)
            assert len(found.statistics) == len(values)


def test_temperatures_are_those_of_what_each_posterior_rests_on():
    labels = np.tile(range(CLASSES), 10)
    speakers = ["anna"] * 20 + [""] * 20
    values = clips(labels)
    model = make_model(
        temperatures={
            "project": 2.0, "speaker": 4.0, "project_propagated": 3.0, "speaker_propagated": 5.0,
        }
    )  # fmt: skip
    cool = score_group(heads, make_model(), values, statistics="speaker", speakers=speakers)

    warm = score_group(heads, model, values, statistics="speaker", speakers=speakers)

    for rows, temperature in ((slice(0, 20), 4.0), (slice(20, 40), 2.0)):
        expected = softmax(np.log(cool.posteriors[rows] + 1e-300) / temperature)
        np.testing.assert_allclose(warm.posteriors[rows], expected, atol=1e-3)


def test_propagation_helps_and_is_off_by_default():
    labels = np.repeat(range(CLASSES), 60)
    values = clips(labels)

    def short_sighted(functionals, mean, deviation):
        seen = functionals.copy()
        seen[:, 2:] = mean[2:]
        return heads(seen, mean, deviation)

    model = make_model(least_project=0.0)
    plain = score_group(short_sighted, model, values, statistics="project")
    shared = score_group(short_sighted, model, values, statistics="project", propagate=True)

    assert uar(labels, shared.posteriors) > uar(labels, plain.posteriors) + 0.05


def test_too_many_recordings_are_not_propagated(monkeypatch):
    monkeypatch.setattr("clser_engine.inference.groups.MOST", 10)
    values = clips(np.tile(range(CLASSES), 5))

    found = score_group(heads, make_model(), values, propagate=True)

    assert found.summary.notices == (
        "Similar recordings share nothing among more than 10 of them.",
    )
    np.testing.assert_array_equal(
        found.posteriors, score_group(heads, make_model(), values).posteriors
    )


def test_disagreement_is_the_divergence_between_recordings():
    sure = np.eye(CLASSES)
    assert disagreement(sure) == pytest.approx(np.log(4) * 4 / 3)
    assert disagreement(sure[[0, 0, 0]]) == pytest.approx(0, abs=1e-9)
    assert disagreement(np.full((5, CLASSES), 0.25)) == pytest.approx(0, abs=1e-9)
    pair = np.array([[0.9, 0.1], [0.3, 0.7]])
    middle = pair.mean(axis=0)
    divergence = np.mean([(p * np.log(p / middle)).sum() for p in pair])
    assert disagreement(pair) == pytest.approx(2 * divergence)


def test_small_leanings_are_taken_back_and_large_ones_believed():
    lean = np.tile([0.28, 0.24, 0.24, 0.24], (4000, 1))
    skewed = np.tile([0.70, 0.10, 0.10, 0.10], (4000, 1))

    np.testing.assert_allclose(evening(lean), np.log(0.25 / lean[0]), atol=1e-3)
    believed = skewed[0] * np.exp(evening(skewed))
    np.testing.assert_allclose(believed, [0.65, 0.35 / 3, 0.35 / 3, 0.35 / 3], atol=1e-3)
    assert np.abs(evening(lean[:1])).max() < np.abs(evening(lean)).max() / 5


def test_checks_name_each_speaker_once():
    posteriors = np.eye(CLASSES)[np.tile(range(CLASSES), 4)]

    checks = check_speakers(make_model(), posteriors, ["b", "a", "", "b"] * 4)

    assert [(check.speaker, check.clips) for check in checks] == [("a", 4), ("b", 8)]


def test_wrong_arguments_are_named():
    with pytest.raises(BadValueError) as raised:
        score_group(heads, make_model(), clips([0]), statistics="all")
    assert str(raised.value) == (
        "Bad statistics: got 'all', expected one of none, project, speaker or auto."
    )
    with pytest.raises(BadValueError) as raised:
        score_group(heads, make_model(), clips([0]), speakers=["a", "b"])
    assert str(raised.value) == ("Bad speakers: got 2 for 1 recordings, expected one for each.")
