"""An engine that the studio started ends with it, however the studio ends."""

import ctypes
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

logger = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
NICENESS = 5  # 19 would starve the engine beside any other program
EXIT_TIMEOUT_S = 1.0  # the studio promises that everything is gone within 2 s


def die_with_parent() -> None:
    """On Linux: have the kernel kill this process when the thread that started it ends.

    The starter must therefore be a thread that outlives the process. Elsewhere the closing of
    standard input does the same, unless this process hangs.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def yield_to_the_window() -> None:
    """Take the processor only where the window leaves it: drawing comes before analysing."""
    if sys.platform != "win32":
        os.nice(NICENESS)


def read_line_and_watch(stream: BinaryIO, on_close: Callable[[], None]) -> str:
    """Return the first line of a stream and call `on_close` when the stream ends.

    The line is empty if the stream has ended already.
    """
    line = stream.readline().decode("utf-8", "replace").strip()

    descriptor = stream.fileno()

    def watch() -> None:
        # Not through the buffer: Python aborts at its end if a thread holds the buffer's lock.
        while os.read(descriptor, 4096):
            pass
        logger.info("Standard input was closed: the engine stops")
        on_close()

    threading.Thread(target=watch, name="stdin", daemon=True).start()
    return line


def exit_soon(timeout_s: float = EXIT_TIMEOUT_S) -> None:
    """End the process at the latest after a time, whatever hangs."""
    timer = threading.Timer(timeout_s, os._exit, args=(1,))
    timer.daemon = True
    timer.start()
