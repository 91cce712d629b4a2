"""Finds out about the files of the open project in the background, a few at a time."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal, Slot

from app.controllers.project_controller import ProjectController
from app.domain.clips import Probe
from app.domain.edits import Changes
from app.errors import explain
from app.jobs.runner import Job, JobRunner
from app.services.probing import Unknown, find_unknown, hash_files, is_missing, probe_files
from app.services.project_store import ProjectStore
from clser_engine.runtime import RunContext

PROBE_BATCH = 16  # results reach the list in parts, each one commit of a few milliseconds
HASH_BATCH = 64
HASH_BATCH_BYTES = 32 * 1024**2  # long recordings come in smaller parts, so that progress is seen
LANE = "recordings"

T = TypeVar("T")


class ProbeController(QObject):
    """Keeps lengths, rates, hashes and problems of the project's files up to date.

    All lengths come first, because the person sees them; hashes, for which each file is read
    whole, come last.

    Args:
        project: Owner of the open project.
        runner: Runs what takes long.

    Signals:
        progressed: What is being done in words, how many files are done, how many there are.
        finished: Nothing is left to find out, or it was cancelled.
        missing_found: Number of clips whose files are gone, where there are any.
        failed: One sentence about something unforeseen.
    """

    progressed = Signal(str, int, int)
    finished = Signal()
    missing_found = Signal(int)
    failed = Signal(str)

    def __init__(
        self, project: ProjectController, runner: JobRunner, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._project = project
        self._runner = runner
        self._job: Job | None = None
        self._take: Callable[[ProjectStore, Any], bool] | None = None  # Any: of its work's kind
        self._unchecked: list[str] = []
        self._unprobed: dict[str, None] = {}  # a set that keeps its order
        self._unhashed: dict[str, None] = {}
        self._done = 0
        self._has_begun = False
        project.project_opened.connect(self._on_opened)
        project.project_closed.connect(self.cancel)
        project.changed.connect(self._on_changed)

    @property
    def is_busy(self) -> bool:
        """Whether something is left to find out."""
        return self._job is not None

    @Slot()
    def cancel(self) -> None:
        """Stop; what is not known stays unknown until the project is opened again."""
        self._unchecked.clear()
        self._unprobed.clear()
        self._unhashed.clear()
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self._end()

    @Slot(object)
    def _on_opened(self, store: ProjectStore) -> None:
        self._unchecked = [clip.path for clip in store.clips()]
        self._advance(store)

    @Slot(object)
    def _on_changed(self, changes: Changes) -> None:
        store = self._project.store
        if store is None or not changes.edit.added_clips:
            return
        known = store.probes()
        for clip in changes.edit.added_clips:
            probe = known.get(clip.path)
            if probe is None or probe.size_bytes is None:
                self._unprobed[clip.path] = None
        self._advance(store)

    def _advance(self, store: ProjectStore) -> None:
        """Start the next part, unless one runs."""
        known = store.probes()
        if self._job is not None:
            return
        if self._unchecked:
            pairs = [(path, known.get(path)) for path in self._unchecked]
            self._unchecked = []
            self._start(lambda context: find_unknown(pairs, context), self._take_unknown)
        elif self._unprobed:
            paths = _take_some(self._unprobed, PROBE_BATCH)
            before = {path: known[path] for path in paths if path in known}
            self._start(lambda context: probe_files(paths, before, context), self._take_probes)
        elif self._unhashed:
            paths = _take_some(self._unhashed, _hash_batch(self._unhashed, known))
            probes = [known[path] for path in paths if path in known]
            self._start(lambda context: hash_files(probes, context), self._take_hashes)
        elif self._has_begun:
            self._end()
            missing = sum(
                is_missing(probe)
                for clip in store.clips()
                if (probe := known.get(clip.path)) is not None
            )
            if missing:
                self.missing_found.emit(missing)

    def _start(
        self, work: Callable[[RunContext], T], take: Callable[[ProjectStore, T], bool]
    ) -> None:
        # Bound methods, because a function that held the job would form a cycle with it, and
        # such a cycle may be collected in a worker thread, where no QObject may end.
        self._has_begun = True
        self._take = take
        self._job = self._runner.submit("find out about recordings", work, lane=LANE)
        self._job.succeeded.connect(self._on_succeeded)
        self._job.failed.connect(self._on_failed)

    @Slot(object)
    def _on_succeeded(self, result: object) -> None:
        store, take = self._project.store, self._take
        self._job = None
        if store is None or take is None:
            return  # closed meanwhile, which also cancels
        if take(store, result):
            self._advance(store)
        else:
            self.cancel()  # it could not be stored, which the project has said

    @Slot(object)
    def _on_failed(self, error: BaseException) -> None:
        self._job = None
        self.cancel()
        self.failed.emit(explain(error).sentence)

    def _end(self) -> None:
        """Tell the end of what has begun."""
        self._done = 0
        if self._has_begun:
            self._has_begun = False
            self.finished.emit()

    def _take_unknown(self, _store: ProjectStore, unknown: Unknown) -> bool:
        self._unprobed |= dict.fromkeys(unknown.unprobed)
        self._unhashed |= dict.fromkeys(unknown.unhashed)
        return True

    def _take_probes(self, store: ProjectStore, probes: list[Probe]) -> bool:
        there = [probe.path for probe in probes if not is_missing(probe)]
        self._unhashed |= dict.fromkeys(there)
        return self._keep(probes, self.tr("Reading recordings"), len(self._unprobed))

    def _take_hashes(self, store: ProjectStore, probes: list[Probe]) -> bool:
        return self._keep(probes, self.tr("Remembering contents"), len(self._unhashed))

    def _keep(self, probes: list[Probe], words: str, left: int) -> bool:
        """Store what was found out; False if that failed, which the project has said."""
        if self._project.store_probes(probes) is None:
            return False
        self._done += len(probes)
        self.progressed.emit(words, self._done, self._done + left)
        return True


def _hash_batch(paths: Iterable[str], known: Mapping[str, Probe]) -> int:
    """Return how many files are hashed together."""
    num_bytes = 0
    for count, path in enumerate(paths):
        if count == HASH_BATCH or num_bytes >= HASH_BATCH_BYTES:
            return count
        num_bytes += (known[path].size_bytes or 0) if path in known else 0
    return HASH_BATCH


def _take_some(paths: dict[str, None], number: int) -> list[str]:
    taken = list(paths)[:number]
    for path in taken:
        del paths[path]
    return taken
