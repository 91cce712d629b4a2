import contextlib
import hashlib
import os
import threading
import time

import grpc
import numpy as np
import pytest

from clser_engine.client import EngineClient
from clser_engine.errors import (
    AudioError,
    BadValueError,
    BundleError,
    Cancelled,
    EngineLostError,
    ServiceError,
)
from clser_engine.runtime import RunContext
from clser_engine.service import engine_pb2 as pb
from clser_engine.service import server, wire
from clser_engine.service.engine_pb2_grpc import EngineStub
from clser_engine.service.token_check import token_metadata
from clser_engine.types import GroupSummary

TOKEN = "a token of the tests"
TIMEOUT_S = 10.0


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def wait_for(condition):
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def watch_until(client, wanted):
    context = RunContext()
    states = []
    for state in client.watch_state(context):
        states.append(state)
        if wanted(state):
            return states
    raise AssertionError(states)


# Handshake and state


def test_handshake_says_what_the_engine_is(engine):
    info = engine.client.handshake()

    assert info.pid == os.getpid()
    assert info.accepts_local_paths
    assert info.max_upload_bytes == 10_000


def test_handshake_is_answered_while_the_model_loads(make_engine):
    engine = make_engine(load_seconds=3.0)

    started = time.monotonic()
    info = engine.client.handshake()

    assert time.monotonic() - started < 2.5
    assert info.state.kind == "starting"
    [*_, ready] = watch_until(engine.client, lambda state: state.kind == "ready")
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
    path = recording("seconds=0.3")
    thread = threading.Thread(target=engine.client.analyze, args=(path, RunContext()))
    thread.start()

    [*_, busy] = watch_until(engine.client, lambda state: state.kind == "busy")
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


# Analyses


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
    assert result.sha256 == sha256(path)
    assert result.analysis.functionals.tolist() == [400_000] * 3
    assert result.analysis.utterance.emotion == "anger"


def test_same_audio_and_model_come_from_the_cache(engine, recording):
    first = engine.client.analyze(recording("seconds=0.2 frames=70"), RunContext())
    copy = recording("seconds=0.2 frames=70")

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


def test_recording_that_changes_meanwhile_is_not_kept(engine, recording):
    path = recording("seconds=0.5 frames=10")
    before = sha256(path)
    thread = threading.Thread(target=engine.client.analyze, args=(path, RunContext()))
    thread.start()
    wait_for(lambda: engine.service.board.state.kind == pb.EngineState.BUSY)
    path.write_text("frames=20, another recording")
    thread.join()

    model = engine.service.shelf.default.card.model_id
    assert engine.service.cache.find(before, model) is None


def test_recording_that_changes_while_it_waits_is_not_kept_under_its_old_hash(engine, recording):
    context = RunContext()
    long = start_long_analysis(engine, recording, context)
    path = recording("frames=10")
    before = sha256(path)
    found = []
    thread = threading.Thread(
        target=lambda: found.append(engine.client.analyze(path, RunContext()))
    )
    thread.start()
    wait_for(lambda: engine.service.board.state.waiting_jobs == 1)
    path.write_text("frames=20 another")
    context.cancel()
    thread.join()
    long.join()

    model = engine.service.shelf.default.card.model_id
    assert len(found[0].analysis.posteriors.values) == 20
    assert engine.service.cache.find(before, model) is None


def test_cached_result_needs_not_wait_behind_a_long_analysis(engine, recording):
    known = recording("frames=10")
    engine.client.analyze(known, RunContext())
    context = RunContext()
    thread = start_long_analysis(engine, recording, context)

    result = engine.client.analyze(known, RunContext(), timeout_s=2.0)

    assert result.from_cache
    context.cancel()
    thread.join()


def start_long_analysis(engine, recording, context, outcome=None):
    def analyse():
        try:
            engine.client.analyze(recording("seconds=60"), context)
        except BaseException as error:
            if outcome is not None:
                outcome.append((type(error), time.monotonic()))

    thread = threading.Thread(target=analyse)
    thread.start()
    wait_for(lambda: engine.service.board.state.kind == pb.EngineState.BUSY)
    return thread


def test_cancelling_takes_effect_long_before_the_end(engine, recording):
    context, outcome = RunContext(), []
    thread = start_long_analysis(engine, recording, context, outcome)

    cancelled_at = time.monotonic()
    context.cancel()
    thread.join()
    wait_for(lambda: engine.service.board.state.kind == pb.EngineState.READY)

    assert time.monotonic() - cancelled_at < 5
    [(kind, ended_at)] = outcome
    assert kind is Cancelled
    assert ended_at - cancelled_at < 0.5


def test_waiting_analysis_can_be_cancelled(engine, recording):
    first, second, outcome = RunContext(), RunContext(), []
    running = start_long_analysis(engine, recording, first)

    def analyse():
        try:
            engine.client.analyze(recording("frames=1"), second)
        except BaseException as error:
            outcome.append(type(error))

    waiting = threading.Thread(target=analyse)
    waiting.start()
    wait_for(lambda: engine.service.board.state.waiting_jobs == 1)
    second.cancel()
    waiting.join(0.5)

    assert outcome == [Cancelled]
    wait_for(lambda: engine.service.board.state.waiting_jobs == 0)
    assert running.is_alive()
    first.cancel()
    running.join()


def test_deadline_ends_the_analysis(engine, recording):
    with pytest.raises(ServiceError) as raised:
        engine.client.analyze(recording("seconds=60"), RunContext(), timeout_s=0.3)

    assert str(raised.value) == (
        "The engine did not answer within 0.3 s; try again, or restart the engine."
    )
    wait_for(lambda: engine.service.board.state.kind == pb.EngineState.READY)


def test_too_many_waiting_analyses_are_refused_and_the_handshake_still_answers(
    engine, recording, monkeypatch
):
    contexts = [RunContext() for _ in range(server.MAX_WAITING + 2)]
    threads = []
    for context in contexts[:-1]:
        path = recording(f"seconds=60 id={id(context)}")
        thread = threading.Thread(target=_quietly, args=(engine.client.analyze, path, context))
        thread.start()
        threads.append(thread)
    wait_for(lambda: engine.service.board.state.waiting_jobs == server.MAX_WAITING)

    with pytest.raises(ServiceError) as raised:
        engine.client.analyze(recording("seconds=60 last"), contexts[-1])

    assert str(raised.value) == (
        "The engine has 24 jobs waiting, the most it takes is 24; try again when some have ended."
    )
    assert engine.client.handshake(1.0).state.kind == "busy"
    for context in contexts:
        context.cancel()
    for thread in threads:
        thread.join()


def _quietly(call, *args):
    with contextlib.suppress(Cancelled):
        call(*args)


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


# The project's scores


def test_project_is_scored_with_the_statistics_of_all(engine, recording):
    paths = [recording(f"frames={n}") for n in (10, 20)]
    hashes = [engine.client.analyze(path, RunContext()).sha256 for path in paths]

    scores = engine.client.score_project([*hashes, "00" * 32], RunContext())

    assert set(scores.utterances) == set(hashes)
    found = {score.statistics for score in scores.utterances.values()}
    assert found == {"project (2 clips)"}
    assert scores.summary == GroupSummary(
        statistics="auto", clips=2, words="project (2 clips)", notices=("speakers ,",)
    )


def test_scoring_passes_on_who_speaks_and_how_to_score(engine, recording):
    paths = [recording(f"frames={n}") for n in (10, 20)]
    hashes = [engine.client.analyze(path, RunContext()).sha256 for path in paths]

    scores = engine.client.score_project(
        [hashes[0], "00" * 32, hashes[1]],
        RunContext(),
        speakers=["anna", "nobody", "ben"],
        statistics="speaker",
        propagate=True,
    )

    assert scores.summary.statistics == "speaker"
    assert scores.summary.notices == ("speakers anna,ben", "propagated")


def test_scoring_of_an_older_client_uses_the_project(engine, recording):
    sha256 = engine.client.analyze(recording("frames=10"), RunContext()).sha256

    scores = engine.client.score_project([sha256], RunContext(), statistics="")

    assert scores.summary.statistics == "project"


def test_speakers_must_be_as_many_as_recordings(engine):
    with pytest.raises(
        ServiceError,
        match=r"names 1 speakers for 2 recordings; name one for each, or none at all\.",
    ):
        engine.client.score_project(["00" * 32, "11" * 32], RunContext(), speakers=["anna"])


def test_unknown_statistics_are_refused(engine):
    with pytest.raises(
        BadValueError,
        match=r"Bad statistics: got 'all', expected one of none, project, speaker or auto\.",
    ):
        engine.client.score_project(["00" * 32], RunContext(), statistics="all")


def test_project_without_analyses_has_no_scores(engine):
    scores = engine.client.score_project(["00" * 32], RunContext())

    assert scores.utterances == {}
    assert scores.summary.clips == 0


def test_scoring_can_be_cancelled(engine):
    context = RunContext()
    context.cancel()

    with pytest.raises(Cancelled):
        engine.client.score_project(["00" * 32] * 1000, context)


# Audio from another computer


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
    assert stored.name == sha256(path)


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


def test_lost_connection_is_one_sentence(engine, recording):
    context, outcome = RunContext(), []
    thread = start_long_analysis(engine, recording, context, outcome)

    engine.server.stop(0).wait()
    thread.join()

    assert [kind for kind, _ in outcome] == [EngineLostError]
    with pytest.raises(EngineLostError) as raised:
        engine.client.handshake(1.0)
    assert str(raised.value) == (
        "The connection to the engine broke in the middle of a call; "
        "the engine is started again where it runs on this computer."
    )


def test_protocol_version_is_part_of_the_contract():
    assert wire.PROTOCOL_VERSION == 2
