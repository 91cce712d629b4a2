"""Keeps a folder of cached files below a size by removing what was not used for longest."""

import logging
import os
import threading
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

KEEP_SHARE = 0.9  # remove a tenth at a time, so that not every write has to look for room


class FolderBudget:
    """Counts a folder's bytes; the time of last use is each file's modification time.

    Args:
        folder: Holds the files, at any depth.
        max_bytes: Most that they may take together.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._used: int | None = None  # counted at the first write, not at start
        self._lock = threading.Lock()

    def touch(self, path: Path) -> None:
        """Note that a file was used just now."""
        with suppress(OSError):  # removed meanwhile, or a read-only folder: it only ages faster
            os.utime(path)

    def add(self, path: Path) -> None:
        """Note a new file and make room if the folder has become too large."""
        with self._lock:
            if self._used is None:
                self._used = sum(size for _, size, _ in self._files())
            else:
                self._used += path.stat().st_size
            if self._used > self._max_bytes:
                self._make_room()

    def _make_room(self) -> None:
        files = sorted(self._files())
        used = sum(size for _, size, _ in files)
        for _, size, path in files:
            if used <= self._max_bytes * KEEP_SHARE:
                break
            path.unlink(missing_ok=True)
            used -= size
        self._used = used
        logger.info("Made room in %s: %d bytes are used", self._folder, used)

    def _files(self) -> list[tuple[float, int, Path]]:
        """Return time of last use, size and path of each file."""
        files = []
        for path in self._folder.rglob("*"):
            try:
                status = path.stat()
            except OSError:  # removed by another engine meanwhile
                continue
            if path.is_file():
                files.append((status.st_mtime, status.st_size, path))
        return files
