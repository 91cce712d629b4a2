"""The queue of recordings before an engine that runs in a process of its own and dies."""

import sys
import time
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QTimer

from app.controllers.analysis_controller import AnalysisController
from app.controllers.engine_controller import EngineController
from app.jobs.runner import JobRunner
from app.services import engine_process
from app.services.engine_process import EngineProcess, EngineStatus

DOUBLE = Path(__file__).parents[2] / "clser_engine" / "service" / "double_engine.py"
TIMEOUT_MS = 20_000


class Desk:
    """Both controllers and what they said."""

    def __init__(self, folder, *arguments):
        self.runner = JobRunner()
        process = EngineProcess(
            cache_folder=folder / "cache",
            log_folder=folder / "log",
            command=(sys.executable, str(DOUBLE)),
            arguments=arguments,
        )
        self.engine = EngineController(self.runner, process)
        self.analysis = AnalysisController(self.runner, self.engine)
        self.ready, self.failed, self.counts, self.statuses = [], [], [], []
        self.engine.state_changed.connect(self.statuses.append)
        self.analysis.analysis_ready.connect(
            lambda clip, analysis: self.ready.append((clip, len(analysis.posteriors.values)))
        )
        self.analysis.analysis_failed.connect(lambda *what: self.failed.append(what))
        self.analysis.queue_changed.connect(lambda *what: self.counts.append(what))

    @property
    def kinds(self):
        return [status.kind for status in self.statuses]

    def kill(self):
        for child in psutil.Process().children():
            child.kill()


@pytest.fixture
def make_desk(qapp, tmp_path):
    desks = []

    def make(*arguments):
        desks.append(Desk(tmp_path, *arguments))
        return desks[-1]

    yield make
    for desk in desks:
        assert desk.runner.shutdown() == []


@pytest.fixture
def desk(make_desk):
    return make_desk()


@pytest.fixture
def recording(tmp_path):
    numbers = iter(range(100_000))

    def write(words):
        path = tmp_path / f"clip{next(numbers)}.wav"
        path.write_text(words)
        return path

    return write


def test_recordings_are_analysed_when_the_engine_is_there(qtbot, desk, recording):
    desk.analysis.analyze_all([("a", recording("frames=1")), ("b", recording("frames=2"))])
    hashes = []
    desk.analysis.audio_hashed.connect(lambda clip, sha256: hashes.append((clip, len(sha256))))

    desk.engine.start()
    qtbot.waitUntil(lambda: len(desk.ready) == 2, timeout=TIMEOUT_MS)

    assert desk.ready == [("a", 1), ("b", 2)]
    assert hashes == [("a", 64), ("b", 64)]
    assert desk.counts == [(0, 2), (1, 2), (2, 2)]


def test_counts_start_again_after_the_queue_was_empty(qtbot, desk, recording):
    desk.engine.start()
    desk.analysis.analyze("a", recording("frames=1"))
    qtbot.waitUntil(lambda: len(desk.ready) == 1, timeout=TIMEOUT_MS)

    desk.analysis.analyze("b", recording("frames=2"))
    qtbot.waitUntil(lambda: len(desk.ready) == 2, timeout=TIMEOUT_MS)

    assert desk.counts == [(0, 1), (1, 1), (0, 1), (1, 1)]


def test_clip_that_the_person_looks_at_comes_first(qtbot, desk, recording):
    desk.analysis.analyze_all([(name, recording(f"frames={n}")) for n, name in enumerate("abc", 1)])
    desk.analysis.analyze("x", recording("frames=4"))
    desk.analysis.analyze("c", recording("frames=5"))

    desk.engine.start()
    qtbot.waitUntil(lambda: len(desk.ready) == 4, timeout=TIMEOUT_MS)

    assert [clip for clip, _ in desk.ready] == ["c", "x", "a", "b"]


def test_bad_recording_is_one_sentence_and_the_rest_goes_on(qtbot, desk, recording):
    bad = recording("bad")
    desk.analysis.analyze_all([("a", bad), ("b", recording("frames=2"))])

    desk.engine.start()
    qtbot.waitUntil(lambda: len(desk.ready) == 1, timeout=TIMEOUT_MS)

    assert desk.failed == [("a", f"The recording {bad} is not audio; choose another file.")]


def test_progress_is_told(qtbot, desk, recording):
    desk.engine.start()
    told = []
    desk.analysis.analysis_progressed.connect(lambda *what: told.append(what))

    desk.analysis.analyze("a", recording("seconds=1"))
    qtbot.waitUntil(lambda: len(desk.ready) == 1, timeout=TIMEOUT_MS)

    fractions = [fraction for clip, stage, fraction in told if stage == "analysing"]
    assert len(fractions) > 2
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] < fractions[-1] <= 1


def test_running_analysis_is_cancelled_long_before_its_end(qtbot, desk, recording):
    desk.engine.start()
    desk.analysis.analyze("a", recording("seconds=60"))
    qtbot.waitUntil(lambda: "busy" in desk.kinds, timeout=TIMEOUT_MS)

    started = time.monotonic()
    desk.analysis.cancel("a")
    qtbot.waitUntil(lambda: desk.kinds[-1] == "ready", timeout=TIMEOUT_MS)

    assert time.monotonic() - started < 10  # of 60 s; how quick it is, the benchmarks say
    assert desk.counts[-1] == (0, 0)
    assert not desk.ready
    assert not desk.failed


def test_waiting_recording_can_be_left_out(qtbot, desk, recording):
    desk.analysis.analyze_all([("a", recording("frames=1")), ("b", recording("frames=2"))])
    desk.analysis.cancel("a")

    desk.engine.start()
    qtbot.waitUntil(lambda: len(desk.ready) == 1, timeout=TIMEOUT_MS)

    assert desk.ready == [("b", 2)]


def test_everything_can_be_cancelled(qtbot, desk, recording):
    desk.engine.start()
    desk.analysis.analyze_all([(str(n), recording("seconds=60")) for n in range(3)])
    qtbot.waitUntil(lambda: "busy" in desk.kinds, timeout=TIMEOUT_MS)

    desk.analysis.cancel_all()
    qtbot.waitUntil(lambda: desk.kinds[-1] == "ready", timeout=TIMEOUT_MS)

    assert desk.counts[-1] == (0, 0)
    assert not desk.ready


def test_killed_engine_costs_nothing_but_time(qtbot, desk, recording):
    desk.engine.start()
    desk.analysis.analyze_all(
        [("a", recording("seconds=1 frames=3")), ("b", recording("frames=2"))]
    )
    for _ in range(3):
        qtbot.waitUntil(lambda: desk.kinds[-1:] == ["busy"], timeout=TIMEOUT_MS)
        desk.statuses.clear()
        desk.kill()
    qtbot.waitUntil(lambda: len(desk.ready) == 2, timeout=TIMEOUT_MS)

    assert desk.ready == [("a", 3), ("b", 2)]
    assert not desk.failed


def test_recording_that_ends_the_engine_twice_is_given_up_by_name(
    qtbot, desk, recording, monkeypatch
):
    monkeypatch.setattr(engine_process, "FIRST_PAUSE_S", 0.001)
    crashing = recording("crash")
    desk.engine.start()
    desk.analysis.analyze_all([("a", crashing), ("b", recording("frames=2"))])

    qtbot.waitUntil(lambda: len(desk.ready) == 1, timeout=TIMEOUT_MS)

    assert desk.ready == [("b", 2)]
    sentence = (
        f"The engine ended 2 times while it analysed {crashing}, which is left out until you "
        "choose Analyse again: The engine crashed (signal 11)."
    )
    assert desk.failed == [("a", sentence)]
    assert desk.kinds.count("restarted") == 2


def test_dead_model_leaves_the_queue_waiting_with_the_reason(qtbot, make_desk, recording):
    desk = make_desk("--dead-model")
    desk.engine.start()
    qtbot.waitUntil(lambda: "failed" in desk.kinds, timeout=TIMEOUT_MS)

    desk.analysis.analyze("a", recording("frames=1"))

    assert desk.counts == [(0, 1)]
    assert desk.statuses[-1].text == "The model 'default' is damaged; install the program again."


def test_engine_that_gave_up_can_be_restarted(qtbot, make_desk, monkeypatch):
    monkeypatch.setattr(engine_process, "FIRST_PAUSE_S", 0.001)
    desk = make_desk("--die-at-start")
    desk.engine.start()
    qtbot.waitUntil(lambda: desk.kinds[-1:] == ["failed"], timeout=TIMEOUT_MS)
    qtbot.waitUntil(lambda: desk.runner.names == [], timeout=TIMEOUT_MS)

    desk.engine.restart()

    qtbot.waitUntil(lambda: desk.kinds.count("failed") == 2, timeout=TIMEOUT_MS)
    assert "starting" in desk.kinds


def test_running_engine_can_be_restarted(qtbot, desk):
    desk.engine.start()
    qtbot.waitUntil(lambda: desk.kinds[-1:] == ["ready"], timeout=TIMEOUT_MS)
    [first] = psutil.Process().children()

    desk.engine.restart()
    qtbot.waitUntil(lambda: desk.kinds.count("ready") == 2, timeout=TIMEOUT_MS)

    [second] = psutil.Process().children()
    assert first.pid != second.pid
    assert "restarted" not in desk.kinds


def test_another_device_restarts_the_engine_and_loses_no_recording(qtbot, desk, recording):
    desk.engine.start()
    desk.analysis.analyze_all(
        [("a", recording("seconds=1 frames=3")), ("b", recording("frames=2"))]
    )
    qtbot.waitUntil(lambda: desk.kinds[-1:] == ["busy"], timeout=TIMEOUT_MS)

    desk.engine.set_device("cpu")
    qtbot.waitUntil(lambda: len(desk.ready) == 2, timeout=TIMEOUT_MS)

    assert desk.ready == [("a", 3), ("b", 2)]
    assert not desk.failed
    assert "restarted" not in desk.kinds
    [child] = psutil.Process().children()
    assert child.cmdline()[-2:] == ["--device", "cpu"]
    assert desk.statuses[-1].notice == ""


def test_without_a_graphics_card_the_processor_does_it_and_the_reason_is_told(
    qtbot, desk, recording
):
    desk.analysis.analyze("a", recording("frames=3"))
    desk.engine.set_device("cuda")
    desk.engine.start()
    qtbot.waitUntil(lambda: len(desk.ready) == 1, timeout=TIMEOUT_MS)

    assert "failed" not in desk.kinds
    status = desk.statuses[-1]
    assert status.device == "CPU"
    assert status.notice == (
        "The engine runs on the CPU, not on the graphics card: "
        "There is no CUDA device; choose 'cpu' or 'auto'."
    )

    desk.engine.set_device("auto")
    qtbot.waitUntil(
        lambda: desk.statuses[-1].kind == "ready" and not desk.statuses[-1].notice,
        timeout=TIMEOUT_MS,
    )


def test_an_engine_that_quietly_runs_elsewhere_is_told_of(qtbot, desk):
    desk.engine.set_device("cuda")

    desk.engine._published.emit(EngineStatus(kind="ready", device="CPU"))
    qtbot.waitUntil(lambda: desk.kinds == ["ready"], timeout=TIMEOUT_MS)

    assert desk.statuses[0].notice == (
        "The graphics card was not used: the engine found none that it can use."
    )


def test_ten_thousand_recordings_do_not_freeze_the_window(qtbot, desk, recording):
    path = recording("frames=1")
    desk.engine.start()
    qtbot.waitUntil(lambda: desk.kinds[-1:] == ["ready"], timeout=TIMEOUT_MS)
    beats = []
    timer = QTimer(interval=5)
    timer.timeout.connect(lambda: beats.append(time.thread_time()))
    timer.start()

    started = time.thread_time()  # the machine may be busy with other programs
    desk.analysis.analyze_all([(str(n), path) for n in range(10_000)])
    assert time.thread_time() - started < 2  # quadratic work takes minutes
    qtbot.waitUntil(lambda: len(desk.ready) >= 100, timeout=TIMEOUT_MS)
    timer.stop()
    started = time.thread_time()
    desk.analysis.cancel_all()
    assert time.thread_time() - started < 2

    longest = max(later - earlier for earlier, later in pairwise(beats))
    assert longest < 1
