"""TurEV-DB, single Turkish words, acted.

Layout: `Sound Source/Angry/1157_kz_acik.wav` = speaker, emotion in Turkish (kz angry, hl sad, mt
happy, sk calm), word; the folder decides where it names one. Documented at
https://github.com/Xeonen/TurEV-DB and in Canpolat et al., "Turkish Emotion Voice Database
(TurEV-DB)", SLTU-CCURL 2020.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, named

_NAME = re.compile(r"(\d{4})_([a-z]{2})_([^\W\d_]+)\d*", re.IGNORECASE)
_EMOTIONS = {"kz": "Angry", "sk": "Calm", "mt": "Happy", "hl": "Sad"}


def _describe(path: Path) -> Clip | None:
    match = _NAME.fullmatch(path.stem)
    if match is None or match[2].lower() not in _EMOTIONS:
        return None
    speaker, code, word = match.groups()
    folder = path.parent.name.capitalize()
    emotion = folder if folder in _EMOTIONS.values() else _EMOTIONS[code.lower()]
    return Clip(
        speaker=speaker,
        emotion_original=emotion,
        sentence_id=word.lower(),
        transcript=word.lower(),
        identity=f"{emotion}/{path.stem.lower()}",
    )


CORPUS = Corpus(
    name="turev_db",
    title="TurEV-DB",
    languages=("tur",),
    kind="acted, 82 words, 6 speakers",
    licence="CC BY-NC-ND 4.0 (README)",
    source="https://github.com/Xeonen/TurEV-DB",
    traps="Calm is `other`: there is no neutral. Words of about a second, written without the "
    "Turkish letters.",
    emotions={"Angry": "anger", "Happy": "happiness", "Sad": "sadness"},
    example="Sound Source/Angry/1157_kz_acik.wav",
    open_layout=named(_describe),
)
