"""Tests of app.jobs.runner."""

import sys
import threading
import weakref

import pytest

from app.jobs.runner import POLL_INTERVAL_MS, SWITCH_INTERVAL_S, JobRunner
from clser_engine.errors import AudioError, Cancelled

TIMEOUT_MS = 5000


@pytest.fixture
def runner(qapp):
    before = set(threading.enumerate())
    runner = JobRunner()
    yield runner
    assert runner.shutdown() == [], "a test left a job running"
    left = [thread for thread in threading.enumerate() if thread not in before]
    for thread in left:
        thread.join(timeout=2.0)
    assert not [thread.name for thread in left if thread.is_alive()]


def count_until_cancelled(context):
    step = 0
    pause = threading.Event()
    while True:
        context.report("count", step, 0)
        step += 1
        pause.wait(0.001)


def test_result_arrives_on_the_gui_thread(qtbot, runner):
    threads = []
    job = runner.submit("add", lambda context: (threading.current_thread(), 42))
    job.succeeded.connect(lambda result: threads.append((threading.current_thread(), *result)))

    with qtbot.waitSignal(job.finished, timeout=TIMEOUT_MS):
        pass

    [(received_on, computed_on, value)] = threads
    assert value == 42
    assert received_on is threading.main_thread()
    assert computed_on is not received_on


def test_an_unknown_error_is_delivered_and_logged(qtbot, runner, caplog):
    def fail(context):
        raise ValueError("no such file")

    job = runner.submit("read file", fail)
    with qtbot.waitSignal(job.failed, timeout=TIMEOUT_MS) as failed:
        pass

    assert str(failed.args[0]) == "no such file"
    assert "Job 'read file' failed" in caplog.text
    caplog.clear()


def test_an_error_written_for_people_is_no_failure_of_the_program(qtbot, runner, caplog):
    def fail(context):
        raise AudioError("a.wav is empty; choose another file.")

    job = runner.submit("read file", fail)
    with qtbot.waitSignals([job.failed, job.finished], timeout=TIMEOUT_MS, order="strict"):
        pass

    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_progress_is_polled_not_pushed(qtbot, runner):
    release = threading.Event()

    def chatter(context):
        for step in range(10_000):
            context.report("count", step, 10_000)
        release.wait(TIMEOUT_MS / 1000)

    reports = []
    job = runner.submit("chatter", chatter)
    job.progressed.connect(lambda *report: reports.append(report))
    with qtbot.waitSignal(job.progressed, timeout=TIMEOUT_MS):
        pass
    qtbot.wait(3 * POLL_INTERVAL_MS)
    release.set()
    with qtbot.waitSignal(job.finished, timeout=TIMEOUT_MS):
        pass

    assert reports[-1] == ("count", 9999.0, 10_000.0)
    assert len(reports) <= 3


def test_cancel_stops_a_running_job(qtbot, runner):
    job = runner.submit("count", count_until_cancelled)
    with qtbot.waitSignal(job.progressed, timeout=TIMEOUT_MS):
        pass

    with qtbot.waitSignals([job.cancelled, job.finished], timeout=TIMEOUT_MS, order="strict"):
        job.cancel()


def test_a_result_that_comes_after_cancel_is_dropped(qtbot, runner):
    release = threading.Event()
    job = runner.submit("stubborn", lambda context: release.wait(TIMEOUT_MS / 1000))
    delivered = []
    job.succeeded.connect(delivered.append)

    job.cancel()
    release.set()
    with qtbot.waitSignal(job.cancelled, timeout=TIMEOUT_MS):
        pass

    assert delivered == []


def test_work_that_raises_cancelled_itself_is_cancelled(qtbot, runner):
    def stop(context):
        raise Cancelled

    with qtbot.waitSignal(runner.submit("stop", stop).cancelled, timeout=TIMEOUT_MS):
        pass


def test_newest_job_wins(qtbot, runner):
    old = runner.submit_newest("draw", "envelope", count_until_cancelled)
    delivered = []
    old.succeeded.connect(delivered.append)
    with qtbot.waitSignal(old.progressed, timeout=TIMEOUT_MS):
        pass

    new = runner.submit_newest("draw", "envelope", lambda context: "new")
    new.succeeded.connect(delivered.append)
    with qtbot.waitSignals([old.cancelled, new.finished], timeout=TIMEOUT_MS):
        pass

    assert delivered == ["new"]


def test_superseded_work_that_still_waits_never_starts(qtbot, runner):
    blocker = runner.submit("block", count_until_cancelled, lane="draw")
    started = []
    jobs = [
        runner.submit_newest("draw", "view", lambda context, step=step: started.append(step))
        for step in range(20)
    ]

    blocker.cancel()
    with qtbot.waitSignal(jobs[-1].succeeded, timeout=TIMEOUT_MS):
        pass

    assert started == [19]


def test_other_keys_are_left_alone(qtbot, runner):
    first = runner.submit_newest("draw", "a", lambda context: "a")
    second = runner.submit_newest("draw", "b", lambda context: "b")

    with qtbot.waitSignals([first.succeeded, second.succeeded], timeout=TIMEOUT_MS):
        pass


def test_lanes_do_not_wait_for_each_other(qtbot, runner):
    slow = runner.submit("slow", count_until_cancelled, lane="one")
    quick = runner.submit("quick", lambda context: 1, lane="two")

    with qtbot.waitSignal(quick.succeeded, timeout=TIMEOUT_MS):
        pass

    slow.cancel()
    with qtbot.waitSignal(slow.finished, timeout=TIMEOUT_MS):
        pass


def test_shutdown_stops_everything_and_names_what_did_not_stop(qtbot, qapp):
    runner = JobRunner()
    release = threading.Event()
    runner.submit("polite", count_until_cancelled)
    runner.submit("deaf", lambda context: release.wait(TIMEOUT_MS / 1000))

    late = runner.shutdown(timeout_s=0.3)
    release.set()

    assert late == ["deaf"]
    assert runner.shutdown() == []


def test_shutdown_does_not_wait_for_work_that_never_started(qtbot, qapp):
    runner = JobRunner()
    runner.submit("count", count_until_cancelled, lane="one")
    for _ in range(3):
        runner.submit("wait its turn", count_until_cancelled, lane="one")

    assert runner.shutdown(timeout_s=60.0) == []


def test_work_submitted_after_shutdown_is_cancelled(qtbot, qapp):
    runner = JobRunner()
    runner.shutdown()
    ran = []

    job = runner.submit("late", ran.append)
    with qtbot.waitSignals([job.cancelled, job.finished], timeout=TIMEOUT_MS):
        pass

    assert ran == []


def test_a_settled_job_is_let_go(qtbot, runner):
    job = runner.submit("add", lambda context: 1)
    with qtbot.waitSignal(job.finished, timeout=TIMEOUT_MS):
        pass
    gone = weakref.ref(job)

    del job

    assert gone() is None
    assert runner.names == []


def test_the_gui_thread_waits_little_for_busy_workers(runner):
    assert sys.getswitchinterval() == pytest.approx(SWITCH_INTERVAL_S, rel=0.1)
