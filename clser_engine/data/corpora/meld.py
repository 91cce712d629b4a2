"""MELD, the TV series Friends, as films.

Layout: `train_splits/dia0_utt0.mp4`, `dev_splits_complete/…`, `output_repeated_splits_test/…`, and
train_sent_emo.csv, dev_sent_emo.csv, test_sent_emo.csv with Utterance, Speaker, Emotion,
Dialogue_ID, Utterance_ID. Documented at https://github.com/declare-lab/MELD and in Poria et al.,
"MELD: A Multimodal Multi-Party Dataset for Emotion Recognition in Conversations", ACL 2019. The
numbers begin anew in each part. Files without a row (final_videos_test…) are passed over, rows
without a file are told.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, Layout
from clser_engine.data.corpora.tables import read_table

_NAME = re.compile(r"dia(\d+)_utt(\d+)")
_PARTS = ("train", "dev", "test")
_COLUMNS = ("Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID")
_QUOTES = {
    0x91: "\u2018",
    0x92: "\u2019",
    0x93: "\u201c",
    0x94: "\u201d",
    0x85: "\u2026",
    0x97: "\u2014",
}
"""Windows characters that the tables hold as control characters."""


def _part_of(path: Path) -> str | None:
    """Return the part that a file belongs to by the innermost folder that names one."""
    for folder in reversed(path.parts[:-1]):
        for part in _PARTS:
            if part in folder.lower():
                return part
    return None


def _open_layout(folder: Path) -> Layout:
    rows = {}
    for part in _PARTS:
        for path in sorted(folder.rglob(f"{part}_sent_emo.csv")):
            for row in read_table(path, required=_COLUMNS):
                rows[f"{part}/dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}"] = row

    def describe(path: Path) -> Clip | None:
        identity = f"{_part_of(path)}/{path.stem}"
        if _NAME.fullmatch(path.stem) is None or identity not in rows:
            return None
        row = rows[identity]
        return Clip(
            speaker=row["Speaker"],
            emotion_original=row["Emotion"],
            transcript=row["Utterance"].translate(_QUOTES),
            identity=identity,
            extra={"partition": identity.split("/")[0], "dialogue": row["Dialogue_ID"]},
        )

    return Layout(describe=describe, expected=frozenset(rows))


CORPUS = Corpus(
    name="meld",
    title="MELD",
    languages=("eng",),
    kind="TV series, 6 main speakers and many more",
    licence="labels GPL-3.0; the sound is of a TV series and belongs to its makers",
    source="https://github.com/declare-lab/MELD",
    traps="The published parts share their speakers, so they leak: split by speaker. Laughter of "
    "the audience in many clips. Some speakers are several people (`All`, `Joey and Chandler`). "
    "Some clips are damaged or far too long (train dia125_utt3, dev dia110_utt7). The label was "
    "given to text, sound and picture together. Sound is inside films (needs ffmpeg).",
    emotions={
        "neutral": "neutral",
        "joy": "happiness",
        "sadness": "sadness",
        "anger": "anger",
        "fear": "fear",
        "disgust": "disgust",
        "surprise": "surprise",
    },
    example="train_splits/dia0_utt0.mp4 beside train_sent_emo.csv",
    open_layout=_open_layout,
)
