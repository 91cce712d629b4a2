"""Hashes of the contents of recordings, remembered on disk while the files stay as they are.

Reading thousands of files to name what is in them takes as long as reading their features, so the
hash of a file is kept with all that changes when its bytes do. The memory is one SQLite file, which
several processes may use; where it cannot be used, everything is hashed anew.
"""

import contextlib
import logging
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from clser_engine.audio.read import hash_file
from clser_engine.errors import AudioError
from clser_engine.runtime import RunContext

logger = logging.getLogger(__name__)

MIN_AGE_S = 2.0  # a younger file could change again within the clock's resolution
WAIT_S = 30.0  # for another process that writes


def hash_recordings(
    paths: Sequence[Path], memory: Path, context: RunContext | None = None
) -> list[str]:
    """Return the SHA-256 of each file's bytes in hexadecimal.

    Args:
        paths: The files.
        memory: Where hashes are remembered; made if it is not there.
        context: Progress in files; cancels.

    Raises:
        AudioError: If a file cannot be read.
        Cancelled: If somebody asked to stop.
    """
    context = context or RunContext()
    states = [_state_of(path) for path in paths]
    known = _recall(memory, paths, states)
    new: dict[Path, tuple[str, str]] = {}
    hashes = []
    for done, (path, state) in enumerate(zip(paths, states, strict=True)):
        sha256 = known.get(path)
        if sha256 is None:
            context.report("hash", done, len(paths))
            sha256 = known[path] = hash_file(path, context)
            new[path] = state, sha256
        hashes.append(sha256)
    _remember(memory, new)
    return hashes


def _state_of(path: Path) -> str:
    """Return what changes when a file's bytes change; the change time cannot be set by hand."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise AudioError(
            f"The recording {path} cannot be read ({reason}); check that it is still there."
        ) from error
    return (
        f"{status.st_dev} {status.st_ino} {status.st_size} "
        f"{status.st_mtime_ns} {status.st_ctime_ns}"
    )


def _recall(memory: Path, paths: Sequence[Path], states: Sequence[str]) -> dict[Path, str]:
    known = {}
    with contextlib.suppress(sqlite3.Error, OSError), _open(memory) as database:
        for path, state in zip(paths, states, strict=True):
            row = database.execute(
                "SELECT sha256 FROM hashes WHERE path = ? AND state = ?",
                (_key(path), state),
            ).fetchone()
            if row is not None:
                known[path] = str(row[0])
    return known


def _remember(memory: Path, new: dict[Path, tuple[str, str]]) -> None:
    """Keep the hashes of files that were not changed just now, nor while they were read."""
    rows = []
    for path, (state, sha256) in new.items():
        with contextlib.suppress(AudioError, OSError):
            status = path.stat()
            age_s = time.time() - max(status.st_mtime_ns, status.st_ctime_ns) / 1e9
            if age_s > MIN_AGE_S and _state_of(path) == state:
                rows.append((_key(path), state, sha256))
    if rows:
        try:
            with _open(memory) as database:
                database.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?)", rows)
        except (sqlite3.Error, OSError) as error:
            logger.info("Hashes are not remembered in %s: %s", memory, error)


@contextlib.contextmanager
def _open(memory: Path) -> Iterator[sqlite3.Connection]:
    memory.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(memory, timeout=WAIT_S)
    try:
        with database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS hashes "
                "(path TEXT PRIMARY KEY, state TEXT NOT NULL, sha256 TEXT NOT NULL)"
            )
            yield database
    finally:
        database.close()


def _key(path: Path) -> str:
    return str(path.absolute()).encode("utf-8", "backslashreplace").decode("utf-8")
