"""The job table: long work of the engine in lanes, with progress, waiting and cancellation."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, TypeVar

from clser_engine.errors import Cancelled, ServiceError
from clser_engine.runtime import RunContext

logger = logging.getLogger(__name__)

T = TypeVar("T")

NEWS_INTERVAL_S = 0.05  # progress goes over the wire at most 20 times a second
WAITING = "waiting"


class Report(NamedTuple):
    """How far a job is."""

    stage: str
    done: float
    total: float


class Job(Generic[T]):
    """One piece of work in a lane.

    Args:
        name: What it is, for people.
        work: Runs in the lane's thread; reports and can be cancelled through the context.
    """

    def __init__(self, name: str, work: Callable[[RunContext], T]) -> None:
        self.name = name
        self.context = RunContext(self._on_progress)
        self._work = work
        self._changed = threading.Condition()
        self._report = Report(WAITING, 0.0, 1.0)
        self._has_ended = False
        self._result: T | None = None
        self._error: BaseException | None = None

    def cancel(self) -> None:
        """Ask the work to stop; one that still waits never starts."""
        self.context.cancel()

    def follow(self) -> Iterator[Report]:
        """Yield the newest report whenever there is one, until the work has ended."""
        shown: Report | None = None
        while True:
            with self._changed:
                while not self._has_ended and self._report is shown:
                    self._changed.wait()
                if self._has_ended:
                    return
                shown = self._report
            yield shown
            with self._changed:
                self._changed.wait_for(lambda: self._has_ended, timeout=NEWS_INTERVAL_S)

    def result(self) -> T:
        """Wait for the end and return what the work returned.

        Raises:
            BaseException: What the work raised; `Cancelled` if it was stopped.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._has_ended)
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # T may itself be None

    def run(self) -> None:
        """Do the work; for the lane's thread."""
        result, error = None, None
        try:
            self.context.report(WAITING, 1.0, 1.0)  # raises if it was cancelled while it waited
            result = self._work(self.context)
        except BaseException as raised:  # handed on to whoever asks for the result
            error = raised
        self.end(result, error)

    def end(self, result: T | None, error: BaseException | None) -> None:
        """Note how it ended and wake everybody who waits for it."""
        with self._changed:
            self._result, self._error, self._has_ended = result, error, True
            self._changed.notify_all()

    def _on_progress(self, stage: str, done: float, total: float) -> None:
        with self._changed:
            self._report = Report(stage, done, total)
            self._changed.notify_all()


class Lane:
    """A queue with a thread of its own: first come, first served, one at a time.

    Args:
        name: For people and the thread's name.
        max_waiting: How many jobs may wait; more are refused, so that waiting calls can never
            use up the threads that answer the handshake.
        on_change: Called, without arguments, when a job starts or ends or the queue grows.
    """

    def __init__(
        self, name: str, *, max_waiting: int, on_change: Callable[[], None] = lambda: None
    ) -> None:
        self._name = name
        self._max_waiting = max_waiting
        self._on_change = on_change
        self._waiting: deque[Job[object]] = deque()
        self._running: Job[object] | None = None
        self._is_closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"lane-{name}", daemon=True)
        self._thread.start()

    @property
    def running(self) -> str:
        """Name of the job that runs, or empty."""
        job = self._running
        return job.name if job is not None else ""

    @property
    def num_waiting(self) -> int:
        """Number of jobs behind the one that runs."""
        return len(self._waiting)

    def submit(self, name: str, work: Callable[[RunContext], T]) -> Job[T]:
        """Put work at the end of the queue.

        Raises:
            ServiceError: If too much waits already.
        """
        job = Job(name, work)
        with self._changed:
            if self._is_closed or len(self._waiting) >= self._max_waiting:
                raise ServiceError(
                    f"The engine has {len(self._waiting)} jobs waiting, the most it takes is "
                    f"{self._max_waiting}; try again when some have ended."
                )
            self._waiting.append(job)  # type: ignore[arg-type]  # the lane never reads the result
            self._changed.notify_all()
        job.context.on_cancel(lambda: self._drop(job))
        self._on_change()
        return job

    def close(self, timeout_s: float = 1.0) -> None:
        """Cancel everything, take nothing more and wait for the thread."""
        with self._changed:
            self._is_closed = True
            jobs = [*self._waiting, *([self._running] if self._running else [])]
            self._changed.notify_all()
        for job in jobs:
            job.cancel()
        self._thread.join(timeout_s)

    def _drop(self, job: Job[T]) -> None:
        """End a cancelled job that has not started; one that runs stops at its next report."""
        with self._changed:
            if job not in self._waiting:
                return
            self._waiting.remove(job)  # type: ignore[arg-type]
        job.end(None, Cancelled(job.name))
        self._on_change()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                if not self._waiting:
                    return
                job = self._running = self._waiting.popleft()
            self._tell()
            job.run()
            with self._changed:
                self._running = None
            self._tell()

    def _tell(self) -> None:
        try:
            self._on_change()
        except Exception:  # whoever listens, the lane must go on
            logger.exception("Nobody hears of the lane %s", self._name)
