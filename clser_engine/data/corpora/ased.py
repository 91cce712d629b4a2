"""ASED, Amharic, acted.

Layout: `02Fearful/f2-05-01-02-60.wav` = emotion letter and number of the folder, sentence,
repetition, gender (01 female, 02 male), speaker. Documented at
https://github.com/Ethio2021/ASED_V1 and in Retta et al., "A New Amharic Speech Emotion Dataset and
Classification Benchmark", ACM TALLIP 22(1), 2023.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, named

_NAME = re.compile(r"([nfhsa])\d?-(\d\d)-(\d\d)-(0[12])-(\d\d)", re.IGNORECASE)
_EMOTIONS = {"n": "neutral", "f": "fearful", "h": "happy", "s": "sad", "a": "angry"}


def _describe(path: Path) -> Clip | None:
    if (match := _NAME.fullmatch(path.stem)) is None:
        return None
    emotion, sentence, repetition, gender, speaker = match.groups()
    return Clip(
        speaker=speaker,
        emotion_original=_EMOTIONS[emotion.lower()],
        gender="female" if gender == "01" else "male",
        sentence_id=f"{emotion.lower()}{sentence}",
        extra={"take": repetition},
    )


CORPUS = Corpus(
    name="ased",
    title="ASED",
    languages=("amh",),
    kind="acted, 27 sentences, 65 speakers, 4 dialects",
    licence="free for research (README); no licence file",
    source="https://github.com/Ethio2021/ASED_V1",
    traps="Five of seven sentences of an emotion are spoken in that emotion alone, so words give "
    "it away; which two are common to all is not in the names. Clips are cut to a few lengths "
    "that go with gender. Not every speaker has every emotion.",
    emotions={
        "neutral": "neutral",
        "fearful": "fear",
        "happy": "happiness",
        "sad": "sadness",
        "angry": "anger",
    },
    example="02Fearful/f2-05-01-02-60.wav",
    open_layout=named(_describe),
)
