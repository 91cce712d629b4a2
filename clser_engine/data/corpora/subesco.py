"""SUBESCO, Bangla, acted.

Layout: `F_02_MONIKA_S_1_NEUTRAL_5.wav` = gender, number and name of the speaker, sentence, emotion,
take. Documented at https://doi.org/10.5281/zenodo.4526477 and in Sultana et al., "SUST Bangla
Emotional Speech Corpus (SUBESCO)", PLoS ONE 16(4), 2021. Numbers of men and women overlap, so the
gender belongs to the name of the speaker.

Licence: as on the data set's card, "SUST Bangla Emotional Speech Corpus", that its makers keep at
https://huggingface.co/datasets/sustcsenlp/bn_emotion_speech_corpus (an older one said MIT).
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, named

_NAME = re.compile(r"([FM])_(\d+)_([A-Z]+)_S_(\d+)_([A-Z]+)_(\d+)", re.IGNORECASE)
_EMOTIONS = {
    "ANGRY": "anger",
    "DISGUST": "disgust",
    "FEAR": "fear",
    "HAPPY": "happiness",
    "NEUTRAL": "neutral",
    "SAD": "sadness",
    "SURPRISE": "surprise",
}


def _describe(path: Path) -> Clip | None:
    match = _NAME.fullmatch(path.stem)
    if match is None or match[5].upper() not in _EMOTIONS:
        return None
    return Clip(
        speaker=f"{match[1].upper()}_{match[2]}",
        emotion_original=match[5].upper(),
        gender="female" if match[1].upper() == "F" else "male",
        sentence_id=match[4],
        extra={"take": match[6]},
    )


CORPUS = Corpus(
    name="subesco",
    title="SUBESCO",
    languages=("ben",),
    kind="acted, 10 sentences, 20 speakers",
    licence="CC BY 4.0",
    source="https://doi.org/10.5281/zenodo.4526477",
    traps="Five takes of the same text by the same speaker in the same emotion: near duplicates.",
    emotions=_EMOTIONS,
    example="F_01_OISHI_S_1_ANGRY_1.wav",
    open_layout=named(_describe),
)
