"""Tests of clser_engine.service.server: audio from another computer."""

import hashlib

import grpc
import pytest

from clser_engine.errors import ServiceError
from clser_engine.runtime import RunContext
from clser_engine.service import engine_pb2 as pb
from clser_engine.service.engine_pb2_grpc import EngineStub
from clser_engine.service.token_check import token_metadata

TOKEN = "a token of the tests"


def test_path_is_refused_on_a_public_endpoint(make_engine, recording):
    engine = make_engine(accepts_local_paths=False)
    engine.client._accepts_local_paths = True

    with pytest.raises(ServiceError) as raised:
        engine.client.analyze(recording("frames=1"), RunContext())

    assert str(raised.value) == (
        "This engine reads no files of its own computer for others; upload the recording first."
    )


@pytest.mark.parametrize("model", ["../secret", "/etc", "..", "a b"])
def test_model_folder_is_refused_on_a_public_endpoint(make_engine, recording, model):
    engine = make_engine(accepts_local_paths=False)

    with pytest.raises(ServiceError) as raised:
        engine.client.analyze(recording("frames=1"), RunContext(), model=model)

    assert str(raised.value) == (
        f"This engine uses installed models only, got {model!r}; give a model's name."
    )


def test_recording_is_uploaded_once_and_analysed(make_engine, recording, tmp_path):
    engine = make_engine(accepts_local_paths=False)
    path = recording("frames=30")

    first = engine.client.analyze(path, RunContext())
    again = engine.client.analyze(path, RunContext())

    assert len(first.analysis.posteriors.values) == 30
    assert again.from_cache
    [stored] = (tmp_path / "cache" / "uploads").iterdir()
    assert stored.name == hashlib.sha256(path.read_bytes()).hexdigest()


def test_huge_upload_is_refused(make_engine, recording):
    engine = make_engine(accepts_local_paths=False)

    with pytest.raises(ServiceError) as raised:
        engine.client.analyze(recording("x" * 10_001), RunContext())

    assert str(raised.value) == (
        "The recording has 10001 bytes, the engine takes at most 10000; cut it into shorter ones."
    )


def test_recording_that_was_never_uploaded_is_named(engine):
    stub = EngineStub(grpc.insecure_channel(engine.address))
    request = pb.AnalyzeRequest(audio=pb.AudioRef(uploaded_sha256=b"\xab" * 32))

    with pytest.raises(grpc.RpcError) as raised:
        list(stub.Analyze(request, metadata=token_metadata(TOKEN)))

    assert raised.value.details() == (
        "The engine does not have the recording abababababab…; upload it first."
    )
