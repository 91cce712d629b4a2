import numpy as np
import pytest

from clser_engine.audio.features import SAMPLE_RATE_HZ
from clser_engine.inference.familiarity import STRANGE
from clser_engine.training.damage import DAMAGES, damage
from clser_engine.training.familiarity import KEPT, SoundExamples, fit_familiarity
from clser_engine.training.non_speech import HELD_BACK, TAUGHT, make_noises

SIZE = 10


def examples(corpora=("a", "b", "c")):
    rng = np.random.default_rng(0)
    names = np.repeat(corpora, 200)
    shift = {name: 0.5 * rng.standard_normal(SIZE) for name in corpora}
    speech = rng.standard_normal((len(names), SIZE)) + [shift[name] for name in names]
    damaged = speech[::5] + 0.5 * rng.standard_normal((len(names) // 5, SIZE))
    # Stranger on both sides, which no linear score could tell.
    strange = rng.choice([-4.0, 4.0], (150, SIZE)) + rng.standard_normal((150, SIZE))
    return SoundExamples(
        speech=speech.astype(np.float32),
        speech_corpora=list(names),
        damaged=damaged.astype(np.float32),
        damaged_corpora=list(names[::5]),
        non_speech=strange.astype(np.float32),
    )


def test_speech_of_corpora_left_out_stays_known_and_noise_does_not():
    made = examples()

    familiarity, report = fit_familiarity(made)

    kept = (report["known_speech"] + report["known_damaged_speech"]) / 2
    assert kept == pytest.approx(100 * KEPT, abs=1)
    assert report["known_speech"] > 95
    assert report["known_noises"] < 2
    assert (familiarity.scores(made.non_speech) > STRANGE).mean() > 0.98
    assert (familiarity.scores(made.speech) <= STRANGE).mean() > 0.9


def test_one_corpus_has_nothing_to_leave_out():
    familiarity, report = fit_familiarity(examples(("a",)))

    assert report == {}
    assert np.isfinite(familiarity.scores(examples(("a",)).speech)).all()


def test_sounds_are_the_same_each_time_and_fit_for_a_recording():
    for kinds in (TAUGHT, HELD_BACK):
        first, again = make_noises(kinds, 3, seed=4), make_noises(kinds, 3, seed=4)
        other = make_noises(kinds, 1, seed=5)
        assert list(first) == list(kinds)
        for name, made in first.items():
            assert len(made) == 3
            for samples, same in zip(made, again[name], strict=True):
                np.testing.assert_array_equal(samples, same)
                assert samples.dtype == np.float32
                assert np.isfinite(samples).all()
                assert SAMPLE_RATE_HZ <= len(samples) <= 6 * SAMPLE_RATE_HZ
                assert np.abs(samples).max() <= 1
            if name != "silence":
                assert not np.array_equal(made[0][:100], other[name][0][:100])
    assert not set(TAUGHT) & set(HELD_BACK)


def test_damage_keeps_the_length_and_does_what_its_name_says():
    rng = np.random.default_rng(0)
    speech = (0.3 * rng.standard_normal(16_000)).astype(np.float32)
    made = {name: damage(name, speech, rng) for name in DAMAGES}

    for samples in made.values():
        assert samples.shape == speech.shape
        assert samples.dtype == np.float32
        assert np.isfinite(samples).all()

    def share(samples, low, high):
        power = np.abs(np.fft.rfft(samples)) ** 2
        return power[low:high].sum() / power.sum()  # one bin is one hertz

    assert share(made["telephone"], 250, 3800) > 0.98
    assert share(made["narrow band"], 0, 4400) > 0.98
    assert np.abs(made["clipping"]).max() < 0.7 * np.abs(speech).max()
    assert np.abs(made["quiet"]).max() < 0.05
    for name in ("white noise", "pink noise"):
        noise = made[name] - speech
        assert 9.5 < 10 * np.log10((speech**2).mean() / (noise**2).mean()) < 30.5
    assert np.abs(made["room"] - speech).max() > 0.05
    assert (damage("telephone", np.zeros(100, np.float32), rng) == 0).all()
