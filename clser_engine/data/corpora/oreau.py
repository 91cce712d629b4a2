"""Oréau, French, acted by lay people.

Layout: `OréauFR_02/m/sesst/14a03Ta.wav` = speaker, text, emotion letter (C anger, D disgust, J
joy, N neutral, P fear, S surprise, T sadness), version; the folders are gender and session.
Documented at https://zenodo.org/records/4405783 (Kerkeni et al., French emotional speech database
Oréau, 2020).

Licence: second-hand, as programs that fetch that record name it; read the record's page.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, named

_NAME = re.compile(r"(\d\d)([a-z]\d\d)([CDJNPST])([a-z]?)")
_EMOTIONS = {
    "C": "colère",
    "D": "dégoût",
    "J": "joie",
    "N": "neutre",
    "P": "peur",
    "S": "surprise",
    "T": "tristesse",
}
_GENDERS = {"f": "female", "m": "male"}


def _describe(path: Path) -> Clip | None:
    if (match := _NAME.fullmatch(path.stem)) is None:
        return None
    speaker, text, emotion, _ = match.groups()
    genders = [_GENDERS[part.lower()] for part in path.parts[:-1] if part.lower() in _GENDERS]
    return Clip(
        speaker=speaker,
        emotion_original=_EMOTIONS[emotion],
        gender=genders[-1] if genders else "",
        sentence_id=f"{emotion}{text}",
    )


CORPUS = Corpus(
    name="oreau",
    title="Oréau",
    languages=("fra",),
    kind="acted, 79 sentences, 32 speakers",
    licence="CC BY 4.0 (Zenodo)",
    source="https://zenodo.org/records/4405783",
    traps="Each emotion has sentences of its own, so words give it away. The second edition holds "
    "those clips of the first that listeners recognised.",
    emotions={
        "colère": "anger",
        "dégoût": "disgust",
        "joie": "happiness",
        "neutre": "neutral",
        "peur": "fear",
        "surprise": "surprise",
        "tristesse": "sadness",
    },
    example="OréauFR_02/m/sesst/14a03Ta.wav",
    open_layout=named(_describe),
)
