"""Tests of clser_engine.inference.smoothing."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from clser_engine.bundle import find_bundle, load_card
from clser_engine.errors import BadValueError, BundleError
from clser_engine.inference.smoothing import (
    FixedLagSmoother,
    Smoothing,
    centred,
    find_speech,
    read_smoothing,
    smooth,
    to_segments,
)
from clser_engine.types import EmotionSegment

SMOOTHING = Smoothing(stay=0.9, trust=0.4, lag_s=0.2)


@pytest.fixture
def frames():
    rng = np.random.default_rng(3)
    return rng.dirichlet(np.ones(3), 7).astype(np.float32), rng.random(7, dtype=np.float32)


def smoothed_by_hand(values, stay, power):
    """Sum over every path of states, as the definition of a hidden Markov model has it."""
    total = np.zeros(values.shape)
    for path in product(range(values.shape[1]), repeat=len(values)):
        weight = 1.0
        for frame, state in enumerate(path):
            weight *= float(values[frame, state]) ** power[frame]
            if frame:
                same = state == path[frame - 1]
                weight *= stay if same else (1 - stay) / (values.shape[1] - 1)
        for frame, state in enumerate(path):
            total[frame, state] += weight
    return total / total.sum(axis=1, keepdims=True)


def test_smoothing_equals_the_sum_over_all_paths(frames):
    values, speech = frames

    np.testing.assert_allclose(
        smooth(values, SMOOTHING), smoothed_by_hand(values, 0.9, np.full(7, 0.4)), rtol=1e-5
    )
    np.testing.assert_allclose(
        smooth(values, SMOOTHING, speech), smoothed_by_hand(values, 0.9, 0.4 * speech), rtol=1e-5
    )


def test_a_fixed_lag_is_smoothing_of_what_was_heard_until_then(frames):
    values, speech = frames
    smoother = FixedLagSmoother(SMOOTHING, 3, 10.0)  # 0.2 s are 2 frames

    found = np.concatenate(
        [smoother.push(values[:3], speech[:3]), smoother.push(values[3:], speech[3:])]
    )

    assert len(found) == 5
    for frame in range(5):
        heard = slice(0, frame + 3)
        expected = smooth(values[heard], SMOOTHING, speech[heard])[frame]
        np.testing.assert_allclose(found[frame], expected, rtol=1e-5)
    np.testing.assert_allclose(smoother.flush(), smooth(values, SMOOTHING, speech)[5:], rtol=1e-5)


def test_a_flush_begins_a_new_recording(frames):
    values, speech = frames
    smoother = FixedLagSmoother(SMOOTHING, 3, 10.0)

    first, second = (
        np.concatenate([smoother.push(values, speech), smoother.flush()]) for _ in range(2)
    )

    np.testing.assert_array_equal(first, second)
    assert len(first) == 7


def test_without_a_lag_there_is_nothing_to_wait_for(frames):
    smoother = FixedLagSmoother(replace(SMOOTHING, lag_s=0.0), 3, 10.0)

    assert len(smoother.push(frames[0])) == 7
    assert len(smoother.flush()) == 0


@pytest.mark.parametrize("num_frames", [0, 1])
def test_the_shortest_recordings_can_be_smoothed(num_frames):
    values = np.full((num_frames, 3), 1 / 3, np.float32)

    np.testing.assert_allclose(smooth(values, SMOOTHING), values, rtol=1e-6)


def test_a_flicker_goes_and_a_change_stays():
    certain = np.full((60, 2), 0.1, np.float32)
    certain[:30, 0] = certain[30:, 1] = 0.9
    certain[10] = 0.1, 0.9  # one frame of the other class

    labels = smooth(certain, Smoothing(stay=0.98, trust=0.5)).argmax(axis=1)

    assert (labels[:30] == 0).all()
    assert (labels[30:] == 1).all()


def test_where_nobody_speaks_the_past_and_future_decide():
    values = np.tile(np.float32([0.2, 0.8]), (30, 1))
    values[10:20] = 0.99, 0.01
    speech = np.ones(30, np.float32)
    speech[10:20] = 0.0

    labels = smooth(values, Smoothing(stay=0.98, trust=0.5), speech).argmax(axis=1)

    assert (labels == 1).all()


def test_centring_takes_off_a_share_of_the_mean(frames):
    values, speech = frames
    logs = np.log(values.astype(float))

    found = centred(values, replace(SMOOTHING, centring=0.5), speech)

    mean = sum(logs[t] * speech[t] for t in range(7)) / speech.sum()
    trust = 0.5 * speech.sum() / (speech.sum() + 25)
    np.testing.assert_allclose(found, logs - trust * (mean - mean.mean()), rtol=1e-5)
    np.testing.assert_allclose(centred(values, SMOOTHING, speech), logs)
    np.testing.assert_allclose(centred(values, replace(SMOOTHING, centring=0.5), 0 * speech), logs)


def test_blips_and_short_pauses_go():
    smoothing = Smoothing(shortest_pause_s=0.3, shortest_speech_s=0.2, speech_threshold=0.5)
    speech = np.float32([0, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0.5, 0.6])

    found = find_speech(speech, 10.0, smoothing)

    # The single 1 is a blip; the gap of 2 frames closes; that of 3 does not; edges stay.
    assert found.astype(int).tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1]


def test_labels_become_runs():
    assert to_segments(np.array([], int), ("x",), 10.0, 0.0) == ()
    assert to_segments(np.array([-1, 0, 0, -1]), ("x",), 10.0, 0.4) == (
        EmotionSegment(start_s=0.1, end_s=0.3, emotion="x"),
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"stay": 1.0}, "Bad stay: got 1.0, expected a number between 0.5 and 1."),
        ({"trust": 0.0}, "Bad trust: got 0.0, expected a number between 0 and 1."),
        (
            {"speech_threshold": 1.0},
            "Bad speech_threshold: got 1.0, expected a number between 0 and 1.",
        ),
        ({"centring": 1.5}, "Bad centring: got 1.5, expected 0 to 1."),
        ({"phrase_weight": -0.1}, "Bad phrase_weight: got -0.1, expected 0 to 1."),
        ({"delay_s": 61.0}, "Bad delay_s: got 61.0, expected 0 to 60 seconds."),
        ({"lag_s": -1.0}, "Bad lag_s: got -1.0, expected 0 to 60 seconds."),
    ],
)
def test_bad_settings_are_named(change, sentence):
    with pytest.raises(BadValueError) as raised:
        Smoothing(**change)

    assert str(raised.value) == sentence


def test_a_card_holds_the_settings_and_declares_the_lag():
    card = load_card(find_bundle("default"))
    entries = replace(SMOOTHING, lag_s=0.52).to_card()

    assert entries["smoothing_lag_ms"] == 520
    assert read_smoothing(replace(card, values=entries)) == replace(SMOOTHING, lag_s=0.52)
    assert read_smoothing(replace(card, values={})) == Smoothing()
    for damaged in ({"stay": 3.0}, {"stays": 0.9}, 7):
        with pytest.raises(BundleError) as raised:
            read_smoothing(replace(card, values={"smoothing": damaged}))
        assert str(raised.value) == (
            f"{card.folder} has no usable 'smoothing' in its card; install the model again."
        )
