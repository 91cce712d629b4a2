"""What libraries print to the terminal by themselves; decoders do, for each damaged frame."""

import faulthandler
import os
import sys
from pathlib import Path

from app.services.rotating_file import open_rotated

LOG_NAME = "native.log"


def divert_native_messages(folder: Path) -> None:
    """Send what native code writes to standard error to a log file from now on.

    Python's own `sys.stderr` stays what it was, so that what the program itself says there is
    seen. Where the log cannot be written, or there is no terminal, nothing changes.

    Args:
        folder: Where the log lies.
    """
    if sys.stderr is None:
        return
    try:
        sys.stderr.flush()
        terminal = os.dup(2)
    except (OSError, ValueError):
        return
    try:
        with open_rotated(folder / LOG_NAME) as log:
            os.dup2(log.fileno(), 2)
    except OSError:
        os.close(terminal)
        return
    sys.stderr = open(  # noqa: SIM115 - it lives as long as the process
        terminal, "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace"
    )
    faulthandler.enable(file=2)  # where native code crashed, in the log
