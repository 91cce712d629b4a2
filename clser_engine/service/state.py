"""What the engine is doing, published to everybody who watches."""

import threading
from collections.abc import Callable, Iterator

from clser_engine.service import engine_pb2 as pb


class StateBoard:
    """Holds the newest state and wakes those who wait for the next one."""

    def __init__(self) -> None:
        self._state = pb.EngineState(kind=pb.EngineState.STARTING)
        self._is_closed = False
        self._changed = threading.Condition()

    @property
    def state(self) -> pb.EngineState:
        """The newest state; never changed in place."""
        return self._state

    def publish(self, state: pb.EngineState) -> None:
        """Replace the state."""
        with self._changed:
            if state != self._state:
                self._state = state
                self._changed.notify_all()

    def close(self) -> None:
        """End every `watch`."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def wake(self) -> None:
        """Let every `watch` look again whether it is still wanted."""
        with self._changed:
            self._changed.notify_all()

    def watch(self, is_wanted: Callable[[], bool]) -> Iterator[pb.EngineState]:
        """Yield the state now and each newer one; states in between may be skipped."""
        shown: pb.EngineState | None = None
        while True:
            with self._changed:
                while self._state is shown and not self._is_closed and is_wanted():
                    self._changed.wait()
                if self._is_closed or not is_wanted():
                    return
                shown = self._state
            yield shown
