"""The engine as a child of the window, without Qt: a thread stands in for the job."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from app.services import engine_process
from app.services.engine_process import EngineProcess, EngineStatus, engine_command
from clser_engine.errors import Cancelled, EngineLostError, ServiceError
from clser_engine.runtime import RunContext
from clser_engine.types import ModelId

DOUBLE = Path(__file__).parents[2] / "clser_engine" / "service" / "double_engine.py"
TIMEOUT_S = 20.0


class Watched:
    """An engine that a thread keeps running, and what it published."""

    def __init__(self, folder, *arguments, command=(sys.executable, str(DOUBLE))):
        self.engine = EngineProcess(
            cache_folder=folder / "cache",
            log_folder=folder / "log",
            command=command,
            arguments=arguments,
        )
        self.context = RunContext()
        self.statuses = []
        self.outcome = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            self.engine.run(self.context, self.statuses.append)
            self.outcome = "gave up"
        except BaseException as error:
            self.outcome = error

    def wait_for(self, kind, life=1):
        def is_reached():
            connection = self.engine.connection
            return (
                connection is not None
                and connection.life >= life
                and self.statuses
                and self.statuses[-1].kind == kind
            )

        self.wait(is_reached)
        return self.engine.connection.client

    def wait(self, condition):
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            assert time.monotonic() < deadline, (self.statuses, self.outcome)
            time.sleep(0.005)

    def join(self):
        self._thread.join(TIMEOUT_S)
        assert not self._thread.is_alive()

    @property
    def process(self):
        return psutil.Process(self.engine.connection.client.handshake().pid)


@pytest.fixture
def watch(tmp_path):
    watched = []

    def start(*arguments, **facts):
        watched.append(Watched(tmp_path, *arguments, **facts))
        return watched[-1]

    yield start
    for one in watched:
        one.context.cancel()
        one.join()


@pytest.fixture
def recording(tmp_path):
    def write(words):
        path = tmp_path / "clip.wav"
        path.write_text(words)
        return path

    return write


def test_engine_is_started_and_becomes_ready(watch, recording):
    watched = watch("--load-seconds", "0.2")

    client = watched.wait_for("ready")

    assert watched.statuses == [
        EngineStatus(kind="starting"),
        EngineStatus(kind="ready", device="CPU", model=ModelId(name="default", sha256="ab" * 32)),
    ]
    assert len(client.analyze(recording("frames=9"), RunContext()).analysis.posteriors.values) == 9


def test_stopping_leaves_no_process(watch, recording):
    watched = watch()
    watched.wait_for("ready")
    process = watched.process

    watched.context.cancel()
    watched.join()

    assert not process.is_running()
    assert isinstance(watched.outcome, Cancelled)
    assert watched.engine.connection is None


def test_stopping_in_the_middle_of_the_start_leaves_no_process(watch):
    watched = watch("--load-seconds", "30")
    watched.wait(lambda: watched.engine.connection is not None)
    process = watched.process

    watched.context.cancel()
    watched.join()

    assert not process.is_running()


def test_hung_engine_is_killed(watch):
    watched = watch()
    watched.wait_for("ready")
    process = watched.process
    process.suspend()

    watched.context.cancel()
    watched.join()

    assert not process.is_running()


def test_killed_engine_is_started_again(watch):
    watched = watch()
    watched.wait_for("ready")
    first = watched.process

    first.kill()
    watched.wait_for("ready", life=2)

    assert watched.process.pid != first.pid
    assert watched.statuses[2] == EngineStatus(
        kind="restarted", text="Another program ended the engine. It is started again."
    )
    assert watched.engine.last_death.cause == "killed"


def test_call_that_the_death_interrupts_says_so(watch, recording):
    watched = watch()
    client = watched.wait_for("ready")
    path = recording("crash")

    with pytest.raises(EngineLostError):
        client.analyze(path, RunContext())

    watched.wait_for("ready", life=2)
    assert watched.engine.last_death.cause == "crashed"
    assert watched.engine.last_death.life == 1
    assert watched.engine.last_death.sentence == "The engine crashed (signal 11)."


def test_engine_that_cannot_start_is_given_up_with_its_last_words(watch, tmp_path, monkeypatch):
    monkeypatch.setattr(engine_process, "FIRST_PAUSE_S", 0.001)
    watched = watch("--die-at-start")

    watched.join()

    assert watched.outcome == "gave up"
    assert watched.statuses[-1] == EngineStatus(
        kind="failed",
        text=(
            "The engine ended 5 times in a row and is not started again: The engine crashed "
            "(exit code 7, last words: no such library: libdouble.so). "
            f"See {tmp_path / 'log' / 'engine.log'}, then restart the engine from the menu."
        ),
    )


def test_pauses_grow_between_crashes(watch, monkeypatch):
    pauses = []
    monkeypatch.setattr(RunContext, "sleep", lambda self, seconds: pauses.append(seconds))
    watched = watch("--die-at-start")

    watched.join()

    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8])


def test_program_that_is_not_there_is_one_sentence(watch, tmp_path):
    watched = watch(command=(str(tmp_path / "gone"),))

    watched.join()

    assert isinstance(watched.outcome, ServiceError)
    assert str(watched.outcome) == (
        f"The engine cannot be started ([Errno 2] No such file or directory: "
        f"'{tmp_path / 'gone'}'); install the program again."
    )


def test_dead_model_is_a_failure_with_its_reason(watch):
    watched = watch("--dead-model")

    watched.wait_for("failed")

    assert watched.statuses[-1].text == (
        "The model 'default' is damaged; install the program again."
    )


@pytest.mark.skipif(os.name == "nt", reason="process groups are of POSIX")
def test_interrupt_from_the_terminal_does_not_reach_the_engine(watch):
    watched = watch()
    watched.wait_for("ready")

    assert os.getpgid(watched.process.pid) != os.getpgid(0)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_engine_inherits_no_file_of_the_window(watch, tmp_path):
    path = tmp_path / "project.sqlite"
    with path.open("w") as file:
        os.set_inheritable(file.fileno(), True)
        watched = watch()
        watched.wait_for("ready")

        links = Path(f"/proc/{watched.process.pid}/fd").iterdir()
        open_files = {os.readlink(link) for link in links}

    assert str(path) not in open_files


def test_killed_engine_leaves_no_socket(watch):
    watched = watch()
    watched.wait_for("ready")
    [socket] = {c.laddr for c in watched.process.net_connections("unix") if "clser" in c.laddr}

    watched.process.send_signal(signal.SIGKILL)
    watched.wait_for("ready", life=2)

    assert not Path(socket).parent.exists()


def test_command_takes_no_package_from_the_folder_where_the_person_is():
    assert engine_command()[1] == "-P"
