"""RAVDESS, North American English, acted speech.

Layout: `Actor_01/03-01-01-01-01-01-01.wav` = modality (01 audio and video, 02 video only, 03 audio
only), channel (01 speech, 02 song), emotion, intensity, statement, repetition, actor (odd: male).
Documented at https://zenodo.org/records/1188976 and in Livingstone and Russo, PLoS ONE 13(5), 2018.
Songs and files without sound are passed over; a film of a recording that is there as audio too
counts as its copy.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, named

_NAME = re.compile(r"0[13]-01-0([1-8])-0([12])-0([12])-0([12])-(\d\d)")
_EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
_TEXTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}


def _describe(path: Path) -> Clip | None:
    if (match := _NAME.fullmatch(path.stem)) is None:
        return None
    emotion, intensity, statement, _, actor = match.groups()
    return Clip(
        speaker=actor,
        emotion_original=_EMOTIONS[int(emotion) - 1],
        gender="male" if int(actor) % 2 else "female",
        intensity="normal" if intensity == "1" else "strong",
        sentence_id=f"0{statement}",
        transcript=_TEXTS[f"0{statement}"],
        identity=path.stem[3:],
    )


CORPUS = Corpus(
    name="ravdess",
    title="RAVDESS",
    languages=("eng",),
    kind="acted, 2 sentences, 24 speakers",
    licence=(
        "CC BY-NC-SA 4.0 (corpus licence, Zenodo 1188976; the repository's MIT file covers its "
        "script only)"
    ),
    source="https://zenodo.org/records/1188976",
    traps="Calm is `other`: it is no neutral. Neutral exists in normal intensity only, so it has "
    "half as many clips. Many clips are very quiet. The archives at other places hold the actors "
    "twice. One clip of actor 07 is there under two names.",
    emotions={
        "neutral": "neutral",
        "happy": "happiness",
        "sad": "sadness",
        "angry": "anger",
        "fearful": "fear",
        "disgust": "disgust",
        "surprised": "surprise",
    },
    example="Actor_01/03-01-01-01-01-01-01.wav",
    open_layout=named(_describe),
)
