"""MESD, single words of Mexican Spanish, acted.

Layout: `Anger_F_A_abajo.wav` = emotion, voice (F female, M male, C child), corpus of words, word.
Documented at https://doi.org/10.17632/cy34mh68j9 and in Duville et al., "Mexican Emotional Speech
Database Based on Semantic, Frequency, Familiarity, Concreteness, and Cultural Shaping of Affective
Prosody", Data 6(12), 2021.

Licence: as listed for that DOI in "Speech Emotion Recognition (SER) Datasets",
https://superkogito.github.io/SER-datasets.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, named

_NAME = re.compile(
    r"(Anger|Disgust|Fear|Happiness|Neutral|Sadness)_([FMC])_([AB])_(.+)", re.IGNORECASE
)
_VOICES = {"F": "female adults", "M": "male adults", "C": "children"}
_GENDERS = {"F": "female", "M": "male", "C": ""}


def _describe(path: Path) -> Clip | None:
    if (match := _NAME.fullmatch(path.stem)) is None:
        return None
    emotion, voice, words, word = match.groups()
    text = word.replace("_", " ").strip().lower()
    return Clip(
        speaker=_VOICES[voice.upper()],
        emotion_original=emotion.capitalize(),
        gender=_GENDERS[voice.upper()],
        sentence_id=f"{words.upper()}-{text}",
        transcript=text,
        extra={"voice": "child" if voice.upper() == "C" else "adult"},
    )


CORPUS = Corpus(
    name="mesd",
    title="MESD",
    languages=("spa",),
    kind="acted, single words, 11 speakers",
    licence="CC BY 4.0 (Mendeley Data)",
    source="https://doi.org/10.17632/cy34mh68j9",
    traps="The names do not tell the 11 speakers apart, so clips of one kind of voice (women, men, "
    "children) are kept together as one speaker: statistics by speaker mix people. Words of the "
    "corpus B belong to one emotion. Clips of under a second.",
    emotions={
        "Anger": "anger",
        "Disgust": "disgust",
        "Fear": "fear",
        "Happiness": "happiness",
        "Neutral": "neutral",
        "Sadness": "sadness",
    },
    example="Anger_F_A_abajo.wav",
    open_layout=named(_describe),
)
