"""The connection to `project.sqlite`: how it is opened, made durable, copied, how it can fail."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from app.errors import ProjectError, ProjectFolderError

DATABASE_NAME = "project.sqlite"
BACKUPS_NAME = "backups"

BUSY_TIMEOUT_MS = 2000


def connect(path: Path, *, options: str = "mode=rw") -> Connection:
    """Return a connection to a database file, with transactions begun by SQLAlchemy alone.

    Args:
        path: The file.
        options: Of SQLite's URI, for example `mode=ro` or `mode=rwc`.

    Raises:
        sqlalchemy.exc.DBAPIError: If SQLite cannot open it.
    """

    def creator() -> sqlite3.Connection:
        uri = f"file:{quote(str(path))}?{options}"
        return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)

    engine = create_engine("sqlite://", creator=creator, poolclass=StaticPool)
    # The writer's lock is taken at once: a transaction never fails half-way for want of it.
    begin = "BEGIN" if "ro" in options else "BEGIN IMMEDIATE"
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine.connect()


def disconnect(connection: Connection) -> None:
    """End a connection of `connect`; SQLite then folds the write-ahead log into the file."""
    connection.close()
    connection.engine.dispose()


def make_durable(connection: Connection, *, network_share: bool) -> None:
    """Have each commit on the disk itself before it returns.

    Args:
        connection: Just opened, outside a transaction.
        network_share: Whether the file lies on one: the write-ahead log needs shared memory,
            which computers do not share, so the rollback journal is used there.
    """
    with raw_cursor(connection) as cursor:
        if network_share:
            # Exclusive while it converts: leaving the write-ahead log then needs no shared memory.
            cursor.execute("PRAGMA locking_mode=EXCLUSIVE")
            cursor.execute("PRAGMA journal_mode=TRUNCATE")
            cursor.execute("PRAGMA locking_mode=NORMAL")
        else:
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA fullfsync=ON")  # macOS: past the drive's own cache
        cursor.execute("PRAGMA foreign_keys=ON")


@contextmanager
def raw_cursor(connection: Connection) -> Iterator[sqlite3.Cursor]:
    """Give a plain cursor of the same connection, for pragmas and for speed."""
    driver = driver_connection(connection)
    cursor = driver.cursor()
    try:
        yield cursor
    finally:
        cursor.close()


def driver_connection(connection: Connection) -> sqlite3.Connection:
    """Return SQLite's own connection below SQLAlchemy's."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def application_id(connection: Connection) -> int:
    """Return what kind of file its header says it is."""
    with raw_cursor(connection) as cursor:
        return int(cursor.execute("PRAGMA application_id").fetchone()[0])


def revision(connection: Connection) -> str:
    """Return the schema revision, read without alembic so that opening stays fast."""
    with raw_cursor(connection) as cursor:
        return str(cursor.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def back_up(connection: Connection, target: Path) -> None:
    """Copy the database as of now into a new file, complete or not at all.

    Raises:
        ProjectError: If the copy cannot be written.
    """
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(exist_ok=True)
        part.unlink(missing_ok=True)
        copy = sqlite3.connect(part)
        try:
            driver_connection(connection).backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, that any SQLite opens alone
        finally:
            copy.close()
        os.replace(part, target)
    except (OSError, sqlite3.Error) as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise ProjectError(
            f"The backup {target} cannot be written ({error}), so the project was left as it is;"
            " free some space on its disk and try again."
        ) from error


def sentence(error: DBAPIError | sqlite3.Error, folder: Path, doing: str) -> ProjectError:
    """Return the error to show for one of SQLite's.

    Args:
        error: What SQLite raised.
        folder: The project's folder.
        doing: What was being done, for example `saved`.
    """
    original = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(original, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    project = f"The project {folder.name}"
    if code == sqlite3.SQLITE_FULL:
        return ProjectError(
            f"{project} could not be {doing} because the disk of {folder} is full; free some space"
            " and do it again, nothing saved before is lost."
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return ProjectFolderError(
            f"{project} could not be {doing} because {folder} is not writable ({original}); make"
            " it writable, or open the project read-only."
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        backups = sorted((folder / BACKUPS_NAME).glob("*.sqlite"))
        way_out = (
            f"put a copy of {backups[-1]} in its place"
            if backups
            else "put a copy of it from your own backups in its place"
        )
        return ProjectError(
            f"{project} could not be {doing} because {DATABASE_NAME} in {folder} is damaged"
            f" ({original}); {way_out}."
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return ProjectError(
            f"{project} could not be {doing} because another program keeps {DATABASE_NAME} in"
            f" {folder} locked; close that program and try again."
        )
    return ProjectError(
        f"{project} could not be {doing} because its disk gave an error ({original}); check"
        f" {folder} and do it again."
    )
