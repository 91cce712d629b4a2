"""Reads what a project database holds."""

import gc
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields

from sqlalchemy import Connection, Table, select

from app.domain.clips import Guess, Probe
from app.domain.project_state import ProjectState
from app.services import project_tables as tables
from app.services.edit_codec import (
    CLIP_COLUMNS,
    EMOTION_COLUMNS,
    LABEL_COLUMNS,
    Row,
    read_clip,
    read_emotion,
    read_label,
)
from app.services.project_database import raw_cursor

PROBE_COLUMNS = tuple(field.name for field in fields(Probe))
GUESS_COLUMNS = tuple(field.name for field in fields(Guess))


def load_state(connection: Connection) -> ProjectState:
    """Return everything that the database holds; 100,000 labels take about a third of a second.

    Raises:
        sqlalchemy.exc.DBAPIError, sqlite3.Error, KeyError or TypeError: If it is damaged.
    """
    with _no_collection(), raw_cursor(connection) as cursor:
        return ProjectState(
            clips=[read_clip(row) for row in _rows(cursor, tables.clips, CLIP_COLUMNS)],
            labels=[read_label(row) for row in _rows(cursor, tables.labels, LABEL_COLUMNS)],
            emotions=tuple(
                read_emotion(row) for row in _rows(cursor, tables.emotions, EMOTION_COLUMNS)
            ),
            probes=[
                Probe(**dict(zip(PROBE_COLUMNS, row, strict=True)))
                for row in _rows(cursor, tables.probes, PROBE_COLUMNS)
            ],
            guesses=[_guess(row) for row in _rows(cursor, tables.guesses, GUESS_COLUMNS)],
        )


def _guess(row: Row) -> Guess:
    values = dict(zip(GUESS_COLUMNS, row, strict=True))
    return Guess(**values | {"is_known": bool(values["is_known"])})


def load_pairs(connection: Connection, table: Table) -> dict[str, str]:
    """Return a table of two text columns as a dictionary."""
    return {str(key): str(value) for key, value in connection.execute(select(table))}


def _rows(cursor: sqlite3.Cursor, table: Table, columns: Iterable[str]) -> list[Row]:
    # Through SQLAlchemy each row costs several times as much.
    key = next(iter(table.primary_key)).name
    return cursor.execute(
        f"SELECT {', '.join(columns)} FROM {table.name} ORDER BY {key}"
    ).fetchall()


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python from searching 100,000 new objects for garbage again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
