"""Waiting for an engine of the tests, by what it does and not by the clock."""

import threading
import time

from clser_engine.errors import Cancelled, EngineError
from clser_engine.runtime import RunContext
from clser_engine.service import engine_pb2 as pb

TIMEOUT_S = 30.0  # that something is stuck, on the slowest machine


def wait_for(condition):
    """Return as soon as it holds."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def watch_until(client, wanted):
    """Return the states up to the wanted one."""
    states = []
    for state in client.watch_state(RunContext()):
        states.append(state)
        if wanted(state):
            return states
    raise AssertionError(states)


def start_analysis(engine, path, context=None, outcome=None):
    """Analyse in a thread of its own; what comes of it is appended to the outcome."""

    def analyse():
        try:
            result = engine.client.analyze(path, context or RunContext())
        except (Cancelled, EngineError) as error:
            result = error
        if outcome is not None:
            outcome.append(result)

    thread = threading.Thread(target=analyse)
    thread.start()
    return thread


def start_endless_analysis(engine, recording, context, outcome=None):
    """Start an analysis that lasts until it is cancelled, and wait until it runs."""
    thread = start_analysis(engine, recording("held"), context, outcome)
    wait_for(lambda: engine.service.board.state.kind == pb.EngineState.BUSY)
    return thread
