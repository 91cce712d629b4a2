"""Starts, watches and stops the engine for the window."""

from dataclasses import replace

from PySide6.QtCore import QObject, Qt, Signal, Slot

from app.errors import explain
from app.jobs.runner import Job, JobRunner
from app.services.engine_child import Death
from app.services.engine_process import Connection, EngineProcess, EngineStatus

LANE = "engine"  # one thread, which lasts: the engine lives no longer than it
GPU, CPU = "cuda", "cpu"  # as the settings name them
CPU_NAME = "CPU"  # as an engine names it


class EngineController(QObject):
    """Owns the engine; nothing here ever waits for it.

    Args:
        runner: Gives the thread that watches.
        engine: What is watched.

    Signals:
        state_changed: The new `EngineStatus`.
    """

    state_changed = Signal(object)

    _published = Signal(object)  # EngineStatus: from the watching thread to this one

    def __init__(
        self, runner: JobRunner, engine: EngineProcess, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._runner = runner
        self._engine = engine
        self._job: Job | None = None
        self._is_restart_wanted = False
        self._device = engine.device
        self._notice = ""
        self._status = EngineStatus(kind="starting")
        self._published.connect(self._on_published, Qt.ConnectionType.QueuedConnection)

    @property
    def status(self) -> EngineStatus:
        """The newest state."""
        return self._status

    @property
    def connection(self) -> Connection | None:
        """The way to the engine for work in jobs, or None while there is none."""
        return self._engine.connection

    @property
    def last_death(self) -> Death | None:
        """How the last engine ended that nobody had asked to."""
        return self._engine.last_death

    @Slot(str)
    def set_device(self, device: str) -> None:
        """Run on `auto`, `cpu` or `cuda`; a running engine is restarted, what waits for it waits.

        Where the graphics card cannot be used the engine runs on the processor and the status says
        why; the wish stands for the next start of the program.
        """
        if device == self._device:
            return
        self._device = self._engine.device = device
        self._notice = ""
        if self._job is not None:
            self.restart()

    @Slot()
    def start(self) -> None:
        """Start the engine unless it runs."""
        if self._job is not None:
            return
        publish = self._published.emit
        self._job = self._runner.submit(
            "engine", lambda context: self._engine.run(context, publish), lane=LANE
        )
        self._job.failed.connect(self._on_failed)
        self._job.finished.connect(self._on_finished)

    @Slot()
    def stop(self) -> None:
        """Ask the engine to end; it is gone within 2 s."""
        self._is_restart_wanted = False
        if self._job is not None:
            self._job.cancel()

    @Slot()
    def restart(self) -> None:
        """End the engine if it runs and start it again, on the device that was wished for."""
        self._engine.device = self._device
        self._notice = ""
        self._start_again()

    def _start_again(self) -> None:
        if self._job is None:
            self.start()
        else:
            self.stop()
            self._is_restart_wanted = True

    @Slot(object)
    def _on_published(self, status: EngineStatus) -> None:
        if self._is_restart_wanted and status.kind == "failed":
            return  # of the engine that is being replaced
        if status.kind == "failed" and self._engine.device == GPU:
            self._fall_back(status.text)
            return
        notice = self._notice
        if self._device == GPU and status.device == CPU_NAME and not notice:
            notice = "The graphics card was not used: the engine found none that it can use."
        status = replace(status, notice=notice)
        if status != self._status:
            self._status = status
            self.state_changed.emit(status)

    def _fall_back(self, reason: str) -> None:
        """Go on without the graphics card: labelling with suggestions matters more than speed."""
        self._engine.device = CPU
        self._notice = f"The engine runs on the CPU, not on the graphics card: {reason}"
        self._start_again()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self._on_published(EngineStatus(kind="failed", text=explain(error).sentence))

    @Slot()
    def _on_finished(self) -> None:
        self._job = None
        if self._is_restart_wanted:
            self._is_restart_wanted = False
            self.start()
