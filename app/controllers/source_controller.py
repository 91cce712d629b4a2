"""Opens recordings for the time axis and reads them in the background."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.jobs.runner import Job, JobRunner
from app.services.peaks import AudioSource, Loaded, open_source
from app.services.view_cache import ViewCache

OPEN_LANE = "open recording"
BUILD_LANE = "read recording"
LOAD_LANE = "draw recording"


class SourceController(QObject):
    """One recording at a time: opening another stops what was read for the last.

    Signals:
        source_opened: `AudioSource`, ready to be drawn, perhaps not yet read.
        source_changed: More of it was read or loaded.
        source_completed: All of it was read.
        source_failed: Path and the sentence that says why.
    """

    source_opened = Signal(object)
    source_changed = Signal()
    source_completed = Signal()
    source_failed = Signal(str, str)

    def __init__(self, runner: JobRunner, cache: ViewCache, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._cache = cache
        self._source: AudioSource | None = None
        self._jobs: list[Job] = []

    @property
    def source(self) -> AudioSource | None:
        """What is open."""
        return self._source

    @Slot(str)
    def open(self, path: str, channel: int | None = None) -> None:
        """Open a recording; `source_opened` or `source_failed` follows."""
        self.close()
        job = self._runner.submit_newest(
            OPEN_LANE, "source", lambda _: open_source(Path(path), self._cache, channel)
        )
        job.succeeded.connect(self._on_opened)
        job.failed.connect(lambda error: self.source_failed.emit(path, str(error)))
        self._jobs.append(job)

    @Slot()
    def close(self) -> None:
        """Stop reading; nothing is open then."""
        for job in self._jobs:
            job.cancel()
        self._jobs.clear()
        self._source = None

    @Slot(object, object)
    def load(self, source: AudioSource, wanted: Loaded) -> None:
        """Load what a view lacks; the newest wish wins."""
        if source is not self._source:
            return
        job = self._runner.submit_newest(
            LOAD_LANE, "view", lambda context: source.load(wanted, context)
        )
        job.succeeded.connect(lambda loaded: self._on_loaded(source, loaded))
        job.failed.connect(lambda error: self._on_failed(source, error))

    def _on_opened(self, source: AudioSource) -> None:
        self._source = source
        self._jobs.clear()
        self.source_opened.emit(source)
        if source.is_complete:
            self.source_completed.emit()
            return
        job = self._runner.submit_newest(BUILD_LANE, "source", source.build)
        job.progressed.connect(lambda *_: self._on_grown(source))
        job.succeeded.connect(lambda _: self._on_built(source))
        job.failed.connect(lambda error: self._on_failed(source, error))
        self._jobs.append(job)

    def _on_grown(self, source: AudioSource) -> None:
        if source is self._source:
            self.source_changed.emit()

    def _on_built(self, source: AudioSource) -> None:
        if source is self._source:
            self.source_changed.emit()
            self.source_completed.emit()

    def _on_loaded(self, source: AudioSource, loaded: Loaded) -> None:
        source.keep(loaded)
        self._on_grown(source)

    def _on_failed(self, source: AudioSource, error: Exception) -> None:
        if source is self._source:
            self.source_failed.emit(str(source.info.path), str(error))
