"""Has recordings analysed by the engine, one after the other, whatever happens to the engine."""

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.controllers.analysis_queue import MAX_CRASHES, MAX_KILLS, AnalysisQueue, QueuedClip
from app.controllers.engine_controller import EngineController
from app.errors import explain
from app.jobs.runner import Job, JobRunner
from app.services.engine_process import EngineStatus
from clser_engine.client import DEFAULT_MODEL, AnalyzedAudio
from clser_engine.errors import EngineLostError

LANE = "analysis"


class AnalysisController(QObject):
    """Owns the queue of recordings; results belong to whoever listens, none is kept.

    Args:
        runner: Gives the thread that waits for the engine.
        engine: Says when there is an engine.

    Signals:
        analysis_progressed: Clip, stage and how much of the stage is done, 0 to 1.
        analysis_ready: Clip and its `Analysis`.
        audio_hashed: Clip and the SHA-256 of its file in hex; right before `analysis_ready`.
        analysis_failed: Clip and one sentence.
        queue_changed: How many of how many are done, since the queue was last empty.
    """

    analysis_progressed = Signal(str, str, float)
    analysis_ready = Signal(str, object)
    audio_hashed = Signal(str, str)
    analysis_failed = Signal(str, str)
    queue_changed = Signal(int, int)

    def __init__(
        self, runner: JobRunner, engine: EngineController, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._runner = runner
        self._engine = engine
        self._queue = AnalysisQueue()
        self._model = DEFAULT_MODEL
        self._current: tuple[QueuedClip, Job] | None = None
        self._done = 0
        self._lost_life = 0  # the engine that was lost last; its connection is of no use any more
        self._published = (0, 0)  # done and total, as last told
        engine.state_changed.connect(self._on_engine_state_changed)

    @property
    def is_busy(self) -> bool:
        """Whether clips are analysed or wait for it."""
        return self._current is not None or len(self._queue) > 0

    def set_model(self, reference: str) -> None:
        """Have recordings heard by another model from now on: what waits too."""
        self._model = reference

    @Slot(str, str)
    def analyze(self, clip_id: str, path: str | Path) -> None:
        """Analyse a clip before all that wait: the person looks at it."""
        if self._current is not None and self._current[0].clip_id == clip_id:
            return
        self._queue.put_first(QueuedClip(clip_id, path))
        self._advance()

    def analyze_all(self, clips: Iterable[tuple[str, str | Path]]) -> None:
        """Analyse clips, given by id and path, in their order, when nothing else is to do."""
        current = self._current[0].clip_id if self._current is not None else ""
        self._queue.put_last(
            QueuedClip(clip_id, path) for clip_id, path in clips if clip_id != current
        )
        self._advance()

    @Slot(str)
    def cancel(self, clip_id: str) -> None:
        """Leave a clip out, or stop its analysis."""
        if self._current is not None and self._current[0].clip_id == clip_id:
            self._current[1].cancel()
        elif self._queue.remove(clip_id):
            self._publish_counts()

    @Slot()
    def cancel_all(self) -> None:
        """Leave everything out and stop the analysis that runs."""
        self._queue.clear()
        if self._current is not None:
            self._current[1].cancel()
        else:
            self._publish_counts()

    @Slot(object)
    def _on_engine_state_changed(self, status: EngineStatus) -> None:
        self._advance()

    def _advance(self) -> None:
        """Start the next analysis if there is an engine and none runs."""
        self._publish_counts()
        connection = self._engine.connection
        if self._current is not None or connection is None or connection.life == self._lost_life:
            return
        if self._engine.status.kind == "failed":
            return
        clip = self._queue.take()
        while clip is not None and self._is_given_up(clip):
            clip = self._queue.take()
        if clip is None:
            self._publish_counts()
            return
        clip.life = connection.life
        path, client, model = Path(clip.path), connection.client, self._model
        job = self._runner.submit(
            f"analyse {path.name}",
            lambda context: client.analyze(path, context, model=model),
            lane=LANE,
        )
        self._current = (clip, job)
        job.progressed.connect(
            lambda stage, done, total: self.analysis_progressed.emit(
                clip.clip_id, stage, done / total if total else 0.0
            )
        )
        job.succeeded.connect(lambda result: self._on_succeeded(clip, result))
        job.failed.connect(lambda error: self._on_failed(clip, error))
        job.finished.connect(self._on_finished)

    def _on_succeeded(self, clip: QueuedClip, result: AnalyzedAudio) -> None:
        self._done += 1
        self.audio_hashed.emit(clip.clip_id, result.sha256)
        self.analysis_ready.emit(clip.clip_id, result.analysis)

    def _on_failed(self, clip: QueuedClip, error: Exception) -> None:
        if isinstance(error, EngineLostError):
            self._lost_life = clip.life
            self._queue.put_first(clip)  # taken up again by itself with the next engine
            return
        self._done += 1
        self.analysis_failed.emit(clip.clip_id, explain(error).sentence)

    @Slot()
    def _on_finished(self) -> None:
        self._current = None
        self._advance()

    def _is_given_up(self, clip: QueuedClip) -> bool:
        """Judge a clip whose engine died, now that the next engine runs and says of what."""
        death = self._engine.last_death
        if not clip.life or death is None or death.life != clip.life:
            return False
        clip.life = 0
        if death.cause == "killed":
            clip.kills += 1
        else:
            clip.crashes += 1
        if clip.crashes < MAX_CRASHES and clip.kills < MAX_KILLS:
            return False
        self._done += 1
        self.analysis_failed.emit(
            clip.clip_id,
            f"The engine ended {clip.crashes + clip.kills} times while it analysed "
            f"{clip.path}, which is left out until you choose Analyse again: {death.sentence}",
        )
        return True

    def _publish_counts(self) -> None:
        waiting = len(self._queue) + (self._current is not None)
        total = self._done + waiting
        if (self._done, total) != self._published:
            self._published = (self._done, total)
            self.queue_changed.emit(self._done, total)
        if not waiting:
            self._done = 0
            self._published = (0, 0)
