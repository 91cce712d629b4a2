"""A log file that another process writes: rotated before it starts, read when it ended."""

from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

MAX_BYTES = 1_000_000
MAX_OLD_FILES = 3
TAIL_BYTES = 8_192


def open_rotated(path: Path, *, max_bytes: int = MAX_BYTES) -> BinaryIO:
    """Open a log to append to; one that has grown large is put aside first.

    Raises:
        OSError: If the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file() and path.stat().st_size > max_bytes:
        with suppress(OSError):  # another window's engine may have it open on Windows
            for number in range(MAX_OLD_FILES, 0, -1):
                newer = path if number == 1 else _numbered(path, number - 1)
                if newer.exists():
                    newer.replace(_numbered(path, number))
    return path.open("ab")


def last_line(path: Path, *, after: int = 0) -> str:
    """Return the last line with text in it, of what was written after a position."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(after, file.tell() - TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
