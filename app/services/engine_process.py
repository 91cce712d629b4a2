"""The engine as a child process: started, watched, started again when it dies, and stopped."""

import logging
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.services.engine_child import Death, EngineChild
from clser_engine.client import EngineClient, EngineState
from clser_engine.errors import Cancelled, EngineLostError
from clser_engine.runtime import RunContext
from clser_engine.types import ModelId

logger = logging.getLogger(__name__)

LOG_NAME = "engine.log"
DEFAULT_DEVICE = "auto"
STOP_TIMEOUT_S = 1.5  # then it is killed: closing the window ends everything within 2 s
QUICK_LIFE_S = 10.0  # a death within this time of being ready counts as one of a row
MAX_QUICK_CRASHES = 5
MAX_QUICK_KILLS = 100  # somebody else's doing, so there is little reason to stop trying
START_TIMEOUT_S = 60.0  # a cold disk and a busy machine are no reason to give up
FIRST_PAUSE_S = 0.1
MAX_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStatus:
    """What the person is told of the engine.

    Args:
        kind: `restarted` from a death until the next engine is ready.
        text: What it is busy with, why it was restarted or why it failed; may be empty.
        device: `CPU` or the GPU's name, of what really runs; empty until known.
        model: The default model; None until known.
        notice: Why the device is not the one that was wished for, else empty.
    """

    kind: Literal["starting", "ready", "busy", "restarted", "failed"]
    text: str = ""
    device: str = ""
    model: ModelId | None = None
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """The way to the engine that runs now.

    Args:
        client: Connected and greeted.
        life: Which engine process it leads to, counted from 1.
    """

    client: EngineClient
    life: int


def engine_command() -> list[str]:
    """Return the command that starts an engine, from Python or from the frozen program."""
    if getattr(sys, "frozen", False):
        return [str(Path(sys.executable).with_name("clser")), "serve"]
    # -P: a folder named clser_engine where the person happens to be must not be taken for ours.
    return [sys.executable, "-P", "-m", "clser_engine.cli.main", "serve"]


class EngineProcess:
    """Keeps one engine running.

    Args:
        cache_folder: Where the engine keeps its results.
        log_folder: Gets the engine's log.
        command: What starts an engine; by default this program's own.
        arguments: More for `clser serve`.
    """

    def __init__(
        self,
        *,
        cache_folder: Path,
        log_folder: Path,
        command: Sequence[str] = (),
        arguments: Sequence[str] = (),
    ) -> None:
        self._command = [*(command or engine_command()), "--cache", str(cache_folder), *arguments]
        self._log_path = log_folder / LOG_NAME
        self.device = DEFAULT_DEVICE
        """What the next engine shall run on: `auto`, `cpu` or `cuda`."""
        self._connection: Connection | None = None
        self._last_death: Death | None = None
        self._life = 0

    @property
    def log_path(self) -> Path:
        """The engine's log."""
        return self._log_path

    @property
    def connection(self) -> Connection | None:
        """The way to the engine that runs now, or None while there is none."""
        return self._connection

    @property
    def last_death(self) -> Death | None:
        """How the last engine ended that nobody had asked to."""
        return self._last_death

    def run(self, context: RunContext, publish: Callable[[EngineStatus], None]) -> None:
        """Keep an engine running until cancelled or until it has died too often.

        This blocks, and its thread must be one that lasts: on Linux the kernel ends the engine
        when the thread that started it ends.

        Args:
            context: Cancelling it stops the engine.
            publish: Hears of each change, in this thread.

        Raises:
            Cancelled: When the engine was stopped as asked.
            ServiceError: If an engine cannot be started at all.
        """
        crashes, kills = 0, 0
        publish(EngineStatus(kind="starting"))
        while True:
            self._life += 1
            ready_s, death = self._live(context, publish)
            self._last_death = death
            logger.info("%s", death.sentence)
            if ready_s > QUICK_LIFE_S:
                crashes, kills = 0, 0
            if death.cause == "killed":
                kills += 1
            else:
                crashes += 1
            if crashes >= MAX_QUICK_CRASHES or kills >= MAX_QUICK_KILLS:
                publish(EngineStatus(kind="failed", text=self._giving_up(crashes + kills, death)))
                return
            publish(EngineStatus(kind="restarted", text=f"{death.sentence} It is started again."))
            if crashes:
                context.sleep(min(MAX_PAUSE_S, FIRST_PAUSE_S * 2 ** (crashes - 1)))

    def _live(
        self, context: RunContext, publish: Callable[[EngineStatus], None]
    ) -> tuple[float, Death]:
        """Start one engine and follow it to its end.

        Returns:
            For how many seconds it was ready, and how it ended.
        """
        device = () if self.device == DEFAULT_DEVICE else ("--device", self.device)
        child = EngineChild([*self._command, *device], self._log_path)
        context.on_cancel(child.ask_to_end)
        ready_since: float | None = None
        client: EngineClient | None = None
        try:
            client = EngineClient(child.introduce(context), child.token)
            info = client.handshake(START_TIMEOUT_S)
            logger.info("The engine %s runs as process %d", info.version, info.pid)
            self._connection = Connection(client, self._life)
            for state in client.watch_state(context):
                if state.kind != "starting":  # until then it is known as starting or restarted
                    ready_since = ready_since or time.monotonic()
                    publish(_status(state))
        except EngineLostError as error:
            logger.info("%s", error)
        finally:
            self._connection = None
            child.end(STOP_TIMEOUT_S)
            if client is not None:
                client.close()
        if context.cancel_requested:
            raise Cancelled
        ready_s = time.monotonic() - ready_since if ready_since is not None else 0.0
        return ready_s, child.death(self._life)

    def _giving_up(self, times: int, death: Death) -> str:
        return (
            f"The engine ended {times} times in a row and is not started again: {death.sentence} "
            f"See {self._log_path}, then restart the engine from the menu."
        )


def _status(state: EngineState) -> EngineStatus:
    kind = state.kind
    return EngineStatus(
        kind=kind,
        text=state.text,
        device=state.device,
        model=state.model.model_id if state.model is not None else None,
    )
