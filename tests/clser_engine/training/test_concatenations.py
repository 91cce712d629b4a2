"""Tests of clser_engine.training.concatenations and noises."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from clser_engine.data.manifest import Utterance
from clser_engine.errors import BadValueError
from clser_engine.training.concatenations import (
    NOBODY,
    Concatenation,
    Span,
    compose,
    draw_clips,
    speech_bounds,
    speech_frames,
)
from clser_engine.training.noises import draw_sound, room_tone


def utterance(number, speaker, emotion):
    return Utterance(
        path=Path(f"{number}.wav"), corpus="c", language="qaa", speaker=speaker, emotion=emotion
    )


@pytest.fixture
def utterances():
    emotions = ("anger", "sadness", "neutral")
    return [utterance(i, f"s{i % 3}", emotions[i // 3 % 3]) for i in range(36)]


def tone(seconds, level=0.1):
    time = np.arange(round(seconds * 16_000)) / 16_000
    return (level * np.sin(2 * np.pi * 200 * time)).astype(np.float32)


def test_draws_are_two_to_four_clips_of_mostly_one_speaker(utterances):
    rng = np.random.default_rng(0)
    draws = [draw_clips(utterances, rng) for _ in range(300)]

    assert {len(draw) for draw in draws} == {2, 3, 4}
    assert all(len(set(draw)) == len(draw) for draw in draws)
    one_speaker = np.mean([len({utterances[i].speaker for i in draw}) == 1 for draw in draws])
    assert 0.8 < one_speaker < 0.95
    pairs = [(utterances[a], utterances[b]) for d in draws for a, b in pairwise(d)]
    same = np.mean([a.emotion == b.emotion for a, b in pairs])
    assert 0.02 < same < 0.15


def test_equal_seeds_draw_the_same(utterances):
    first, again = (draw_clips(utterances, np.random.default_rng(4)) for _ in range(2))

    assert first == again


def test_few_clips_are_used_up_and_fewer_than_two_are_named(utterances):
    for seed in range(10):
        assert sorted(draw_clips(utterances[:2], np.random.default_rng(seed))) == [0, 1]
    with pytest.raises(BadValueError) as raised:
        draw_clips(utterances[:1], np.random.default_rng(0))
    assert str(raised.value) == "Bad utterances: got 1, expected at least two."


@pytest.mark.parametrize("seed", range(12))
def test_a_concatenation_says_where_each_clip_is(seed):
    clips = [np.pad(tone(0.8 + 0.3 * i, 0.01 * 10**i), 4000) for i in range(3)]

    made = compose(clips, [2, 0, 1], np.random.default_rng(seed))

    assert [span.label for span in made.spans] == [2, 0, 1]
    starts, ends = [s.start for s in made.spans], [s.end for s in made.spans]
    assert all(a <= b for a, b in zip(ends[:-1], starts[1:], strict=True))
    assert starts[0] >= 0
    assert ends[-1] <= len(made.samples)
    for span, clip in zip(made.spans, clips, strict=True):
        assert span.end - span.start == pytest.approx(len(clip) - 8000, abs=1600)
    # The clips are much louder than the room tone, and levelled to within some dB of each other.
    levels = [20 * np.log10(made.samples[s.start + 800 : s.end - 800].std()) for s in made.spans]
    assert max(levels) - min(levels) < 9
    outside = np.ones(len(made.samples), bool)
    for span in made.spans:
        outside[max(0, span.start - 1600) : span.end + 1600] = False
    if outside.any():
        assert 20 * np.log10(made.samples[outside].std()) < min(levels) - 25


def test_steps_have_the_class_of_their_span():
    made = Concatenation(
        samples=np.zeros(6400, np.float32),
        spans=(Span(start=640, end=1920, label=3), Span(start=1920, end=3300, label=1)),
        speech=np.zeros(10, bool),
    )

    assert made.step_labels().tolist() == [NOBODY, 3, 3, 1, 1, *[NOBODY] * 5]


def test_speech_is_where_the_clip_is_loud_with_the_dips_between_words():
    samples = np.concatenate(
        [np.zeros(3200), tone(0.2), np.zeros(1600), tone(0.2), np.zeros(8000), tone(0.1)]
    ).astype(np.float32)

    found = speech_frames(samples)

    assert found.astype(int).tolist() == [0] * 10 + [1] * 25 + [0] * 25 + [1] * 5
    assert speech_bounds(samples) == (3200, len(samples))
    assert speech_bounds(samples[:100]) == (0, 100)


def test_speech_steps_are_where_somebody_speaks():
    for seed in range(6):
        made = compose([tone(1.0), tone(1.5)], [0, 1], np.random.default_rng(seed))
        spoken = made.step_labels() != NOBODY

        assert len(made.speech) == len(spoken)
        assert (made.speech == spoken).mean() > 0.93


def test_sounds_have_full_scale_power_and_differ():
    rng = np.random.default_rng(0)
    voices = [tone(0.5), tone(0.7)]
    made = [draw_sound(12_000, rng, voices) for _ in range(40)]

    for samples in made:
        assert samples.dtype == np.float32
        assert samples.shape == (12_000,)
        assert np.sqrt((samples**2).mean()) == pytest.approx(1, rel=0.01)
    assert len({samples.tobytes() for samples in made}) == 40
    again = draw_sound(12_000, np.random.default_rng(0), voices)
    np.testing.assert_array_equal(made[0], again)


def test_a_room_has_its_level():
    for seed in range(4):
        tone_of_room = room_tone(16_000, -40.0, np.random.default_rng(seed))

        assert 10 * np.log10((tone_of_room**2).mean()) == pytest.approx(-40, abs=0.01)
