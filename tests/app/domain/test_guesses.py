"""Tests of app.domain.guesses."""

from dataclasses import replace

import numpy as np
import pytest

from app.domain.clips import Clip, Guess
from app.domain.guesses import (
    count_changed,
    is_answered,
    looks_the_same,
    new_guess,
    speaker_names,
)
from app.domain.labels import Label, Origin
from clser_engine.types import UtterancePosterior

GUESS = Guess(
    clip_id="a", emotion="anger", confidence=0.6, model="m@1", statistics="project (3 clips)"
)


def test_a_guess_keeps_all_that_the_model_says():
    utterance = UtterancePosterior(
        emotion="sadness",
        posterior=np.array([0.2, 0.8], np.float32),
        confidence=0.8,
        statistics="speaker (4 clips)",
        is_known=False,
        notice="It is unlike anything that the model was trained on.",
    )

    assert new_guess("a", "m@1", utterance) == Guess(
        clip_id="a",
        emotion="sadness",
        confidence=0.8,
        model="m@1",
        statistics="speaker (4 clips)",
        is_known=False,
        notice="It is unlike anything that the model was trained on.",
    )


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"confidence": 0.6004}, True),
        ({"confidence": 0.61}, False),
        ({"emotion": "sadness"}, False),
        ({"model": "m@2"}, False),
        ({"notice": "It is noisy."}, False),
        ({"is_known": False}, False),
        ({"statistics": "project (4 clips)"}, True),
        ({"statistics": "speaker (3 clips)"}, False),
        ({"statistics": "none"}, False),
    ],
)
def test_only_what_a_person_could_see_is_news(change, same):
    assert looks_the_same(GUESS, replace(GUESS, **change)) == same


def test_the_first_guess_is_always_news():
    assert not looks_the_same(None, GUESS)


def test_what_is_not_known_looks_the_same_whatever_the_emotion_behind_it():
    unknown = replace(GUESS, is_known=False)

    assert looks_the_same(unknown, replace(unknown, emotion="sadness"))


@pytest.mark.parametrize(("suggested_by", "answered"), [("m@1", True), ("", False)])
def test_only_an_answer_to_a_suggestion_holds_it(suggested_by, answered):
    label = Label(
        label_id="l",
        clip_id="a",
        answer="anger",
        origin=Origin.HAND,
        annotator="me",
        created_at="",
        suggested_by=suggested_by,
    )

    assert is_answered([label]) == answered
    assert not is_answered([])


def test_a_speaker_is_one_of_a_language_where_names_would_meet():
    clips = [
        Clip(clip_id="a", path="/a", language="de", speaker="03"),
        Clip(clip_id="b", path="/b", language="it", speaker="03"),
        Clip(clip_id="c", path="/c", language="it", speaker="f1"),
        Clip(clip_id="d", path="/d", speaker="03"),
        Clip(clip_id="e", path="/e", language="de"),
        Clip(clip_id="f", path="/f", language="it"),
    ]

    assert speaker_names(clips) == {
        "a": "03 (de)",
        "b": "03 (it)",
        "c": "f1",
        "d": "03 (no language)",
        "e": "",
        "f": "",
    }


def test_a_change_of_confidence_alone_is_no_changed_suggestion():
    before = {"a": GUESS, "b": replace(GUESS, clip_id="b")}
    after = [
        replace(GUESS, confidence=0.9),
        replace(GUESS, clip_id="b", emotion="sadness"),
        replace(GUESS, clip_id="new"),
    ]

    assert count_changed(before, after) == 1
