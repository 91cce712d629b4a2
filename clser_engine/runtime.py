"""The one channel through which long work reports progress and learns that it was cancelled."""

import threading
from collections.abc import Callable

from clser_engine.errors import Cancelled

ProgressCallback = Callable[[str, float, float], None]


class RunContext:
    """Progress and cancellation of one piece of long work.

    Work calls `report` at least every 200 ms; that call is also where a cancellation takes effect.

    Args:
        on_progress: Called with stage, done and total (any unit) in the thread that works.
    """

    def __init__(self, on_progress: ProgressCallback | None = None) -> None:
        self._on_progress = on_progress
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._on_cancel: list[Callable[[], None]] = []

    def cancel(self) -> None:
        """Ask the work to stop at its next report; may be called from any thread."""
        with self._lock:
            self._cancelled.set()
            callbacks, self._on_cancel = self._on_cancel, []
        for callback in callbacks:
            callback()

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call `callback` once when cancelled, or now if that has happened already.

        For work that waits where it cannot report, such as on another process: the callback ends
        the wait. It runs in the thread that cancels and must not block.
        """
        with self._lock:
            if not self._cancelled.is_set():
                self._on_cancel.append(callback)
                return
        callback()

    @property
    def cancel_requested(self) -> bool:
        """Whether somebody asked the work to stop."""
        return self._cancelled.is_set()

    def sleep(self, seconds: float) -> None:
        """Wait without work.

        Raises:
            Cancelled: As soon as somebody asks the work to stop.
        """
        if self._cancelled.wait(seconds):
            raise Cancelled

    def report(self, stage: str, done: float, total: float) -> None:
        """Tell how far the work is.

        Raises:
            Cancelled: If somebody asked the work to stop.
        """
        if self._cancelled.is_set():
            raise Cancelled(stage)
        if self._on_progress is not None:
            self._on_progress(stage, done, total)
