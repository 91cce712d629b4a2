import threading
import time

import pytest

from clser_engine.errors import Cancelled
from clser_engine.runtime import RunContext


def test_reports_reach_the_callback():
    told = []
    RunContext(lambda *what: told.append(what)).report("read", 1, 2)

    assert told == [("read", 1, 2)]


def test_cancelling_takes_effect_at_the_next_report():
    told = []
    context = RunContext(lambda *what: told.append(what))

    context.cancel()

    assert context.cancel_requested
    with pytest.raises(Cancelled):
        context.report("read", 1, 2)
    assert told == []


def test_callbacks_are_called_once_when_cancelled():
    context, called = RunContext(), []
    context.on_cancel(lambda: called.append("a"))
    context.on_cancel(lambda: called.append("b"))
    assert called == []

    context.cancel()
    context.cancel()

    assert called == ["a", "b"]


def test_callback_that_comes_too_late_is_called_at_once():
    context, called = RunContext(), []
    context.cancel()

    context.on_cancel(lambda: called.append("a"))

    assert called == ["a"]


def test_callback_may_use_the_context():
    context, seen = RunContext(), []
    context.on_cancel(lambda: context.on_cancel(lambda: seen.append(context.cancel_requested)))

    context.cancel()

    assert seen == [True]


def test_sleep_ends_when_cancelled():
    context = RunContext()
    timer = threading.Timer(0.05, context.cancel)
    timer.start()

    started = time.monotonic()
    with pytest.raises(Cancelled):
        context.sleep(30)

    assert time.monotonic() - started < 10
    timer.join()


def test_sleep_passes():
    RunContext().sleep(0.001)
