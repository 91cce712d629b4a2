"""Reading a whole text file that a person chose."""

import codecs
from pathlib import Path

from clser_engine.errors import FormatError

MAX_BYTES = 1_000_000_000
"""No file of labels is larger; a film chosen by mistake must not fill the memory."""


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8 or UTF-16, without its byte order mark.

    Raises:
        FormatError: If it is missing, a folder, too large, not permitted or not text.
    """
    try:
        if path.is_dir():
            raise FormatError(f"{path} is a folder; choose a file in it.")
        if path.stat().st_size > MAX_BYTES:
            raise FormatError(f"{path} is larger than 1 GB and cannot be labels; choose another.")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise FormatError(f"{path} does not exist; check the name.") from error
    except PermissionError as error:
        raise FormatError(
            f"{path} may not be read; change its permissions or copy it elsewhere."
        ) from error
    except OSError as error:
        raise FormatError(
            f"{path} cannot be read because the system says '{error.strerror}'; "
            "copy it to another disk."
        ) from error
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        if is_utf16:
            return data.decode("utf-16")
        # surrogatepass: names of files need not be valid text, and must come back as they were
        return data.decode("utf-8", "surrogatepass").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{path} is not text in UTF-8 or UTF-16; save it as UTF-8 and try again."
        ) from error
