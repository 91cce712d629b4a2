"""What keeps a path from being a readable recording, before any decoder sees it."""

import os
import stat
from pathlib import Path

from clser_engine.errors import AudioError


def check_file(path: Path) -> os.stat_result:
    """Return the file's status if it is a regular file that can be opened and is not empty.

    A named pipe or device is refused without opening it: that could wait for ever.

    Raises:
        AudioError: If it is missing, a folder, no regular file, not permitted or empty.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError as error:
        raise AudioError(
            f"{path} does not exist; it may have been moved or renamed, so check its name."
        ) from error
    except PermissionError as error:
        raise AudioError(_not_permitted(path)) from error
    except (OSError, ValueError) as error:  # a loop of links, a name with a zero byte
        raise AudioError(f"{path} is not a usable file name; check it.") from error
    if stat.S_ISDIR(status.st_mode):
        raise AudioError(f"{path} is a folder, not a recording; name a file in it.")
    if not stat.S_ISREG(status.st_mode):
        raise AudioError(f"{path} is a pipe or device, not a file; record it to a file first.")
    try:
        os.close(os.open(path, os.O_RDONLY))
    except PermissionError as error:
        raise AudioError(_not_permitted(path)) from error
    except OSError as error:
        raise AudioError(
            f"{path} cannot be opened because the system says '{error.strerror}'; "
            "copy it to another disk."
        ) from error
    if status.st_size == 0:
        raise AudioError(f"{path} is empty (0 bytes); copy it again from where it came.")
    return status


def _not_permitted(path: Path) -> str:
    return f"{path} may not be read by you; change its permissions or copy it elsewhere."
