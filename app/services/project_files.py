"""A project's folder: what makes it one, how one comes to be, and how one is read untouched."""

import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, insert
from sqlalchemy.exc import DBAPIError

from app.errors import ProjectError, ProjectTooNewError
from app.services import project_tables as tables
from app.services.edit_codec import EMOTION_COLUMNS, emotion_row
from app.services.project_database import (
    DATABASE_NAME,
    application_id,
    connect,
    disconnect,
    raw_cursor,
    revision,
    sentence,
)
from clser_engine.labels import SHARED_FOUR, Emotion, usual_emotion
from clser_engine.version import program_version

PROJECT_SUFFIX = ".clser-project"


def default_emotions() -> tuple[Emotion, ...]:
    """Return the emotion set of a new project."""
    return tuple(usual_emotion(name) for name in SHARED_FOUR)


def project_folder(path: Path) -> Path:
    """Return the project's folder for a folder or for the database in it, absolute.

    Raises:
        ProjectError: If there is no such folder or it is no project.
    """
    path = path.expanduser().absolute()
    folder = path.parent if path.name == DATABASE_NAME else path
    if not folder.exists():
        raise ProjectError(
            f"The project {folder} does not exist; open it from where it is now, or make a new one."
        )
    if not (folder / DATABASE_NAME).is_file():
        raise ProjectError(
            f"{folder} is not a project because it has no {DATABASE_NAME}; open a folder whose name"
            f" ends in {PROJECT_SUFFIX}, or make a new project."
        )
    return folder


def create_project(folder: Path, *, name: str, emotions: Sequence[Emotion]) -> None:
    """Make a project's folder with an empty project in it, complete or not at all.

    Raises:
        ProjectError: If something else is there, or it cannot be written.
    """
    target = folder / DATABASE_NAME
    part = folder / (DATABASE_NAME + ".part")  # left behind by a crash: taken over
    if folder.exists() and (not folder.is_dir() or set(os.listdir(folder)) - {part.name}):
        raise ProjectError(
            f"{folder} cannot become a project because it exists already; choose another name, or"
            " open it if it is a project."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        connection = connect(part, options="mode=rwc")
        try:
            with raw_cursor(connection) as cursor:
                cursor.execute(f"PRAGMA application_id={tables.APPLICATION_ID}")
            with connection.begin():
                _fill(connection, name, emotions)
        finally:
            disconnect(connection)
        os.replace(part, target)
        _sync_folder(folder)
    except OSError as error:
        way_out = "choose a folder that you may write to"
        if error.errno == errno.ENOSPC:
            way_out = "free some space on its disk, or choose another"
        raise ProjectError(
            f"The project {folder} could not be made ({error.strerror}); {way_out}."
        ) from error
    except DBAPIError as error:
        raise sentence(error, folder, "made") from error


def check_project(connection: Connection, folder: Path) -> str:
    """Return the schema revision of what was opened.

    Raises:
        ProjectTooNewError: If a newer version of the program made it.
        ProjectError: If the file is another program's or has no revision.
        sqlalchemy.exc.DBAPIError or sqlite3.Error: If it cannot be read.
    """
    if application_id(connection) != tables.APPLICATION_ID:
        raise ProjectError(
            f"{folder} is not a project because its {DATABASE_NAME} is another program's; open a"
            f" folder whose name ends in {PROJECT_SUFFIX}."
        )
    found = revision(connection)
    if int(found) > int(tables.HEAD_REVISION):
        raise ProjectTooNewError(
            f"The project {folder.name} has format {found}, made by a newer version of CLSER"
            f" Studio, and this one reads up to {tables.HEAD_REVISION}; update the program to open"
            " it."
        )
    return found


@contextmanager
def snapshot(folder: Path) -> Iterator[Connection]:
    """Open a project for reading without writing one byte into its folder.

    Works beside a window that writes, and on media that cannot be written. What a crash left in
    the journal is seen too: where SQLite would have to write to read it, a copy is read.

    Raises:
        sqlalchemy.exc.DBAPIError or OSError: If it cannot be read.
    """
    database = folder / DATABASE_NAME
    if not any(_has_content(folder, suffix) for suffix in ("-wal", "-shm", "-journal")):
        with _reading(database, "mode=ro&immutable=1") as connection:
            yield connection
        return
    with tempfile.TemporaryDirectory(prefix="clser-") as copies:
        with _reading(database, "mode=ro") as live:
            copy = Path(copies, DATABASE_NAME)
            try:
                with raw_cursor(live) as cursor:
                    cursor.execute("SELECT count(*) FROM alembic_version").fetchone()
            except sqlite3.OperationalError:
                for suffix in ("", "-wal", "-journal"):
                    if _has_content(folder, suffix):
                        shutil.copyfile(f"{database}{suffix}", f"{copy}{suffix}")
            else:
                yield live
                return
        with _reading(copy, "mode=rw") as connection:
            yield connection


@contextmanager
def _reading(database: Path, options: str) -> Iterator[Connection]:
    connection = connect(database, options=options)
    try:
        yield connection
    finally:
        disconnect(connection)


def _has_content(folder: Path, suffix: str) -> bool:
    try:
        return os.path.getsize(folder / (DATABASE_NAME + suffix)) > 0
    except OSError:
        return False


def _fill(connection: Connection, name: str, emotions: Sequence[Emotion]) -> None:
    tables.metadata.create_all(connection)
    connection.execute(insert(tables.alembic_version), {"version_num": tables.HEAD_REVISION})
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    facts = {"name": name, "made_by": program_version(), "created_at": now}
    connection.execute(
        insert(tables.facts), [{"key": key, "value": value} for key, value in facts.items()]
    )
    store_emotions(connection, emotions)


def store_emotions(connection: Connection, emotions: Sequence[Emotion]) -> None:
    """Add the rows of an emotion set to the empty table."""
    if emotions:
        columns = ("position", *EMOTION_COLUMNS)
        rows = [
            dict(zip(columns, (position, *emotion_row(emotion)), strict=True))
            for position, emotion in enumerate(emotions)
        ]
        connection.execute(insert(tables.emotions), rows)


def _sync_folder(folder: Path) -> None:
    """Have the folder's own entries on the disk, where the system has such a call."""
    if os.name == "posix":
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
