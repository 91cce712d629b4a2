"""Tests of clser_engine.service.server: calls that are cancelled, refused, late or lost."""

import pytest

from clser_engine.errors import Cancelled, EngineLostError, ServiceError
from clser_engine.runtime import RunContext
from clser_engine.service import engine_pb2 as pb
from clser_engine.service import server
from tests.clser_engine.service.waiting import (
    TIMEOUT_S,
    start_analysis,
    start_endless_analysis,
    wait_for,
)


def test_cancelling_takes_effect_before_the_end(engine, recording):
    context, outcome = RunContext(), []
    thread = start_endless_analysis(engine, recording, context, outcome)

    context.cancel()
    thread.join()
    wait_for(lambda: engine.service.board.state.kind == pb.EngineState.READY)

    assert [type(error) for error in outcome] == [Cancelled]


def test_waiting_analysis_can_be_cancelled(engine, recording):
    first, second, outcome = RunContext(), RunContext(), []
    running = start_endless_analysis(engine, recording, first)
    waiting = start_analysis(engine, recording("frames=1"), second, outcome)
    wait_for(lambda: engine.service.board.state.waiting_jobs == 1)

    second.cancel()
    waiting.join()

    assert [type(error) for error in outcome] == [Cancelled]
    wait_for(lambda: engine.service.board.state.waiting_jobs == 0)
    assert running.is_alive()
    first.cancel()
    running.join()


def test_deadline_ends_the_analysis(engine, recording):
    with pytest.raises(ServiceError) as raised:
        engine.client.analyze(recording("held"), RunContext(), timeout_s=0.3)

    assert str(raised.value) == (
        "The engine did not answer within 0.3 s; try again, or restart the engine."
    )
    wait_for(lambda: engine.service.board.state.kind == pb.EngineState.READY)


def test_too_many_waiting_analyses_are_refused_and_the_handshake_still_answers(engine, recording):
    contexts = [RunContext() for _ in range(server.MAX_WAITING + 1)]
    threads = [start_analysis(engine, recording("held"), context) for context in contexts]
    wait_for(lambda: engine.service.board.state.waiting_jobs == server.MAX_WAITING)

    with pytest.raises(ServiceError) as raised:
        engine.client.analyze(recording("frames=1"), RunContext())

    assert str(raised.value) == (
        "The engine has 24 jobs waiting, the most it takes is 24; try again when some have ended."
    )
    assert engine.client.handshake(TIMEOUT_S).state.kind == "busy"
    for context in contexts:
        context.cancel()
    for thread in threads:
        thread.join()


def test_lost_connection_is_one_sentence(engine, recording):
    context, outcome = RunContext(), []
    thread = start_endless_analysis(engine, recording, context, outcome)

    engine.server.stop(0).wait()
    thread.join()

    assert [type(error) for error in outcome] == [EngineLostError]
    with pytest.raises(EngineLostError) as raised:
        engine.client.handshake(TIMEOUT_S)
    assert str(raised.value) == (
        "The connection to the engine broke in the middle of a call; "
        "the engine is started again where it runs on this computer."
    )
