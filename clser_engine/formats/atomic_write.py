"""Writing a file so that it is either the whole new one or the old one, whatever happens."""

import errno
import os
from pathlib import Path
from uuid import uuid4

from clser_engine.errors import FormatError

_CAUSES = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "your disk quota is used up; free some space or choose another folder",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.EACCES: "the folder does not permit it; choose another folder",
    errno.EPERM: "the folder does not permit it; choose another folder",
    errno.ENOENT: "the folder does not exist; create it or choose another",
    errno.ENOTDIR: "its folder is a file; choose another folder",
    errno.EISDIR: "a folder has that name; choose another name",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}


def write_atomically(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Write `data` beside `path`, bring it to disk and rename it into place.

    Args:
        path: The file to make.
        data: Its whole contents.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FormatError: If the file exists and may not be replaced, or cannot be written.
    """
    if not overwrite and os.path.lexists(path):
        raise FormatError(
            f"{path} exists already and was left as it is; choose another name or allow replacing."
        )
    temporary = path.with_name(f".{uuid4().hex}.tmp")
    try:
        try:
            with open(temporary, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        cause = _CAUSES.get(error.errno or 0, f"{_reason(error)}; choose another folder")
        raise FormatError(f"{path} cannot be written because {cause}.") from error


def _sync_folder(folder: Path) -> None:
    """Bring the renaming itself to disk, where the system lets a folder be opened."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _reason(error: OSError) -> str:
    return f"the system says '{error.strerror or type(error).__name__}'"
