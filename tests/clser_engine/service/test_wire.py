from dataclasses import replace

import numpy as np
import pytest

from clser_engine.errors import ServiceError
from clser_engine.service import engine_pb2 as pb
from clser_engine.service import wire
from clser_engine.types import Analysis, EmotionSegment, ModelId, Posteriors, UtterancePosterior


@pytest.fixture
def analysis():
    values = np.random.default_rng(0).dirichlet(np.ones(4), size=100_000).astype(np.float32)
    return Analysis(
        duration_s=4000.0,
        model=ModelId(name="default", sha256="ab" * 32),
        posteriors=Posteriors(
            classes=("a", "b", "c", "d"),
            frame_rate_hz=25.0,
            values=values,
            speech=values[:, 0].copy(),
        ),
        utterance=UtterancePosterior(
            emotion="b",
            posterior=np.array([0.1, 0.7, 0.1, 0.1], np.float32),
            confidence=0.75,
            statistics="none",
        ),
        functionals=np.arange(97, dtype=np.float32),
        segments=(EmotionSegment(start_s=0.5, end_s=3999.0, emotion="b"),),
    )


def assemble(events):
    assembler = wire.AnalysisAssembler()
    found = [assembler.add(event) for event in events]
    assert found[:-1] == [None] * (len(found) - 1)
    return found[-1]


def chunk(frames, spoken, first=0):
    values, speech = (wire.to_bytes(np.ones(n, np.float32)) for n in (4 * frames, spoken))
    return pb.AnalyzeEvent(chunk=pb.PosteriorChunk(first_frame=first, values=values, speech=speech))


def test_a_model_that_cannot_tell_speech_stays_so(analysis):
    mute = replace(analysis, posteriors=replace(analysis.posteriors, speech=None))

    found = assemble(wire.analysis_to_events(mute, b"", from_cache=False))

    assert found.posteriors.speech is None


def test_analysis_comes_out_as_it_went_in(analysis):
    events = list(wire.analysis_to_events(analysis, b"\xcd" * 32, from_cache=True))

    found = assemble(events)

    np.testing.assert_array_equal(found.posteriors.values, analysis.posteriors.values)
    np.testing.assert_array_equal(found.posteriors.speech, analysis.posteriors.speech)
    assert found.segments == analysis.segments
    np.testing.assert_array_equal(found.functionals, analysis.functionals)
    np.testing.assert_array_equal(found.utterance.posterior, analysis.utterance.posterior)
    assert found.posteriors.classes == analysis.posteriors.classes
    assert (found.duration_s, found.model) == (4000.0, analysis.model)
    assert (found.utterance.emotion, found.utterance.confidence) == ("b", 0.75)
    assert events[0].header.from_cache
    assert max(event.ByteSize() for event in events) < 1_000_000


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda events: events[1:], "an unexpected part (chunk)"),
        (lambda events: events[:2] + events[3:], "a part that starts at frame 65536"),
        (lambda events: events[:-2] + events[-1:], "an unexpected part (end)"),
        (lambda events: [events[0], events[0]], "an unexpected part (header)"),
        (lambda events: [pb.AnalyzeEvent()], "an unexpected part (None)"),
        (lambda events: [events[0], chunk(8, 1)], "speech of 1 frames"),
        (lambda events: [events[0], chunk(8, 0), chunk(8, 8, first=8)], "speech of 8 frames"),
        (lambda events: [events[0], chunk(8, 8), chunk(8, 0, first=8)], "speech of 0 frames"),
    ],
    ids=[
        "no header",
        "gap",
        "early end",
        "two headers",
        "empty",
        "short speech",
        "late speech",
        "lost speech",
    ],
)
def test_events_that_do_not_fit_are_refused(analysis, change, what):
    events = list(wire.analysis_to_events(analysis, b"", from_cache=False))

    with pytest.raises(ServiceError) as raised:
        assemble(change(events))

    assert str(raised.value) == (
        f"The engine's answer does not fit together: it sent {what}; "
        "install the same version of the engine and the studio."
    )


def test_header_of_an_impossible_size_takes_no_memory():
    header = pb.AnalysisHeader(num_frames=1 << 40, classes=["a"])

    with pytest.raises(ServiceError, match="it sent 1099511627776 frames"):
        wire.AnalysisAssembler().add(pb.AnalyzeEvent(header=header))


def test_bytes_that_are_no_numbers_are_refused():
    with pytest.raises(ServiceError) as raised:
        wire.from_bytes(b"12345")

    assert str(raised.value) == (
        "The engine sent 5 bytes where numbers of 4 bytes belong; "
        "install the same version of the engine and the studio."
    )
