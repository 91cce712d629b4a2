"""Emotion classes and the two answers that are not emotions.

A label's `answer` is an emotion name or one of `NONE_OF_THESE` and `UNSURE`: both are answers
of the person and are stored, but neither ever trains a class.
"""

from dataclasses import dataclass

from clser_engine.errors import BadValueError

NONE_OF_THESE = "none_of_these"
UNSURE = "unsure"
SPECIAL_ANSWERS = (NONE_OF_THESE, UNSURE)

SHARED_FOUR = ("anger", "happiness", "sadness", "neutral")
"""The four classes that every corpus of the default model has, in the order of its outputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emotion:
    """One emotion class: its name in files, one letter and a colour to tell it apart by.

    Args:
        name: Lower-case name used in files and models, for example `anger`.
        letter: One character drawn wherever the colour is, so that colour is never alone.
        colour: `#rrggbb`, after Okabe and Ito for the usual classes.
        key: The digit that labels it, `1` to `9`.
    """

    name: str
    letter: str
    colour: str
    key: str


USUAL_EMOTIONS = (
    Emotion(name="anger", letter="A", colour="#D55E00", key="1"),
    Emotion(name="happiness", letter="H", colour="#E69F00", key="2"),
    Emotion(name="sadness", letter="S", colour="#0072B2", key="3"),
    Emotion(name="neutral", letter="N", colour="#8A8A8A", key="4"),
    Emotion(name="fear", letter="F", colour="#CC79A7", key="5"),
    Emotion(name="disgust", letter="D", colour="#009E73", key="6"),
    Emotion(name="surprise", letter="P", colour="#56B4E9", key="7"),
)


def usual_emotion(name: str) -> Emotion:
    """Return the usual emotion of that name.

    Raises:
        BadValueError: If the name is none of the usual emotions.
    """
    for emotion in USUAL_EMOTIONS:
        if emotion.name == name:
            return emotion
    known = ", ".join(emotion.name for emotion in USUAL_EMOTIONS)
    raise BadValueError(f"Bad emotion: got {name!r}, expected one of {known}.")
