"""CaFE, Canadian French, acted.

Layout: `Colère/Fort/01-C-2-1.wav` = actor (odd: male), emotion letter, intensity (1 weak, 2
strong, 0 for neutral), sentence. Documented at https://zenodo.org/records/1478765 and in Gournay et
al., "A Canadian French Emotional Speech Dataset", ACM MMSys 2018.

Licence: as listed in "Speech Emotion Recognition (SER) Datasets",
https://superkogito.github.io/SER-datasets.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, named

_NAME = re.compile(r"(\d\d)-([CDJNPST])-([012])-([1-6])")
_EMOTIONS = {
    "C": "colère",
    "D": "dégoût",
    "J": "joie",
    "N": "neutre",
    "P": "peur",
    "S": "surprise",
    "T": "tristesse",
}
_INTENSITIES = {"0": "", "1": "weak", "2": "strong"}
_TEXTS = (
    "Un cheval fou dans mon jardin",
    "Deux ânes aigris au pelage brun",
    "Trois cygnes aveugles au bord du lac",
    "Quatre vieilles truies éléphantesques",
    "Cinq pumas fiers et passionnés",
    "Six ours aimants domestiqués",
)


def _describe(path: Path) -> Clip | None:
    if (match := _NAME.fullmatch(path.stem)) is None:
        return None
    actor, emotion, intensity, sentence = match.groups()
    return Clip(
        speaker=actor,
        emotion_original=_EMOTIONS[emotion],
        gender="male" if int(actor) % 2 else "female",
        intensity=_INTENSITIES[intensity],
        sentence_id=sentence,
        transcript=_TEXTS[int(sentence) - 1],
    )


CORPUS = Corpus(
    name="cafe",
    title="CaFE",
    languages=("fra",),
    kind="acted, 6 sentences, 12 speakers",
    licence="CC BY-NC-SA 4.0",
    source="https://zenodo.org/records/1478765",
    traps="Neutral exists in one intensity only, so it has half as many clips. The archives at 48 "
    "and 192 kHz hold the same recordings.",
    emotions={
        "colère": "anger",
        "dégoût": "disgust",
        "joie": "happiness",
        "neutre": "neutral",
        "peur": "fear",
        "surprise": "surprise",
        "tristesse": "sadness",
    },
    example="Colère/Fort/01-C-2-1.wav",
    open_layout=named(_describe),
)
