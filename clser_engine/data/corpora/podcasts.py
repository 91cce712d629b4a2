"""The layout that MSP-Podcast and BIIC-Podcast share.

`Labels/labels_consensus.csv` (in old releases `labels_concensus.csv`) with the columns FileName,
EmoClass, EmoAct, EmoVal, EmoDom, SpkrID, Gender and Split_Set; sound in `Audios`, texts of single
files in `Transcripts`. Documented in the readme.txt of the releases of MSP-Podcast and in Lotfian
and Busso, "Building Naturalistic Emotionally Balanced Speech Corpus by Retrieving Emotional Speech
from Existing Podcast Recordings", IEEE TAC 10(4), 2019.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Layout
from clser_engine.data.corpora.tables import read_table, read_text

CLASSES = {
    "A": "angry",
    "S": "sad",
    "H": "happy",
    "U": "surprise",
    "F": "fear",
    "D": "disgust",
    "C": "contempt",
    "N": "neutral",
    "O": "other",
    "X": "no agreement",
}
_DIGITS = "ASHUFDCN"
"""The classes in the order of their numbers, by which some tables name them."""
EMOTIONS = {
    "angry": "anger",
    "sad": "sadness",
    "happy": "happiness",
    "surprise": "surprise",
    "fear": "fear",
    "disgust": "disgust",
    "neutral": "neutral",
}
_PODCAST = re.compile(r"(.+)_[^_]+")
_PARTS = {"validation": "development", "dev": "development"}
_NOT_KNOWN = ("", "unknown", "nan", "none")


def open_layout(folder: Path) -> Layout:
    """Read the table of labels and the texts.

    Raises:
        ManifestError: If a table is damaged.
    """
    rows = {}
    for path in sorted(folder.rglob("labels_con[sc]ensus.csv")):
        for row in read_table(path, required=("FileName", "EmoClass")):
            rows[Path(row["FileName"]).stem] = row
    texts = {path.stem: path for path in folder.rglob("Transcripts/**/*.txt")}

    def describe(path: Path) -> Clip | None:
        row = rows.get(path.stem)
        if row is None:
            return None
        speaker = row.get("SpkrID") or row.get("Speaker_ID") or row.get("Speaker") or ""
        if speaker.lower() in _NOT_KNOWN:
            podcast = _PODCAST.fullmatch(path.stem)
            speaker = f"unknown of {podcast[1] if podcast else path.stem}"
        gender = row.get("Gender", "").lower()
        part = row.get("Split_Set", "").lower()
        columns = {
            "partition": _PARTS.get(part, part),
            "activation": row.get("EmoAct", ""),
            "valence": row.get("EmoVal", ""),
            "dominance": row.get("EmoDom", ""),
        }
        text = texts.get(path.stem)
        label = row["EmoClass"]
        if label.isascii() and label.isdigit() and int(label) < len(_DIGITS):
            label = _DIGITS[int(label)]
        return Clip(
            speaker=speaker,
            emotion_original=CLASSES.get(label.upper(), label),
            gender=gender if gender in ("female", "male") else "",
            transcript=" ".join(read_text(text).split()) if text else "",
            extra={name: value for name, value in columns.items() if value},
        )

    return Layout(describe=describe, expected=frozenset(rows))
