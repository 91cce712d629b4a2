"""Tests of clser_engine.service.server: analyses, and which of them are kept."""

import hashlib
import os

import grpc
import numpy as np
import pytest

from clser_engine.errors import AudioError
from clser_engine.runtime import RunContext
from clser_engine.service import engine_pb2 as pb
from clser_engine.service.engine_pb2_grpc import EngineStub
from clser_engine.service.token_check import token_metadata
from tests.clser_engine.service.waiting import (
    TIMEOUT_S,
    start_analysis,
    start_endless_analysis,
    wait_for,
)

TOKEN = "a token of the tests"


def test_analysis_arrives_whole_and_in_parts_below_1_mb(engine, recording):
    path = recording("frames=400000")
    stub = EngineStub(grpc.insecure_channel(engine.address))
    request = pb.AnalyzeRequest(audio=pb.AudioRef(local_path=os.fsencode(path)))
    events = stub.Analyze(request, metadata=token_metadata(TOKEN))
    parts = [(event.WhichOneof("event"), event.ByteSize()) for event in events]

    result = engine.client.analyze(path, RunContext())

    assert max(size for _, size in parts) < 1_000_000
    assert [kind for kind, _ in parts].count("chunk") > 1
    assert result.analysis.posteriors.values.shape == (400_000, 4)
    np.testing.assert_allclose(result.analysis.posteriors.values.sum(axis=1), 1, atol=1e-5)
    assert result.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert result.analysis.functionals.tolist() == [400_000] * 3
    assert result.analysis.utterance.emotion == "anger"


def test_same_audio_and_model_come_from_the_cache(engine, recording):
    first = engine.client.analyze(recording("frames=70"), RunContext())
    copy = recording("frames=70")

    again = engine.client.analyze(copy, RunContext())

    assert (first.from_cache, again.from_cache) == (False, True)
    assert engine.service.shelf.default.analyses == 1
    np.testing.assert_array_equal(
        first.analysis.posteriors.values, again.analysis.posteriors.values
    )


def test_changed_recording_is_analysed_again(engine, recording):
    path = recording("frames=10")
    engine.client.analyze(path, RunContext())
    path.write_text("frames=20")

    again = engine.client.analyze(path, RunContext())

    assert not again.from_cache
    assert len(again.analysis.posteriors.values) == 20


def test_recording_that_changes_after_it_was_read_is_not_kept(engine, recording):
    path = recording("held frames=10")
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    found = []
    thread = start_analysis(engine, path, outcome=found)
    wait_for(lambda: engine.service.shelf.default is not None)
    wait_for(lambda: engine.service.shelf.default.analyses == 1)
    path.write_text("frames=20 another recording")
    thread.join()

    model = engine.service.shelf.default.card.model_id
    assert len(found[0].analysis.posteriors.values) == 10
    assert engine.service.cache.find(before, model) is None


def test_recording_that_changes_before_it_is_read_is_not_kept_under_its_old_hash(engine, recording):
    context = RunContext()
    endless = start_endless_analysis(engine, recording, context)
    path = recording("frames=10")
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    found = []
    thread = start_analysis(engine, path, outcome=found)
    wait_for(lambda: engine.service.board.state.waiting_jobs == 1)
    path.write_text("frames=20 another recording")
    context.cancel()
    thread.join()
    endless.join()

    model = engine.service.shelf.default.card.model_id
    assert len(found[0].analysis.posteriors.values) == 20
    assert engine.service.cache.find(before, model) is None


def test_cached_result_needs_not_wait_behind_a_long_analysis(engine, recording):
    known = recording("frames=10")
    engine.client.analyze(known, RunContext())
    context = RunContext()
    thread = start_endless_analysis(engine, recording, context)

    result = engine.client.analyze(known, RunContext(), timeout_s=TIMEOUT_S)

    assert result.from_cache
    context.cancel()
    thread.join()


def test_error_of_the_engine_comes_out_as_the_same_error(engine, recording):
    path = recording("bad")

    with pytest.raises(AudioError) as raised:
        engine.client.analyze(path, RunContext())

    assert str(raised.value) == f"The recording {path} is not audio; choose another file."


def test_missing_file_is_named(engine, tmp_path):
    with pytest.raises(AudioError) as raised:
        engine.client.analyze(tmp_path / "gone.wav", RunContext())

    assert str(raised.value) == (
        f"The recording {tmp_path / 'gone.wav'} cannot be read (No such file or directory); "
        "check that it is still there."
    )


@pytest.mark.skipif(os.name == "nt", reason="file names are text there")
def test_file_name_that_is_not_valid_text_is_read_and_named(engine, tmp_path):
    good = tmp_path / os.fsdecode(b"gr\xfc\xdfe.wav")
    good.write_text("frames=5")
    bad = tmp_path / os.fsdecode(b"b\xf6se.wav")
    bad.write_text("bad")

    assert len(engine.client.analyze(good, RunContext()).analysis.posteriors.values) == 5
    with pytest.raises(AudioError, match=r"b\\udcf6se.wav is not audio"):
        engine.client.analyze(bad, RunContext())
