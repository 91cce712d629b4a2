"""Reading a whole text file that a person chose."""

import codecs
import stat
from pathlib import Path

from clser_engine.errors import FormatError

MAX_BYTES = 1_000_000_000
"""No file of labels is larger; a film chosen by mistake must not fill the memory."""


def read_bytes(path: Path) -> bytes:
    """Return the contents of a file.

    Raises:
        FormatError: If it is missing, a folder, no regular file, too large or not permitted.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise FormatError(f"{path} is a folder; choose a file in it.")
        if not stat.S_ISREG(status.st_mode):
            raise FormatError(f"{path} is a pipe or device; choose a file.")
        if status.st_size > MAX_BYTES:
            raise FormatError(f"{path} is larger than 1 GB and cannot be labels; choose another.")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise FormatError(f"{path} does not exist; check the name.") from error
    except PermissionError as error:
        raise FormatError(
            f"{path} may not be read; change its permissions or copy it elsewhere."
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        raise FormatError(
            f"{path} cannot be read because the system says '{error}'; choose another."
        ) from error


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8 or UTF-16, without its byte order mark.

    Raises:
        FormatError: As `read_bytes`, or if it is not text.
    """
    data = read_bytes(path)
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return data.decode("utf-16")
        # surrogatepass: names of files need not be valid text, and must come back as they were
        return data.decode("utf-8", "surrogatepass").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{path} is not text in UTF-8 or UTF-16; save it as UTF-8 and try again."
        ) from error
