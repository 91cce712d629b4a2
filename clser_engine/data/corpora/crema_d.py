"""CREMA-D, American English, acted.

Layout: `AudioWAV/1001_DFA_ANG_XX.wav` = actor, sentence, emotion, level (LO, MD, HI, XX where none
was asked for). Documented in the README of https://github.com/CheyneyComputerScience/CREMA-D and
in Cao et al., "CREMA-D: Crowd-sourced Emotional Multimodal Actors Dataset", IEEE TAC 2014; the
sexes of the actors are in its VideoDemographics.csv.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, named

_NAME = re.compile(r"(1\d{3})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX|X)")
_EMOTIONS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
_LEVELS = {"LO": "low", "MD": "medium", "HI": "high"}
_WOMEN = (
    "1002 1003 1004 1006 1007 1008 1009 1010 1012 1013 1018 1020 1021 1024 1025 1028 1029 1030 "
    "1037 1043 1046 1047 1049 1052 1053 1054 1055 1056 1058 1060 1061 1063 1072 1073 1074 1075 "
    "1076 1078 1079 1082 1084 1089 1091"
)
_TEXTS = {
    "DFA": "Don't forget a jacket.",
    "IEO": "It's eleven o'clock.",
    "IOM": "I'm on my way to the meeting.",
    "ITH": "I think I have a doctor's appointment.",
    "ITS": "I think I've seen this before.",
    "IWL": "I would like a new alarm clock.",
    "IWW": "I wonder what this is about.",
    "MTI": "Maybe tomorrow it will be cold.",
    "TAI": "The airplane is almost full.",
    "TIE": "That is exactly what happened.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}


def _describe(path: Path) -> Clip | None:
    if (match := _NAME.fullmatch(path.stem)) is None:
        return None
    actor, sentence, emotion, level = match.groups()
    return Clip(
        speaker=actor,
        emotion_original=_EMOTIONS[emotion],
        gender="female" if actor in _WOMEN.split() else "male",
        intensity=_LEVELS.get(level, ""),
        sentence_id=sentence,
        transcript=_TEXTS.get(sentence, ""),
    )


CORPUS = Corpus(
    name="crema_d",
    title="CREMA-D",
    languages=("eng",),
    kind="acted, 12 sentences, 91 speakers",
    licence="Open Database License 1.0, contents under the Database Contents License 1.0",
    source="https://github.com/CheyneyComputerScience/CREMA-D",
    traps="Levels exist for one sentence (IEO) only. No surprise. The label is what the actor was "
    "asked for; listeners agree with it in about 4 of 10 clips by voice alone. "
    "1076_MTI_SAD_XX holds no speech. The same clips are there as MP3 and film.",
    emotions={
        "anger": "anger",
        "disgust": "disgust",
        "fear": "fear",
        "happy": "happiness",
        "neutral": "neutral",
        "sad": "sadness",
    },
    example="AudioWAV/1001_DFA_ANG_XX.wav",
    open_layout=named(_describe),
)
