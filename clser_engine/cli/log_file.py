"""The log file of the command line program."""

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

from platformdirs import user_log_path

MAX_BYTES = 1_000_000
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_file_path() -> Path:
    """Return where `clser` logs; below `CLSER_HOME` where that is set."""
    home = os.environ.get("CLSER_HOME")
    folder = Path(home) / "logs" if home else user_log_path("clser-studio")
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
