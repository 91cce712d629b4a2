import threading

import pytest

from clser_engine.errors import Cancelled, ServiceError
from clser_engine.service.jobs import Lane

TIMEOUT_S = 5.0


@pytest.fixture
def lane():
    lane = Lane("test", max_waiting=2)
    yield lane
    lane.close()


class Gate:
    """Work that runs until it is let through or cancelled."""

    def __init__(self):
        self.started, self.opened = threading.Event(), threading.Event()

    def __call__(self, context):
        self.started.set()
        while not self.opened.wait(0.01):
            context.report("work", 1, 2)
        return "through"


def test_work_runs_in_the_order_it_came(lane):
    order = []
    jobs = [lane.submit("a", lambda context: order.append("a"))]
    gate = Gate()
    gates = [lane.submit("gate", gate)]
    gate.started.wait(TIMEOUT_S)
    jobs += [lane.submit(name, lambda context, name=name: order.append(name)) for name in "bc"]

    gate.opened.set()
    for job in jobs + gates:
        job.result()

    assert order == ["a", "b", "c"]


def test_progress_is_followed_to_the_end(lane):
    gate = Gate()
    job = lane.submit("gate", gate)
    reports = []

    for report in job.follow():
        reports.append(report)
        if report.stage == "work":
            gate.opened.set()

    assert ("work", 1, 2) in reports
    assert job.result() == "through"


def test_error_comes_out_of_the_result(lane):
    def fail(context):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        lane.submit("fail", fail).result()


def test_running_job_stops_at_its_next_report(lane):
    gate = Gate()
    job = lane.submit("gate", gate)
    gate.started.wait(TIMEOUT_S)

    job.cancel()

    with pytest.raises(Cancelled):
        job.result()


def test_waiting_job_ends_at_once_when_cancelled_and_never_starts(lane):
    gate, never = Gate(), Gate()
    first, second = lane.submit("gate", gate), lane.submit("never", never)
    gate.started.wait(TIMEOUT_S)

    second.cancel()

    with pytest.raises(Cancelled):
        second.result()
    assert lane.num_waiting == 0
    gate.opened.set()
    assert first.result() == "through"
    assert not never.started.is_set()


def test_a_full_lane_refuses(lane):
    gate = Gate()
    lane.submit("gate", gate)
    gate.started.wait(TIMEOUT_S)
    lane.submit("a", gate)
    lane.submit("b", gate)

    with pytest.raises(ServiceError) as raised:
        lane.submit("c", gate)

    assert str(raised.value) == (
        "The engine has 2 jobs waiting, the most it takes is 2; try again when some have ended."
    )


def test_closing_cancels_what_runs_and_what_waits():
    lane = Lane("test", max_waiting=2)
    gate = Gate()
    jobs = [lane.submit("gate", gate), lane.submit("waiting", gate)]
    gate.started.wait(TIMEOUT_S)

    lane.close()

    for job in jobs:
        with pytest.raises(Cancelled):
            job.result()
    with pytest.raises(ServiceError):
        lane.submit("late", gate)


def test_what_runs_has_a_name(lane):
    gate = Gate()
    job = lane.submit("the gate", gate)
    gate.started.wait(TIMEOUT_S)

    assert lane.running == "the gate"

    gate.opened.set()
    job.result()
    lane.submit("next", lambda context: None).result()
    lane.close()
    assert lane.running == ""
