"""The real window on an offscreen screen of 1920 by 1080, driven by real events."""

import time
from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.application import Studio
from app.views.time_pane import TimePane

SIZE = (1920, 1080)
TIMEOUT_S = 120.0


class BenchError(Exception):
    """Something that the bench waits for did not come."""


class Stage:
    """A studio without an engine, shown at full size.

    Args:
        studio: Built and not yet shown.
    """

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.window = studio.window
        self.timeline = studio.window.timeline
        self.window.resize(*SIZE)
        studio.show()
        self.window.resize(*SIZE)

    def rest(self, seconds: float) -> None:
        """Let the event loop run."""
        loop = QEventLoop()
        QTimer.singleShot(round(1000 * seconds), loop.quit)
        loop.exec()

    def wait(self, is_there: Callable[[], bool], what: str, timeout_s: float = TIMEOUT_S) -> None:
        """Let the event loop run until something is there.

        Raises:
            BenchError: If it does not come.
        """
        deadline = time.perf_counter() + timeout_s
        while not is_there():
            if time.perf_counter() > deadline:
                raise BenchError(f"Waited {timeout_s:.0f} s for {what} in vain.")
            self.rest(0.02)

    def frame_ms(self, act: Callable[[], object]) -> float | None:
        """Return the milliseconds from an event to the last pane on screen.

        Returns:
            None when the event changed nothing that is drawn.
        """
        panes = [pane for pane in self.timeline.panes if pane.isVisible()]
        drawn_before = self.timeline.axis.start_s, self.timeline.axis.end_s
        watch = PaintWatch(panes)
        began = time.perf_counter()
        act()
        if (self.timeline.axis.start_s, self.timeline.axis.end_s) == drawn_before:
            watch.stop()
            return None
        watch.wait_until_painted()
        return 1000 * (time.perf_counter() - began)


class PaintWatch(QObject):
    """Waits until each of some widgets was painted, and the screen with it.

    Args:
        widgets: What must be painted.
        counts: Whether a paint of a widget counts; all do by default.
    """

    def __init__(
        self, widgets: Iterable[QWidget], counts: Callable[[QWidget], bool] = lambda _: True
    ) -> None:
        super().__init__()
        self._due = set(widgets)
        self._all = tuple(self._due)
        self._counts = counts
        self._loop = QEventLoop()
        self._is_done = False
        for widget in self._all:
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_paint = event.type() == QEvent.Type.Paint and watched in self._due
        if is_paint and isinstance(watched, QWidget) and self._counts(watched):
            self._due.discard(watched)
            if not self._due:
                # The paint itself follows; a timer of 0 ms comes after all of it.
                QTimer.singleShot(0, self._finish)
        return False

    def wait_until_painted(self, timeout_s: float = TIMEOUT_S) -> None:
        """Run the event loop until then.

        Raises:
            BenchError: If it takes too long.
        """
        if not self._is_done:
            QTimer.singleShot(round(1000 * timeout_s), self._loop.quit)
            self._loop.exec()
        self.stop()
        if not self._is_done:
            raise BenchError(f"Waited {timeout_s:.0f} s for {len(self._due)} panes in vain.")

    def stop(self) -> None:
        """Watch no more."""
        for widget in self._all:
            widget.removeEventFilter(self)

    def _finish(self) -> None:
        self._is_done = True
        self._loop.quit()


def turn_wheel(pane: TimePane, x: float, notches: float, *, shift: bool = False) -> None:
    """Turn the wheel over a pane."""
    position = QPointF(x, pane.height() / 2)
    modifiers = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
    event = QWheelEvent(
        position,
        pane.mapToGlobal(position),
        QPoint(),
        QPoint(0, round(120 * notches)),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(pane, event)


def move_mouse(pane: TimePane, x: float, kind: QEvent.Type) -> None:
    """Press, move or release the middle button over a pane."""
    position = QPointF(x, pane.height() / 2)
    released = kind == QEvent.Type.MouseButtonRelease
    moved = kind == QEvent.Type.MouseMove
    event = QMouseEvent(
        kind,
        position,
        pane.mapToGlobal(position),
        Qt.MouseButton.NoButton if moved else Qt.MouseButton.MiddleButton,
        Qt.MouseButton.NoButton if released else Qt.MouseButton.MiddleButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(pane, event)
