"""What plays, where the cursor is, and how it sounds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from app.domain.time_span import TimeSpan
from app.errors import explain
from app.jobs.runner import Job, JobRunner
from app.services.playback import MIX, Playback, PlayRequest
from app.services.playback_output import OpenOutput, PortAudioOutput, output_devices

CURSOR_INTERVAL_MS = 16  # one screen refresh
LANE = "playback"
SPEEDS = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
END_MARGIN_S = 0.01  # a cursor this close to the end starts again


class PlaybackController(QObject):
    """Plays the clip on screen; owns the cursor.

    Args:
        runner: Runs the work that keeps the sound going.
        open_device: Opens an output; tests pass their own.
        list_devices: Lists outputs; tests pass their own.
        parent: Owner.

    Signals:
        position_changed: Time of the cursor in seconds.
        playing_changed: Whether sound comes out.
        speed_changed: Speed, 1 for the recording's own.
        problem_changed: One sentence why nothing can be played, empty when it can.
        devices_changed: Names of the output devices (tuple of str).
    """

    position_changed = Signal(float)
    playing_changed = Signal(bool)
    speed_changed = Signal(float)
    problem_changed = Signal(str)
    devices_changed = Signal(object)

    def __init__(
        self,
        runner: JobRunner,
        *,
        open_device: OpenOutput = PortAudioOutput,
        list_devices: Callable[[], tuple[str, ...]] = output_devices,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._runner = runner
        self._open_device = open_device
        self._list_devices = list_devices
        self._path: Path | None = None
        self._duration_s = 0.0
        self._position_s = 0.0
        self._span: TimeSpan | None = None
        self._loops = False
        self._speed = 1.0
        self._gain_db = 0.0
        self._channel = MIX
        self._device = ""
        self._playback: Playback | None = None
        self._job: Job | None = None
        self._timer = QTimer(self, interval=CURSOR_INTERVAL_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timeout)

    @property
    def is_playing(self) -> bool:
        """Whether sound comes out."""
        return self._playback is not None

    @property
    def position_s(self) -> float:
        """Time of the cursor in seconds."""
        return self._position_s

    @property
    def duration_s(self) -> float | None:
        """Length of the recording in seconds, None without one."""
        return self._duration_s if self._path is not None else None

    @property
    def speed(self) -> float:
        """Speed, 1 for the recording's own."""
        return self._speed

    def set_clip(self, path: str | None, duration_s: float) -> None:
        """Play another recording from now on; stops what plays."""
        self.stop()
        self._path = Path(path) if path else None
        self._duration_s = duration_s
        self._span = None
        self._channel = MIX
        self._move_to(0.0)

    def set_duration(self, duration_s: float) -> None:
        """Take the length of the recording, once it is known exactly."""
        self._duration_s = duration_s

    @Slot(object)
    def set_span(self, span: TimeSpan | None) -> None:
        """Take the selected stretch."""
        self._span = span

    @Slot()
    def toggle(self) -> None:
        """Play from the cursor, or pause."""
        if self.is_playing:
            self.stop()
            return
        start_s, end_s = self._position_s, self._duration_s
        if self._loops and self._span is not None:
            end_s = self._span.end_s
            if not self._span.start_s <= start_s < end_s - END_MARGIN_S:
                start_s = self._span.start_s
        elif start_s >= end_s - END_MARGIN_S:
            start_s = 0.0
        self._play(start_s, end_s)

    @Slot()
    def play_selection(self) -> None:
        """Play the selected stretch, or the whole clip from its start."""
        span = self._span or TimeSpan(0.0, self._duration_s)
        self._play(span.start_s, span.end_s)

    @Slot()
    def stop(self) -> None:
        """Stop where the cursor is."""
        if self._playback is None:
            return
        self._move_to(self._playback.position_s())
        self._end()

    @Slot(float)
    def seek(self, position_s: float) -> None:
        """Put the cursor somewhere; what plays goes on from there."""
        position_s = min(max(position_s, 0.0), self._duration_s)
        if self._playback is None:
            self._move_to(position_s)
            return
        end_s = self._playback.request.end_s
        if not position_s < end_s - END_MARGIN_S:
            end_s = self._duration_s
        self._play(position_s, end_s)

    @Slot(bool)
    def set_loop(self, loops: bool) -> None:
        """Play again and again from now on, or not."""
        self._loops = loops
        self._restart()

    @Slot(float)
    def set_speed(self, speed: float) -> None:
        """Play faster or slower, with the pitch kept."""
        self._speed = speed
        self.speed_changed.emit(speed)
        self._restart()

    def change_speed(self, steps: int) -> None:
        """Take the next faster or slower speed."""
        position = SPEEDS.index(self._speed) + steps
        self.set_speed(SPEEDS[min(max(position, 0), len(SPEEDS) - 1)])

    @Slot(float)
    def set_gain_db(self, gain_db: float) -> None:
        """Play louder or softer; heard at once."""
        self._gain_db = gain_db
        if self._playback is not None:
            self._playback.set_gain_db(gain_db)

    @Slot(int)
    def set_channel(self, channel: int) -> None:
        """Play one channel, or the mix of all."""
        self._channel = channel
        self._restart()

    @Slot(str)
    def set_device(self, device: str) -> None:
        """Play on another device, empty for the system's own."""
        self._device = device
        self._restart()

    @Slot()
    def find_devices(self) -> None:
        """Look for output devices; `devices_changed` or `problem_changed` follows."""
        job = self._runner.submit(
            "find sound devices", lambda _context: self._list_devices(), lane=LANE
        )
        job.succeeded.connect(self._on_devices_found)
        job.failed.connect(self._on_failed)

    def _play(self, start_s: float, end_s: float) -> None:
        if self._path is None or end_s <= 0:
            return
        self._end()
        loop_from_s = None
        if self._loops:
            loop_from_s = self._span.start_s if self._span is not None else 0.0
            end_s = self._span.end_s if self._span is not None else self._duration_s
        request = PlayRequest(
            path=self._path,
            start_s=start_s,
            end_s=end_s,
            loop_from_s=loop_from_s,
            speed=self._speed,
            channel=self._channel,
            device=self._device,
        )
        playback = Playback(request, gain_db=self._gain_db, open_device=self._open_device)
        job = self._runner.submit("play", playback.run, lane=LANE)
        job.failed.connect(self._on_failed)
        job.finished.connect(lambda: self._on_finished(playback))
        self._playback, self._job = playback, job
        self._timer.start()
        self._move_to(start_s)
        self.playing_changed.emit(True)

    def _restart(self) -> None:
        if self._playback is not None:
            request = replace(self._playback.request, start_s=self._playback.position_s())
            self._play(request.start_s, request.end_s)

    def _end(self) -> None:
        if self._job is not None:
            self._job.cancel()
        if self._playback is not None:
            self._playback = self._job = None
            self._timer.stop()
            self.playing_changed.emit(False)

    def _move_to(self, position_s: float) -> None:
        self._position_s = position_s
        self.position_changed.emit(position_s)

    @Slot()
    def _on_timeout(self) -> None:
        if self._playback is not None:
            self._move_to(self._playback.position_s())

    def _on_finished(self, playback: Playback) -> None:
        if playback is self._playback:  # not one that was replaced meanwhile
            if playback.is_complete:
                self.problem_changed.emit("")
                self._move_to(playback.request.end_s)
            self._end()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self.problem_changed.emit(explain(error).sentence)

    @Slot(object)
    def _on_devices_found(self, names: tuple[str, ...]) -> None:
        self.devices_changed.emit(names)
