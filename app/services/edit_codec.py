"""Edits as bytes for the log, and rows as tuples for the tables.

The log holds JSON: for each kind of row the names of its columns once, then the values. A log
written before a column existed is therefore read with that column's default.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from app.domain.clips import Clip
from app.domain.edits import Edit
from app.domain.labels import Label, Origin
from clser_engine.labels import Emotion

LABEL_COLUMNS = tuple(field.name for field in fields(Label))
CLIP_COLUMNS = ("clip_id", "path", "language", "speaker", "transcript")
EMOTION_COLUMNS = tuple(field.name for field in fields(Emotion))

Row = Sequence[Any]
"""Values of one row as a database or JSON gives them, untyped by nature."""

T = TypeVar("T", Label, Clip, Emotion)

_DEFAULTS = {
    field.name: field.default
    for kind in (Label, Clip, Emotion)
    for field in fields(kind)
    if field.default is not MISSING
}

_ORIGINS = {origin.value: origin for origin in Origin}


def label_row(label: Label) -> Row:
    """Return a label's values in the order of `LABEL_COLUMNS`."""
    return (
        label.label_id,
        label.clip_id,
        label.answer,
        label.origin.value,
        label.annotator,
        label.created_at,
        label.start_s,
        label.end_s,
        label.suggested_by,
        label.suggestion,
        label.suggestion_confidence,
        label.suggestion_seen,
    )


def read_label(row: Row) -> Label:
    """Return the label of a row in the order of `LABEL_COLUMNS`."""
    # Written out by position: 100,000 labels are built when a project opens.
    return Label(
        label_id=row[0],
        clip_id=row[1],
        answer=row[2],
        origin=_ORIGINS[row[3]],
        annotator=row[4],
        created_at=row[5],
        start_s=row[6],
        end_s=row[7],
        suggested_by=row[8],
        suggestion=row[9],
        suggestion_confidence=row[10],
        suggestion_seen=bool(row[11]),
    )


def clip_row(clip: Clip) -> Row:
    """Return what an edit may change of a clip, in the order of `CLIP_COLUMNS`."""
    return (clip.clip_id, clip.path, clip.language, clip.speaker, clip.transcript)


def read_clip(row: Row) -> Clip:
    """Return the clip of a row in the order of `CLIP_COLUMNS`, as yet unprobed."""
    return Clip(clip_id=row[0], path=row[1], language=row[2], speaker=row[3], transcript=row[4])


def emotion_row(emotion: Emotion) -> Row:
    """Return an emotion's values in the order of `EMOTION_COLUMNS`."""
    return (emotion.name, emotion.letter, emotion.colour, emotion.key)


def read_emotion(row: Row) -> Emotion:
    """Return the emotion of a row in the order of `EMOTION_COLUMNS`."""
    return Emotion(name=row[0], letter=row[1], colour=row[2], key=row[3])


def encode_edit(edit: Edit) -> bytes:
    """Return the rows of an edit as UTF-8 JSON; its name is a column of the log."""
    before, after = edit.emotions_before, edit.emotions_after
    rows = {
        "labels": {
            "columns": LABEL_COLUMNS,
            "removed": [label_row(label) for label in edit.removed_labels],
            "added": [label_row(label) for label in edit.added_labels],
        },
        "clips": {
            "columns": CLIP_COLUMNS,
            "removed": [clip_row(clip) for clip in edit.removed_clips],
            "added": [clip_row(clip) for clip in edit.added_clips],
        },
        "emotions": {
            "columns": EMOTION_COLUMNS,
            "removed": None if before is None else [emotion_row(emotion) for emotion in before],
            "added": None if after is None else [emotion_row(emotion) for emotion in after],
        },
    }
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()


def decode_edit(name: str, data: bytes) -> Edit:
    """Return the edit of a row of the log.

    Raises:
        KeyError, IndexError, TypeError or ValueError: If the log is damaged.
    """
    rows = json.loads(data)
    labels, clips, emotions = rows["labels"], rows["clips"], rows["emotions"]
    return Edit(
        name=name,
        removed_labels=_read(labels, "removed", LABEL_COLUMNS, read_label),
        added_labels=_read(labels, "added", LABEL_COLUMNS, read_label),
        removed_clips=_read(clips, "removed", CLIP_COLUMNS, read_clip),
        added_clips=_read(clips, "added", CLIP_COLUMNS, read_clip),
        emotions_before=_read_set(emotions, "removed"),
        emotions_after=_read_set(emotions, "added"),
    )


def _read(
    table: dict[str, Any], side: str, columns: tuple[str, ...], read: Callable[[Row], T]
) -> tuple[T, ...]:
    written = table["columns"]
    rows: list[Row] = table[side]
    if tuple(written) != columns:
        at = {column: index for index, column in enumerate(written)}
        rows = [[row[at[c]] if c in at else _DEFAULTS[c] for c in columns] for row in rows]
    return tuple([read(row) for row in rows])


def _read_set(table: dict[str, Any], side: str) -> tuple[Emotion, ...] | None:
    return None if table[side] is None else _read(table, side, EMOTION_COLUMNS, read_emotion)
