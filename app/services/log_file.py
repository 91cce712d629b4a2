"""The log on this computer, and what of it may leave by the person's own hand."""

import contextlib
import logging
import sys
import traceback
from collections import deque
from logging.handlers import RotatingFileHandler
from pathlib import Path

MAX_BYTES = 1_000_000
OLD_FILES = 3
REPORT_LINES = 100
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class QuietFileHandler(RotatingFileHandler):
    """Loses a line where the disk is full or gone, instead of printing a traceback for each."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  its name in logging
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # what was not written yet
            super().close()


class ReportHandler(logging.Handler):
    """Remembers the last messages without what was filled into them.

    Paths, names and labels are arguments of messages, so a report made from here holds none.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: deque[str] = deque(maxlen=REPORT_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.name}: {record.msg}")
        if record.exc_info and record.exc_info[0] is not None:
            kind, _, trace = record.exc_info
            self.lines.append(f"  {kind.__name__}")
            for frame in traceback.extract_tb(trace):
                file_name = Path(frame.filename).name
                self.lines.append(f"    {file_name}:{frame.lineno} {frame.name}")


def start_log(folder: Path) -> ReportHandler:
    """Write the log to a folder from now on; go on without a file where that cannot be written."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    handler = ReportHandler()
    root.addHandler(handler)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        to_file = QuietFileHandler(
            folder / "clser-studio.log", maxBytes=MAX_BYTES, backupCount=OLD_FILES, encoding="utf-8"
        )
    except OSError as error:
        root.info("No log file (%s)", error)
        return handler
    to_file.setFormatter(logging.Formatter(FORMAT))
    root.addHandler(to_file)
    return handler


def stop_log() -> None:
    """Close the log file and remember nothing more."""
    root = logging.getLogger()
    for handler in tuple(root.handlers):
        if isinstance(handler, (ReportHandler, RotatingFileHandler)):
            root.removeHandler(handler)
            handler.close()
