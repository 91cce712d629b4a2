"""One writer for a project: a lock file that names process, host and start time.

The operating system's own lock on that file is what excludes; it goes when its process does, so a
lock that a crash left behind is taken over without a question. Where a file system has no such
locks, the process named in the file is looked up, with its start time because ids are used again.
"""

import contextlib
import errno
import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from app.errors import ProjectFolderError, ProjectLockedError

LOCK_NAME = "project.lock"

_HELD = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK})
_LOCKED_BYTE = 1 << 30  # far behind the text, which others must be able to read on Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRecord:
    """Who holds a project.

    Args:
        pid: Process id.
        process: Boot and start time of that process, as `process_identity` gives it.
        host: Name of the computer.
        since: When it was taken, ISO 8601.
    """

    pid: int
    process: str
    host: str
    since: str


class ProjectLock:
    """The lock of one project folder, held until `release` or the end of the process.

    Args:
        folder: The project's folder.

    Raises:
        ProjectLockedError: If another window, here or on another computer, has the project open.
        ProjectFolderError: If the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._fd = self._open(folder)
        try:
            self._exclude(folder)
            self._write()
        except BaseException:
            os.close(self._fd)
            raise

    def release(self) -> None:
        """Give the project free; a second call does nothing."""
        if self._fd < 0:
            return
        with contextlib.suppress(OSError):  # the folder may be gone; the lock then is too
            os.ftruncate(self._fd, 0)
        os.close(self._fd)
        self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def _open(self, folder: Path) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        except OSError as error:
            raise ProjectFolderError(
                f"The project {folder.name} cannot be changed because its folder {folder} is not"
                f" writable ({error.strerror}); open it read-only, or copy it to another folder."
            ) from error

    def _exclude(self, folder: Path) -> None:
        held = _lock_file(self._fd)
        record = _read_record(self._fd)
        if held is False or (record is not None and _still_runs(record, os_lock=held)):
            raise ProjectLockedError(_locked_text(folder, record))
        if record is not None and record.host != platform.node():
            raise ProjectLockedError(
                f"The project {folder.name} is open on the computer {record.host} since"
                f" {_minute(record.since)}; close it there or open it read-only here, and if that"
                f" computer no longer has it open, delete {self._path}."
            )

    def _write(self) -> None:
        record = LockRecord(
            pid=os.getpid(),
            process=process_identity(os.getpid()) or "",
            host=platform.node(),
            since=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        with contextlib.suppress(OSError):  # a full disk: the lock holds, only its text is missing
            os.ftruncate(self._fd, 0)
            os.lseek(self._fd, 0, os.SEEK_SET)
            os.write(self._fd, json.dumps(asdict(record)).encode())


def process_identity(pid: int) -> str | None:
    """Return what tells a running process from any other that has or had its id; None if none runs.

    On Linux that is the boot and the tick it started at, which no change of the clock touches.
    """
    if sys.platform.startswith("linux"):
        try:
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
            status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        after_name = status.rpartition(")")[2].split()
        return None if after_name[0] in "ZX" else f"{boot}:{after_name[19]}"
    import psutil

    try:
        return f"{psutil.Process(pid).create_time():.2f}"
    except psutil.Error:
        return None


def _lock_file(fd: int) -> bool | None:
    """Take the system's lock: True taken, False held by another, None where there are none."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(fd, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in _HELD else None
    return True


def _read_record(fd: int) -> LockRecord | None:
    os.lseek(fd, 0, os.SEEK_SET)
    try:
        values = json.loads(os.read(fd, 4096))
        return LockRecord(
            pid=int(values["pid"]),
            process=str(values["process"]),
            host=str(values["host"]),
            since=str(values["since"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None  # empty, or cut short by a crash while it was written


def _still_runs(record: LockRecord, os_lock: bool | None) -> bool:
    if record.host != platform.node() or (os_lock and record.pid == os.getpid()):
        return False
    return bool(record.process) and process_identity(record.pid) == record.process


def _locked_text(folder: Path, record: LockRecord | None) -> str:
    holder = "another window"
    if record is not None:
        holder += f" (process {record.pid} on {record.host}, since {_minute(record.since)})"
    return f"The project {folder.name} is open in {holder}; use that window or open it read-only."


def _minute(since: str) -> str:
    return since[:16].replace("T", " ") + " UTC"
