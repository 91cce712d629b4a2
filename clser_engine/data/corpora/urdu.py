"""URDU, clips of Urdu talk shows.

Layout: `Angry/SM1_F1_A01.wav` = speaker (SM male, SF female), file of the speaker, emotion letter
and number. Documented in the README of https://github.com/siddiquelatif/URDU-Dataset and in Latif
et al., "Cross Lingual Speech Emotion Recognition: Urdu vs. Western Languages", FIT 2018.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, named

_NAME = re.compile(r"(S([MF])\d+)_F\d+_([AHNS])\d+", re.IGNORECASE)
_EMOTIONS = {"A": "Angry", "H": "Happy", "N": "Neutral", "S": "Sad"}


def _describe(path: Path) -> Clip | None:
    if (match := _NAME.fullmatch(path.stem)) is None:
        return None
    speaker, gender, emotion = (group.upper() for group in match.groups())
    return Clip(
        speaker=speaker,
        emotion_original=_EMOTIONS[emotion],
        gender="female" if gender == "F" else "male",
    )


CORPUS = Corpus(
    name="urdu",
    title="URDU",
    languages=("urd",),
    kind="talk shows, 29 speakers",
    licence=(
        'research use only (repository README: "Anyone can use this data only for research '
        'purposes"; clips cut from YouTube talk shows)'
    ),
    source="https://github.com/siddiquelatif/URDU-Dataset",
    traps="26 of 29 speakers are there in one emotion only, so the voice gives the emotion away "
    "and statistics by speaker erase it. No texts.",
    emotions={"Angry": "anger", "Happy": "happiness", "Neutral": "neutral", "Sad": "sadness"},
    example="Angry/SM1_F1_A01.wav",
    open_layout=named(_describe),
)
