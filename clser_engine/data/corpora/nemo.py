"""nEMO, Polish, acted.

Layout: `samples/SK1_anger_1.wav` = speaker, emotion, sentence, and `data.tsv` with the columns
file_id, emotion, raw_text, normalized_text, speaker_id, gender, age. Documented at
https://github.com/amu-cai/nEMO and in Christop, "nEMO: Dataset of Emotional Speech in Polish",
LREC-COLING 2024. Without the table, texts are unknown; genders are then those of the nine actors.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, Layout
from clser_engine.data.corpora.tables import read_table

_NAME = re.compile(r"([A-Z]{2}\d)_(anger|fear|happiness|neutral|sadness|surprised)_(\d+)")
_FEMALE = {"EB0", "IC0", "KD0", "MK0"}
_MALE = {"KS0", "MP0", "SM0", "TP0", "WR0"}


def _open_layout(folder: Path) -> Layout:
    rows: dict[str, dict[str, str]] = {}
    for path in sorted(folder.rglob("data.tsv")):
        table = read_table(path, required=("file_id", "raw_text"), delimiter="\t")
        rows |= {Path(row["file_id"]).stem: row for row in table}

    def describe(path: Path) -> Clip | None:
        if (match := _NAME.fullmatch(path.stem)) is None:
            return None
        speaker, emotion, sentence = match.groups()
        row = rows.get(path.stem, {})
        gender = "female" if speaker in _FEMALE else "male" if speaker in _MALE else ""
        return Clip(
            speaker=speaker,
            emotion_original=emotion,
            gender=row.get("gender") or gender,
            sentence_id=sentence,
            transcript=row.get("raw_text", ""),
        )

    return Layout(describe=describe, expected=frozenset(rows))


CORPUS = Corpus(
    name="nemo",
    title="nEMO",
    languages=("pol",),
    kind="acted, 90 sentences, 9 speakers",
    licence="CC BY-NC-SA 4.0 (LICENSE + README in repository)",
    source="https://github.com/amu-cai/nEMO",
    traps="Levels are normalised, so loudness says nothing. No disgust. One speaker lacks surprise "
    "and one has few clips of most emotions.",
    emotions={
        "anger": "anger",
        "fear": "fear",
        "happiness": "happiness",
        "neutral": "neutral",
        "sadness": "sadness",
        "surprised": "surprise",
    },
    example="samples/EB0_anger_1.wav",
    open_layout=_open_layout,
)
