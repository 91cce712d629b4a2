"""SAVEE, British English, acted by four men.

Layout: `AudioData/DC/a01.wav`, or flat as `ALL/DC_a01.wav`: speaker, emotion letters, sentence.
Documented in the corpus's AudioData/Info.txt and at http://kahlan.eps.surrey.ac.uk/savee; Haq and
Jackson, "Multimodal Emotion Recognition", in Machine Audition, IGI Global, 2010.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, named

_SPEAKERS = ("DC", "JE", "JK", "KL")
_NAME = re.compile(r"(?:(DC|JE|JK|KL)_)?(sa|su|a|d|f|h|n)(\d{1,2})")
_EMOTIONS = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}


def _describe(path: Path) -> Clip | None:
    match = _NAME.fullmatch(path.stem)
    folder = path.parent.name
    speaker = (match and match[1]) or (folder if folder in _SPEAKERS else None)
    if match is None or speaker is None:
        return None
    sentence = f"{match[2]}{int(match[3]):02d}"
    return Clip(
        speaker=speaker,
        emotion_original=_EMOTIONS[match[2]],
        gender="male",
        sentence_id=sentence,
        identity=f"{speaker}_{sentence}",
    )


CORPUS = Corpus(
    name="savee",
    title="SAVEE",
    languages=("eng",),
    kind="acted, 120 sentences, 4 speakers",
    licence="free for research after registration with the authors; no licence file",
    source="http://kahlan.eps.surrey.ac.uk/savee",
    traps="Four men only. Twelve of fifteen texts of an emotion are spoken in that emotion alone "
    "(and neutral), so words give the emotion away. Neutral has twice as many clips.",
    emotions={name: name for name in _EMOTIONS.values()},
    example="AudioData/DC/a01.wav",
    open_layout=named(_describe),
)
