"""Long work off the GUI thread.

Rules that this module exists to keep:

- A worker thread touches no QObject but the runner's one private signal, and keeps none alive.
- The runner outlives its workers, so the signal's owner is never deleted under them.
- Progress is polled, not pushed: work that reports 10,000 times a second costs the event loop
  the same as work that reports twice.
- With a key the newest work wins; an older result is never delivered late.
"""

import logging
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import count

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from app.errors import AppError
from clser_engine.errors import Cancelled, EngineError
from clser_engine.runtime import RunContext

logger = logging.getLogger(__name__)

POLL_INTERVAL_MS = 100
SWITCH_INTERVAL_S = 0.0005
DEFAULT_LANE = "io"
THREADS_OF_LANE = {DEFAULT_LANE: 2}  # decoding and reading folders; every other lane has one
SHUTDOWN_TIMEOUT_S = 5.0  # work reports every 200 ms, so this is generous


class _LatestProgress:
    """Where a worker leaves its newest report; plain data, so that it may outlive the job."""

    def __init__(self) -> None:
        self.value: tuple[str, float, float] | None = None

    def set(self, stage: str, done: float, total: float) -> None:
        self.value = (stage, done, total)


class Job(QObject):
    """Handle on one piece of background work; lives on the GUI thread.

    Signals:
        progressed: Stage, done and total of the newest report, at most once per poll.
        succeeded: What the work returned.
        failed: The exception that it raised.
        cancelled: It was stopped or superseded; its result, if any, is dropped.
        finished: Always, once, after one of the three above.
    """

    progressed = Signal(str, float, float)
    succeeded = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    finished = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self._latest = _LatestProgress()
        self._shown: tuple[str, float, float] | None = None
        self.context = RunContext(self._latest.set)

    def cancel(self) -> None:
        """Ask the work to stop; `cancelled` follows once it has."""
        self.context.cancel()

    def poll(self) -> None:
        """Emit `progressed` if there is news."""
        latest = self._latest.value
        if latest is not None and latest is not self._shown:
            self._shown = latest
            self.progressed.emit(*latest)

    def settle(self, future: Future[object]) -> None:
        """Emit how the work ended."""
        self.poll()
        error = None if future.cancelled() else future.exception()
        if future.cancelled() or self.context.cancel_requested or isinstance(error, Cancelled):
            self.cancelled.emit()
        elif error is not None:
            if isinstance(error, (EngineError, AppError)):
                logger.info("Job %r: %s", self.name, error)
            else:
                logger.error("Job %r failed", self.name, exc_info=error)
            self.failed.emit(error)
        else:
            self.succeeded.emit(future.result())
        self.finished.emit()


class JobRunner(QObject):
    """All background work of the window, in lanes that do not wait for each other."""

    _settled = Signal(int)  # job number: from a worker thread to the GUI thread

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # The GUI thread waits for a busy worker as long as this, each time that it needs Python.
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._lanes: dict[str, ThreadPoolExecutor] = {}
        self._running: dict[int, tuple[Job, Future[object]]] = {}
        self._newest: dict[tuple[str, str], Job] = {}
        self._numbers = count()
        self._is_shut_down = False
        self._settled.connect(self._on_settled, Qt.ConnectionType.QueuedConnection)
        self._timer = QTimer(self, interval=POLL_INTERVAL_MS)
        self._timer.timeout.connect(self._on_timeout)

    @property
    def names(self) -> list[str]:
        """Names of the work that is waiting or running, oldest first."""
        return [job.name for job, _ in self._running.values()]

    def submit(
        self, name: str, work: Callable[[RunContext], object], *, lane: str = DEFAULT_LANE
    ) -> Job:
        """Run `work(context)` in a lane.

        Args:
            name: What it is, for people and the log.
            work: Gets plain data and a `RunContext`, returns plain data, touches no QObject.
            lane: Name of the queue; lanes do not wait for each other.

        Returns:
            The handle; connect to its signals before returning to the event loop.
        """
        job = Job(name)
        if self._is_shut_down:
            job.cancel()
            QTimer.singleShot(0, job, lambda: job.settle(_cancelled_future()))
            return job
        number = next(self._numbers)
        future = self._pool(lane).submit(_run, work, job.context)
        self._running[number] = (job, future)
        self._timer.start()
        # The callback must not hold the job: a worker thread would delete a QObject.
        future.add_done_callback(lambda _: self._settled.emit(number))
        return job

    def submit_newest(self, lane: str, key: str, work: Callable[[RunContext], object]) -> Job:
        """Run `work(context)` in a lane after cancelling what last used this lane and key.

        For work that follows the pointer, the view or the selection.
        """
        if (previous := self._newest.get((lane, key))) is not None:
            previous.cancel()
        job = self.submit(f"{lane} {key}", work, lane=lane)
        self._newest[lane, key] = job
        return job

    def shutdown(self, timeout_s: float = SHUTDOWN_TIMEOUT_S) -> list[str]:
        """Cancel everything, wait, and return the names of work that did not stop in time.

        Nothing runs afterwards: what is submitted later is cancelled at once.
        """
        self._is_shut_down = True
        self._timer.stop()
        for job, _ in self._running.values():
            job.cancel()
        for pool in self._lanes.values():
            pool.shutdown(wait=False, cancel_futures=True)
        started = [f for _, f in self._running.values() if not f.cancelled()]  # others never end
        late = wait(started, timeout=timeout_s).not_done
        return [job.name for job, future in self._running.values() if future in late]

    def _pool(self, lane: str) -> ThreadPoolExecutor:
        if lane not in self._lanes:
            threads = THREADS_OF_LANE.get(lane, 1)
            self._lanes[lane] = ThreadPoolExecutor(threads, thread_name_prefix=f"job-{lane}")
        return self._lanes[lane]

    @Slot(int)
    def _on_settled(self, number: int) -> None:
        job, future = self._running.pop(number)
        if not self._running:
            self._timer.stop()
        for lane_and_key, newest in tuple(self._newest.items()):
            if newest is job:
                del self._newest[lane_and_key]
        job.settle(future)

    @Slot()
    def _on_timeout(self) -> None:
        for job, _ in tuple(self._running.values()):  # a slot may submit more
            job.poll()


def _run(work: Callable[[RunContext], object], context: RunContext) -> object:
    if context.cancel_requested:  # superseded while it waited: do not even start
        raise Cancelled
    return work(context)


def _cancelled_future() -> Future[object]:
    future: Future[object] = Future()
    future.cancel()
    return future
