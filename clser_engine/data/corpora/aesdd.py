"""AESDD, the Acted Emotional Speech Dynamic Database, Greek.

Layout: `anger/a01 (1).wav` = emotion letter, utterance (20 is improvised), speaker in brackets; a
letter behind the bracket tells takes apart. Documented in the README of the corpus and at
http://m3c.web.auth.gr/research/aesdd-speech-emotion-recognition; Vryzas et al., "Speech Emotion
Recognition for Performance Interaction", Journal of the AES 66(6), 2018.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, named

_NAME = re.compile(r"([adfhs])(\d{1,2}) ?\((\d+)\)([a-z]?)")
_EMOTIONS = {"a": "anger", "d": "disgust", "f": "fear", "h": "happiness", "s": "sadness"}


def _describe(path: Path) -> Clip | None:
    if (match := _NAME.fullmatch(path.stem)) is None:
        return None
    emotion, utterance, speaker, _ = match.groups()
    return Clip(
        speaker=str(int(speaker)),
        emotion_original=_EMOTIONS[emotion],
        sentence_id=f"{int(utterance):02d}",
    )


CORPUS = Corpus(
    name="aesdd",
    title="AESDD",
    languages=("ell",),
    kind="acted, 19 sentences, 5 or more speakers",
    licence="free for research from the authors; no licence file beside the audio",
    source="http://m3c.web.auth.gr/research/aesdd-speech-emotion-recognition",
    traps="No neutral. Few speakers; their genders are not in the names. The database grows, so "
    "copies differ. The file s05 (3) of the first version cannot be read. Utterance 20 is "
    "improvised, so its words differ from speaker to speaker.",
    emotions={name: name for name in _EMOTIONS.values()},
    example="anger/a01 (1).wav",
    open_layout=named(_describe),
)
