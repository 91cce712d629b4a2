"""Hashes of recordings, each computed once while the file stays as it is."""

import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

from clser_engine.audio.read import hash_file
from clser_engine.errors import AudioError
from clser_engine.runtime import RunContext

MAX_REMEMBERED = 100_000
MIN_AGE_S = 2.0  # a younger file could change again within the clock's resolution


class FileState(NamedTuple):
    """What changes when a file's bytes change (the change time cannot be set by hand)."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int


def file_state(path: Path) -> FileState:
    """Return the state of a file.

    Raises:
        AudioError: If there is no such file.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise AudioError(
            f"The recording {path} cannot be read ({reason}); check that it is still there."
        ) from error
    return FileState(
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    )


class AudioHashes:
    """Remembers hashes for as long as the engine runs."""

    def __init__(self) -> None:
        self._hashes: OrderedDict[FileState, str] = OrderedDict()
        self._lock = threading.Lock()

    def hash_of(self, path: Path, context: RunContext) -> str:
        """Return the SHA-256 of a file's bytes in hex; long files report and can be cancelled.

        Raises:
            AudioError: If the file cannot be read.
            Cancelled: If somebody asked for it.
        """
        before = file_state(path)
        with self._lock:
            if (known := self._hashes.get(before)) is not None:
                return known
        sha256 = hash_file(path, context)
        newest_change_s = max(before.modified_ns, before.changed_ns) / 1e9
        if file_state(path) == before and time.time() - newest_change_s > MIN_AGE_S:
            with self._lock:
                self._hashes[before] = sha256
                if len(self._hashes) > MAX_REMEMBERED:
                    self._hashes.popitem(last=False)
        return sha256
