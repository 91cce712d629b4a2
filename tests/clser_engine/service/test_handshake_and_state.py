"""Tests of clser_engine.service.server: who may call, and what it says of itself."""

import os
import threading

import grpc
import pytest

from clser_engine.client import EngineClient
from clser_engine.errors import BundleError, ServiceError
from clser_engine.runtime import RunContext
from clser_engine.service import engine_pb2 as pb
from clser_engine.service import wire
from clser_engine.service.engine_pb2_grpc import EngineStub
from clser_engine.service.token_check import token_metadata
from tests.clser_engine.service.waiting import start_analysis, watch_until

TOKEN = "a token of the tests"


def test_handshake_says_what_the_engine_is(engine):
    info = engine.client.handshake()

    assert info.pid == os.getpid()
    assert info.accepts_local_paths
    assert info.max_upload_bytes == 10_000


def test_handshake_is_answered_while_the_model_loads(make_engine):
    may_load = threading.Event()
    engine = make_engine(may_load=may_load)

    info = engine.client.handshake()
    may_load.set()
    [*_, ready] = watch_until(engine.client, lambda state: state.kind == "ready")

    assert info.state.kind == "starting"
    assert (ready.device, ready.runtime) == ("CPU", "double 1")
    assert ready.model.model_id.name == "default"
    assert ready.model.classes == ("anger", "happiness", "sadness", "neutral")


def test_other_protocol_is_refused(engine):
    stub = EngineStub(grpc.insecure_channel(engine.address))
    request = pb.HandshakeRequest(protocol_version=99, client_version="7.0")

    with pytest.raises(grpc.RpcError) as raised:
        stub.Handshake(request, metadata=token_metadata(TOKEN))

    assert raised.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert raised.value.details().endswith(
        "speaks protocol 2 and the studio 7.0 speaks 99; install the same version of both."
    )


def test_protocol_version_is_part_of_the_contract():
    assert wire.PROTOCOL_VERSION == 2


@pytest.mark.parametrize("token", ["", "another token", TOKEN + "x", TOKEN[:-1]])
def test_wrong_token_is_refused_by_every_call(engine, recording, token):
    client = EngineClient(engine.address, token)
    client._accepts_local_paths = True
    calls = [
        client.handshake,
        lambda: next(client.watch_state(RunContext())),
        lambda: client.analyze(recording("frames=1"), RunContext()),
        lambda: client.score_project([], RunContext()),
        lambda: client.list_models(RunContext()),
        lambda: client.upload(recording("frames=1"), RunContext()),
    ]

    for call in calls:
        with pytest.raises(ServiceError) as raised:
            call()
        assert str(raised.value) == (
            "The engine refused the token; connect again with the token that it was started with."
        )
    client.close()


def test_state_says_what_it_is_busy_with(engine, recording):
    path = recording("held")
    thread = start_analysis(engine, path)

    [*_, busy] = watch_until(engine.client, lambda state: state.kind == "busy")
    path.write_text("released")
    watch_until(engine.client, lambda state: state.kind == "ready")

    assert busy.text == f"analysing {path.name}"
    thread.join()


def test_dead_model_fails_with_its_reason_and_the_engine_lives(make_engine, recording):
    engine = make_engine(is_dead=True)
    sentence = "The model 'default' is damaged; install the program again."

    [*_, failed] = watch_until(engine.client, lambda state: state.kind == "failed")

    assert failed.text == sentence
    with pytest.raises(BundleError) as raised:
        engine.client.analyze(recording("frames=1"), RunContext())
    assert str(raised.value) == sentence
    assert engine.client.handshake().state.kind == "failed"
