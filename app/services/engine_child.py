"""One engine process, from its start to its end."""

import json
import logging
import secrets
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from app.services.rotating_file import last_line, open_rotated
from clser_engine.errors import EngineLostError, ServiceError
from clser_engine.runtime import RunContext

logger = logging.getLogger(__name__)

POLL_S = 0.1
FOLDER_PREFIX = "clser-engine-"  # as in clser_engine.service.endpoint, which the app may not see

Cause = Literal["crashed", "killed", "out_of_memory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """How an engine process ended that nobody had asked to.

    Args:
        life: Which one, counted from 1.
        cause: `killed` by somebody else, `out_of_memory` by the system, else `crashed`.
        sentence: For people.
    """

    life: int
    cause: Cause
    sentence: str


class EngineChild:
    """Starts an engine; the kernel ends it when the thread that called this ends.

    Args:
        command: What starts it.
        log_path: Gets what it writes to standard error.

    Raises:
        ServiceError: If it cannot be started.
    """

    def __init__(self, command: Sequence[str], log_path: Path) -> None:
        self.token = secrets.token_urlsafe(32)
        self._log_path = log_path
        self._did_hang = False
        self._address = ""
        self._oom_kills = _count_oom_kills()
        try:
            with open_rotated(log_path) as log:
                self._log_start = log.seek(0, 2)
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    # Ctrl-C in the terminal must not end the engine before the window.
                    process_group=None if sys.platform == "win32" else 0,
                    creationflags=_creation_flags(),
                )
        except OSError as error:
            raise ServiceError(
                f"The engine cannot be started ({error}); install the program again."
            ) from error

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def introduce(self, context: RunContext) -> str:
        """Hand over the token and return the address at which the engine listens.

        Raises:
            EngineLostError: If it ended before it listened.
            Cancelled: If somebody asked for it.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise AssertionError("both are pipes")
        try:
            stdin.write(f"{self.token}\n".encode())
            stdin.flush()
            while not _is_readable(stdout):
                context.report("starting the engine", 0, 1)
            self._address = str(json.loads(stdout.readline())["address"])
        except (OSError, ValueError, KeyError) as error:
            raise EngineLostError("The engine ended before it listened.") from error
        return self._address

    def ask_to_end(self) -> None:
        """Close its standard input, at which it ends; never blocks, any thread may call it."""
        if self._process.stdin is not None:
            with suppress(OSError, ValueError):
                self._process.stdin.close()

    def end(self, timeout_s: float) -> None:
        """See to it that the process is gone when this returns."""
        self.ask_to_end()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            logger.info("The engine %d did not end by itself and is killed", self.pid)
            self._process.kill()
            self._process.wait()
            self._did_hang = True
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._remove_socket()

    def death(self, life: int) -> Death:
        """Say how the process ended; it must have."""
        code = self._process.returncode
        if self._did_hang:
            sentence = "The engine no longer answered and was ended."
            return Death(life=life, cause="crashed", sentence=sentence)
        if sys.platform != "win32" and code in (-signal.SIGTERM, -signal.SIGKILL):
            if _count_oom_kills() > self._oom_kills:
                return Death(
                    life=life,
                    cause="out_of_memory",
                    sentence="The system ended the engine because memory ran out.",
                )
            sentence = "Another program ended the engine."
            return Death(life=life, cause="killed", sentence=sentence)
        if code < 0:
            how = f"signal {-code}"  # the log has the place in native code
        elif said := last_line(self._log_path, after=self._log_start):
            how = f"exit code {code}, last words: {said}"
        else:
            how = f"exit code {code}"
        return Death(life=life, cause="crashed", sentence=f"The engine crashed ({how}).")

    def _remove_socket(self) -> None:
        """Remove the folder that a killed engine could not remove itself."""
        folder = Path(self._address.removeprefix("unix:")).parent
        if self._address.startswith("unix:") and folder.name.startswith(FOLDER_PREFIX):
            shutil.rmtree(folder, ignore_errors=True)


def _is_readable(stream: IO[bytes]) -> bool:
    """Wait a moment for something to read; on Windows, where pipes cannot be asked, do not."""
    if sys.platform == "win32":
        return True
    return bool(select.select([stream], [], [], POLL_S)[0])


def _creation_flags() -> int:
    if sys.platform == "win32":
        return subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    return 0


def _count_oom_kills() -> int:
    """Return how often the Linux kernel has killed a process for want of memory, else 0."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
