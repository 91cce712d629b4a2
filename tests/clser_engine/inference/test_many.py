"""Tests of clser_engine.inference.many."""

import numpy as np
import pytest
import soundfile

from clser_engine.errors import Cancelled
from clser_engine.inference.many import LEAST_FILL, _batches, _Short, analyze_many
from clser_engine.inference.predictor import load_predictor
from clser_engine.runtime import RunContext

LENGTHS_S = (1.0, 0.03, 2.2, 31.0, 0.9, 1.1, 2.1, 4.0, 1.05)


@pytest.fixture
def recordings(tmp_path, speech):
    """Recordings of many lengths, one of which is no recording and one empty."""
    paths = []
    for i, seconds in enumerate(LENGTHS_S):
        path = tmp_path / f"{i}.wav"
        soundfile.write(path, speech(seconds, seed=i), 16_000, subtype="FLOAT")
        paths.append(path)
    (tmp_path / "text.wav").write_text("no recording")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.float32), 16_000)
    return [*paths[:2], tmp_path / "text.wav", *paths[2:], tmp_path / "empty.wav"]


@pytest.mark.parametrize("model", ["default", "wav2vec2"])
def test_many_are_analysed_as_each_alone_in_their_order(recordings, tiny_bundle, model):
    predictor = load_predictor(model if model == "default" else tiny_bundle(model))
    together = []
    run = predictor._runtime.analyze
    predictor._runtime.analyze = lambda waveforms: together.append(len(waveforms)) or run(waveforms)

    outcomes = list(analyze_many(predictor, recordings))

    # Only the compact model gains from company on a processor.
    assert (max(together) > 1) is (model == "default")
    assert [outcome.path for outcome in outcomes] == recordings
    for outcome in outcomes:
        if outcome.path.stem in ("text", "empty"):
            assert outcome.analysis is None
            assert outcome.path.name in str(outcome.error)
            continue
        alone = predictor.analyze(outcome.path)
        found = outcome.analysis
        assert outcome.error is None
        assert found.duration_s == alone.duration_s
        assert found.segments == alone.segments
        np.testing.assert_allclose(found.posteriors.values, alone.posteriors.values, atol=1e-4)
        np.testing.assert_allclose(found.posteriors.speech, alone.posteriors.speech, atol=1e-4)
        np.testing.assert_allclose(found.utterance.posterior, alone.utterance.posterior, atol=1e-4)


def test_batches_hold_similar_lengths_and_lose_nobody():
    rng = np.random.default_rng(0)
    waiting = [
        _Short(place, np.zeros(samples, np.float32))
        for place, samples in enumerate(rng.integers(500, 50_000, 60))
    ]

    batches = list(_batches(waiting, 100_000))

    assert sorted(s.place for batch in batches for s in batch) == list(range(60))
    for batch in batches:
        sizes = [len(short.samples) for short in batch]
        assert min(sizes) >= LEAST_FILL * max(sizes)
        assert len(batch) == 1 or len(batch) * max(sizes) <= 100_000


def test_progress_counts_recordings_and_cancelling_stops(recordings, predictor):
    seen = []
    context = RunContext(lambda stage, done, total: seen.append((done, total)))
    list(analyze_many(predictor, recordings, context))
    assert seen[0] == (0, len(recordings))
    assert seen[-1] == (len(recordings), len(recordings))
    assert seen == sorted(seen)

    context.cancel()
    with pytest.raises(Cancelled):
        next(analyze_many(predictor, recordings, context))
