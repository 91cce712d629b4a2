"""The log of edits in the database: what undo and redo go through, also after a restart.

Done edits come first and undone ones last; a new edit drops the undone ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Select, delete, insert, select, update

from app.domain.edits import Edit, merged
from app.services.edit_codec import (
    CLIP_COLUMNS,
    EMOTION_COLUMNS,
    LABEL_COLUMNS,
    Row,
    clip_row,
    decode_edit,
    emotion_row,
    encode_edit,
    label_row,
)
from app.services.project_tables import edits


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One edit of the log, without its rows."""

    seq: int
    name: str
    chained: bool


def write_rows(connection: Connection, edit: Edit) -> None:
    """Apply an edit to the tables of clips, labels and emotions."""
    _delete(connection, "labels", "label_id", [label.label_id for label in edit.removed_labels])
    _delete(connection, "clips", "clip_id", [clip.clip_id for clip in edit.removed_clips])
    _insert(connection, "clips", CLIP_COLUMNS, [clip_row(clip) for clip in edit.added_clips])
    _insert(connection, "labels", LABEL_COLUMNS, [label_row(label) for label in edit.added_labels])
    if edit.emotions_after is not None:
        connection.exec_driver_sql("DELETE FROM emotions")
        rows = [(at, *emotion_row(emotion)) for at, emotion in enumerate(edit.emotions_after)]
        _insert(connection, "emotions", ("position", *EMOTION_COLUMNS), rows)


def append(connection: Connection, edit: Edit, *, chained: bool) -> None:
    """Add an edit as the newest; what was undone before it cannot be redone any more.

    Args:
        connection: Inside a transaction.
        edit: The edit.
        chained: Whether it is undone together with the newest, if that has the same name.
    """
    connection.execute(delete(edits).where(edits.c.undone))
    newest = next_undo(connection) if chained else None
    connection.execute(
        insert(edits),
        {
            "name": edit.name,
            "made_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "undone": False,
            "rows": encode_edit(edit),
            "chained": newest is not None and newest.name == edit.name,
        },
    )


def next_undo(connection: Connection) -> LogEntry | None:
    """Return the newest edit that is not undone."""
    return _first(connection, _ENTRIES.where(~edits.c.undone).order_by(edits.c.seq.desc()))


def next_redo(connection: Connection) -> LogEntry | None:
    """Return the oldest edit that is undone."""
    return _first(connection, _ENTRIES.where(edits.c.undone).order_by(edits.c.seq))


def step_back(connection: Connection) -> Edit | None:
    """Note the newest step as undone and return the edit that takes it back, or None.

    Raises:
        LookupError, TypeError or ValueError: If the log is damaged.
    """
    steps: list[Edit] = []
    name = ""
    while (entry := next_undo(connection)) is not None:
        steps.append(_mark(connection, entry, undone=True).inverse())
        name = entry.name
        if not entry.chained:
            break
    return merged(name, steps) if steps else None


def step_forward(connection: Connection) -> Edit | None:
    """Note the step that was undone last as done and return its edit, or None.

    Raises:
        LookupError, TypeError or ValueError: If the log is damaged.
    """
    steps: list[Edit] = []
    name = ""
    while (entry := next_redo(connection)) is not None and (entry.chained or not steps):
        steps.append(_mark(connection, entry, undone=False))
        name = entry.name
    return merged(name, steps) if steps else None


_ENTRIES = select(edits.c.seq, edits.c.name, edits.c.chained)


def _first(connection: Connection, entries: Select[tuple[int, str, bool]]) -> LogEntry | None:
    row = connection.execute(entries.limit(1)).first()
    return None if row is None else LogEntry(row.seq, row.name, row.chained)


def _mark(connection: Connection, entry: LogEntry, *, undone: bool) -> Edit:
    this = edits.c.seq == entry.seq
    rows = connection.execute(select(edits.c.rows).where(this)).scalar_one()
    connection.execute(update(edits).where(this).values(undone=undone))
    return decode_edit(entry.name, rows)


def _delete(connection: Connection, table: str, key: str, ids: Sequence[str]) -> None:
    if ids:
        sql = f"DELETE FROM {table} WHERE {key} = ?"
        connection.exec_driver_sql(sql, [(row_id,) for row_id in ids])


def _insert(
    connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Row]
) -> None:
    # Plain SQL: 10,000 rows take a tenth of what building a dictionary for each would.
    if rows:
        marks = ", ".join("?" * len(columns))
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        connection.exec_driver_sql(sql, [tuple(row) for row in rows])
