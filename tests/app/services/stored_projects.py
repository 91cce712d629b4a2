"""Clips and labels of made-up projects, and what of them is on the disk."""

import sqlite3

from app.domain.clips import Clip
from app.domain.ids import new_id
from app.domain.labels import Label, Origin

DECIDED = ("clips", "labels", "emotions")


def make_clip(path="/recordings/k_0031.wav", **values):
    return Clip(clip_id=new_id(), path=path, **values)


def make_label(clip, answer="anger", **values):
    values = {"origin": Origin.HAND, "annotator": "Wanjiru", **values}
    return Label(
        label_id=new_id(),
        clip_id=clip.clip_id,
        answer=answer,
        created_at="2026-01-02T03:04:05.678Z",
        **values,
    )


def contents(folder, tables=DECIDED):
    """Every value of some tables as SQLite stores it, read by another connection."""
    connection = sqlite3.connect(folder / "project.sqlite")
    try:
        rows = {}
        for table in tables:
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            quoted = ", ".join(f"quote({name})" for name in names)
            rows[table] = connection.execute(f"SELECT {quoted} FROM {table} ORDER BY 1").fetchall()
        return rows
    finally:
        connection.close()
