"""TESS, the Toronto Emotional Speech Set, acted by two women.

Layout: `OAF_angry/OAF_back_angry.wav` = actor (older or younger), word, emotion (ps: pleasant
surprise). Documented at https://doi.org/10.5683/SP2/E8H2MF (Pichora-Fuller and Dupuis, 2020). The
name OA_bite_neutral is a slip in the original and is read as the older actor's.

Licence: as listed in "Speech Emotion Recognition (SER) Datasets",
https://superkogito.github.io/SER-datasets. A copy on the hub of Hugging Face says CC BY-NC 4.0; the
stricter one is kept.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, named

_NAME = re.compile(r"(OAF?|YAF)_(.+)_(angry|disgust|fear|happy|neutral|ps|sad)", re.IGNORECASE)


def _describe(path: Path) -> Clip | None:
    if (match := _NAME.fullmatch(path.stem)) is None:
        return None
    actor, word, emotion = match[1].upper(), match[2].lower(), match[3].lower()
    actor = "OAF" if actor == "OA" else actor
    return Clip(
        speaker=actor,
        emotion_original="pleasant surprise" if emotion == "ps" else emotion,
        gender="female",
        sentence_id=word,
        transcript=f"Say the word {word}.",
        identity=f"{actor}_{word}_{emotion}",
    )


CORPUS = Corpus(
    name="tess",
    title="TESS",
    languages=("eng",),
    kind="acted, 200 words in one carrier sentence, 2 speakers",
    licence="CC BY-NC-ND 4.0",
    source="https://doi.org/10.5683/SP2/E8H2MF",
    traps="Two women only: figures within TESS are near 100 % and mean nothing, as both speakers "
    "are in train and test; no part can be set aside without losing half. Copies elsewhere hold "
    "the folders twice.",
    emotions={
        "angry": "anger",
        "disgust": "disgust",
        "fear": "fear",
        "happy": "happiness",
        "neutral": "neutral",
        "pleasant surprise": "surprise",
        "sad": "sadness",
    },
    example="OAF_angry/OAF_back_angry.wav",
    open_layout=named(_describe),
)
