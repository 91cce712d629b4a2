"""ShEMO, Persian radio plays.

Layout: `male/M01A01.wav` = gender, speaker, emotion letter (A anger, F fear, H happiness, N
neutral, S sadness, W surprise), number; F means female at the beginning and fear in the middle.
`shemo.json` holds texts by name. Documented at https://github.com/pariajm/sharif-emotional-speech-
database and in Mohamad Nezami et al., "ShEMO: a large-scale validated database for Persian speech
emotion detection", Language Resources and Evaluation 53, 2019.
"""

import json
import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, Layout
from clser_engine.data.corpora.tables import read_text
from clser_engine.errors import ManifestError

_NAME = re.compile(r"([FM])(\d{2,3})([AFHNSW])(\d+)")
_EMOTIONS = {
    "A": "anger",
    "F": "fear",
    "H": "happiness",
    "N": "neutral",
    "S": "sadness",
    "W": "surprise",
}


def _read_texts(folder: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in sorted(folder.rglob("shemo.json")):
        try:
            values = json.loads(read_text(path))
        except json.JSONDecodeError as error:
            raise ManifestError(
                f"{path}, line {error.lineno}: is no JSON ({error.msg}); fetch the file again."
            ) from error
        if isinstance(values, dict):
            rows = {str(k): v for k, v in values.items() if isinstance(v, dict)}
            texts |= {name: str(row.get("transcript", "")) for name, row in rows.items()}
    return texts


def _open_layout(folder: Path) -> Layout:
    texts = _read_texts(folder)

    def describe(path: Path) -> Clip | None:
        if (match := _NAME.fullmatch(path.stem)) is None:
            return None
        gender, number, emotion, _ = match.groups()
        return Clip(
            speaker=f"{gender}{number}",
            emotion_original=_EMOTIONS[emotion],
            gender="female" if gender == "F" else "male",
            transcript=texts.get(path.stem, ""),
        )

    return Layout(describe=describe)


CORPUS = Corpus(
    name="shemo",
    title="ShEMO",
    languages=("fas",),
    kind="radio plays, 87 speakers",
    licence='"free of charge for academic purposes" (README); Apache-2.0 at other places',
    source="https://github.com/pariajm/sharif-emotional-speech-database",
    traps="Classes are very uneven (38 clips of fear, over 1,000 of anger and of neutral), and "
    "many speakers have few emotions, so the voice gives part of the emotion away.",
    emotions={name: name for name in _EMOTIONS.values()},
    example="male/M01A01.wav",
    open_layout=_open_layout,
)
