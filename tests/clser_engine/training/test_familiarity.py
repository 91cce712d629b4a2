import numpy as np
import pytest

from clser_engine.audio.features import SAMPLE_RATE_HZ
from clser_engine.data.manifest import read_manifest
from clser_engine.inference.familiarity import STRANGE
from clser_engine.runtime import RunContext
from clser_engine.training.damage import DAMAGES, damage
from clser_engine.training.familiarity import (
    KEPT,
    KEPT_OF_EACH,
    SoundExamples,
    fit_familiarity,
    make_examples,
)
from clser_engine.training.non_speech import HELD_BACK, TAUGHT, make_noises

SIZE = 10


EMOTIONS = ("anger", "sadness")


def examples(corpora=("a", "b", "c"), sad_shift=0.0, sad_each=100):
    """Speech of two emotions around 0, one of them further off and rarer if so wished."""
    rng = np.random.default_rng(0)
    rows = [
        (corpus, emotion, altered)
        for corpus in corpora
        for altered in (False, True)
        for emotion in EMOTIONS
        for _ in range(sad_each if emotion == "sadness" else 100)
    ]
    names, emotions, altered = (list(column) for column in zip(*rows, strict=True))
    shift = {name: 0.5 * rng.standard_normal(SIZE) for name in corpora}
    speech = rng.standard_normal((len(rows), SIZE)) + [shift[name] for name in names]
    speech[np.array(emotions) == "sadness"] += sad_shift
    # Stranger on both sides, which no linear score could tell.
    strange = rng.choice([-4.0, 4.0], (150, SIZE)) + rng.standard_normal((150, SIZE))
    return SoundExamples(
        speech=speech.astype(np.float32),
        corpora=names,
        emotions=emotions,
        altered=np.array(altered),
        non_speech=strange.astype(np.float32),
    )


def test_speech_of_corpora_left_out_stays_known_and_noise_does_not():
    made = examples()

    familiarity, report = fit_familiarity(made)

    kept = (report["known_speech"] + report["known_damaged_speech"]) / 2
    assert kept == pytest.approx(100 * KEPT, abs=0.5)
    assert report["known_noises"] < 2
    assert (familiarity.scores(made.non_speech) > STRANGE).mean() > 0.98
    assert (familiarity.scores(made.speech) <= STRANGE).mean() > 0.95


def test_an_emotion_does_not_pay_for_being_rare_or_unlike_the_others():
    made = examples(sad_shift=1.5, sad_each=8)

    familiarity, report = fit_familiarity(made)

    scores = familiarity.scores(made.speech)
    sad = np.array(made.emotions) == "sadness"
    assert (scores[sad] <= STRANGE).mean() > 0.95
    assert report["known_speech_of_worst_emotion"] > 80
    assert (familiarity.scores(made.non_speech) > STRANGE).mean() > 0.95


def test_no_emotion_of_a_corpus_left_out_is_lost_for_the_sake_of_the_others():
    made = examples()
    odd = (np.array(made.corpora) == "c") & (np.array(made.emotions) == "sadness") & ~made.altered
    made.speech[odd] *= 8  # stranger than what is none

    _, report = fit_familiarity(made)

    assert report["known_speech_of_worst_emotion"] >= 100 * KEPT_OF_EACH
    assert report["known_noises"] > 90  # which is the price


def test_each_emotion_of_each_corpus_weighs_the_same():
    made = examples(sad_each=8)

    weights, cells = made.weights(), np.array(made.cells())

    assert weights.sum() == pytest.approx(1)
    assert len(set(cells)) == 12
    for cell in set(cells):
        assert weights[cells == cell].sum() == pytest.approx(1 / 12)


def test_one_corpus_has_nothing_to_leave_out():
    familiarity, report = fit_familiarity(examples(("a",)))

    assert report == {}
    assert np.isfinite(familiarity.scores(examples(("a",)).speech)).all()


def test_examples_are_the_training_speech_then_altered_copies_and_sounds(toy_corpora):
    utterances = [
        u for name in ("one", "two") for u in read_manifest(toy_corpora / name / "manifest.csv")
    ]
    given = np.full((len(utterances), 2), 7, np.float32)
    heard = []

    def embed(samples):
        heard.append(samples)
        return np.array([np.abs(samples).max(), len(samples)], np.float32)

    made = make_examples(embed, utterances, given, 40, 0, RunContext(), altered=[given + 1])

    copies = 2 * 3 * len(DAMAGES)  # three of each kind from either corpus are 40 or more
    count = len(utterances)
    assert made.altered.tolist() == [False] * count + [True] * (count + copies)
    assert (made.speech[~made.altered] == 7).all()
    assert (made.speech[count : 2 * count] == 8).all()
    assert made.corpora[: 2 * count] == [u.corpus for u in utterances] * 2
    assert made.corpora[2 * count :] == ["one"] * (copies // 2) + ["two"] * (copies // 2)
    assert made.emotions[: 2 * count] == [u.emotion for u in utterances] * 2
    assert len(made.emotions) == len(made.speech)
    assert len(made.non_speech) == 40
    assert all(samples.dtype == np.float32 and np.isfinite(samples).all() for samples in heard)
    levels = [np.abs(samples).max() for samples in heard[:copies]]
    assert min(levels) < 0.1
    assert 0.5 < max(levels) <= 1  # neither class is louder than the other
    assert max(np.abs(samples).max() for samples in heard[copies:]) <= 1


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
        assert 2.5 < 10 * np.log10((speech**2).mean() / (noise**2).mean()) < 30.5
    assert np.abs(made["room"] - speech).max() > 0.05
    assert (made["breath"] ** 2).mean() < 1.1 * (speech**2).mean()
    assert (damage("telephone", np.zeros(100, np.float32), rng) == 0).all()


def test_breath_keeps_the_spectrum_and_takes_the_voice():
    time = np.arange(16_000) / 16_000
    voice = sum(np.sin(2 * np.pi * 125 * k * time) / k for k in range(1, 20)) * 0.1

    class AllBreath:
        """Random numbers, but a whisper rather than a share of it."""

        def standard_normal(self, size):
            return np.random.default_rng(0).standard_normal(size)

        def uniform(self, low, high):
            return high

    whisper = damage("breath", voice.astype(np.float32), AllBreath())

    def periodicity(samples):
        return np.corrcoef(samples[2000:-128], samples[2128:])[0, 1]  # one period is 128

    assert periodicity(voice) > 0.95
    assert abs(periodicity(whisper)) < 0.5
    for low, high in ((0, 500), (500, 1500), (1500, 2500)):
        louder = [
            10 * np.log10((np.abs(np.fft.rfft(s))[low:high] ** 2).sum()) for s in (voice, whisper)
        ]
        assert louder[1] == pytest.approx(louder[0], abs=5)
