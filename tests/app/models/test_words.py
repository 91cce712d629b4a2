"""Tests of app.models.words."""

import pytest

from app.models.words import answer_in_words, length_in_words, percent_in_words, time_in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0.0, "0.0 s"),
        (3.24, "3.2 s"),
        (59.94, "59.9 s"),
        (59.96, "1:00"),
        (3599.6, "1:00:00"),
        (3723.0, "1:02:03"),
    ],
)
def test_a_length_is_short(seconds, words):
    assert length_in_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0:00.00"),
        (3.214, "0:03.21"),
        (59.999, "1:00.00"),
        (3723.5, "1:02:03.50"),
        (-1, "0:00.00"),
    ],
)
def test_a_time_has_hundredths(seconds, words):
    assert time_in_words(seconds) == words


def test_nothing_is_shown_as_certain():
    assert percent_in_words(0.999) == "99 %"
    assert percent_in_words(0.915) == "92 %"


def test_answers_that_are_not_emotions_have_words():
    assert answer_in_words("none_of_these") == "none of these"
    assert answer_in_words("anger") == "anger"
