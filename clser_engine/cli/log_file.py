"""The log file of the command line program."""

import faulthandler
import logging
import os
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from platformdirs import user_log_path

MAX_BYTES = 1_000_000
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_file_path() -> Path:
    """Return where `clser` logs; below `CLSER_HOME` where that is set."""
    home = os.environ.get("CLSER_HOME")
    folder = Path(home) / "log" if home else user_log_path("clser-studio")
    return folder / "clser.log"


def start_log(debug: bool) -> Path:
    """Log to the file, and with `debug` to the terminal too; return the file's path.

    A log that cannot be written (full disk, no permission) never stops the command.
    """
    root = logging.getLogger()
    for handler in [h for h in root.handlers if h.get_name() == "clser"]:
        root.removeHandler(handler)
        handler.close()
    path = log_file_path()
    handlers: list[logging.Handler] = []
    if debug:
        handlers.append(logging.StreamHandler())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(
            RotatingFileHandler(
                path, maxBytes=MAX_BYTES, backupCount=3, encoding="utf-8", delay=True
            )
        )
    except OSError:
        pass
    for handler in handlers:
        handler.set_name("clser")
        handler.setFormatter(logging.Formatter(FORMAT))
        root.addHandler(handler)
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    logging.raiseExceptions = debug
    return path


def divert_native_messages(path: Path) -> None:
    """Send what libraries print to stderr by themselves (decoders do) to the log file.

    Python's own `sys.stderr` stays what it was, so that a person sees one line per failure.
    """
    try:
        log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    except OSError:
        return
    terminal = os.dup(2)
    sys.stderr.flush()
    sys.stderr = open(  # noqa: SIM115 - it lives as long as the process
        terminal, "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace"
    )
    os.dup2(log, 2)
    os.close(log)
    faulthandler.enable(file=2)  # where a native crash happened, in the log
