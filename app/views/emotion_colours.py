"""Colour and letter of an answer: of the project's emotions, else the usual ones, else neutral."""

from collections.abc import Sequence

from PySide6.QtGui import QColor

from clser_engine.labels import NONE_OF_THESE, UNSURE, USUAL_EMOTIONS, Emotion

OTHER_COLOUR = "#A0A0A0"
SPECIAL_LETTERS = {NONE_OF_THESE: "X", UNSURE: "?"}
SPECIAL_WORDS = {NONE_OF_THESE: "none of these", UNSURE: "unsure"}


def emotion_of(answer: str, emotions: Sequence[Emotion]) -> Emotion | None:
    """Return the emotion of that name, None for what is no emotion or unknown."""
    for emotion in (*emotions, *USUAL_EMOTIONS):
        if emotion.name == answer:
            return emotion
    return None


def colour_of(answer: str, emotions: Sequence[Emotion]) -> QColor:
    """Return the colour of an answer or class."""
    emotion = emotion_of(answer, emotions)
    return QColor(OTHER_COLOUR if emotion is None else emotion.colour)


def letter_of(answer: str, emotions: Sequence[Emotion]) -> str:
    """Return the letter of an answer or class."""
    emotion = emotion_of(answer, emotions)
    if emotion is not None:
        return emotion.letter
    return SPECIAL_LETTERS.get(answer, answer[:1].upper() or "?")


def words_of(answer: str) -> str:
    """Return an answer as people read it."""
    return SPECIAL_WORDS.get(answer, answer.replace("_", " "))
