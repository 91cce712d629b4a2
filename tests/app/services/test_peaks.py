"""Tests of app.services.peaks: a real file drawn at any zoom."""

import numpy as np
import pytest
import soundfile

from app.services import peaks as peaks_module
from app.services.peaks import AudioSource, open_source
from app.services.spectrogram import COLUMNS_PER_TILE, compute_columns
from app.services.view_cache import ViewCache
from clser_engine.audio.read import AudioReader
from clser_engine.errors import AudioError, Cancelled
from clser_engine.runtime import RunContext

RATE = 16000


@pytest.fixture
def cache(tmp_path):
    return ViewCache(tmp_path / "views")


@pytest.fixture
def recording(tmp_path):
    """Twenty seconds of noise in stereo, left louder than right."""
    rng = np.random.default_rng(0)
    samples = rng.uniform(-0.5, 0.5, (20 * RATE + 123, 2)) * np.array([1.0, 0.2])
    path = tmp_path / "noise.wav"
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    return path, samples.astype(np.float32)


def opened(path, cache, channel=None):
    source = open_source(path, cache, channel)
    source.build(RunContext())
    return source


def load_all(source, start_s, end_s, bins):
    source.keep(source.load(source.wanted(start_s, end_s, bins), RunContext()))


@pytest.mark.parametrize("channel", [None, 0, 1])
def test_the_envelope_is_of_the_chosen_channel(recording, cache, channel):
    path, samples = recording
    mono = samples.mean(axis=1) if channel is None else samples[:, channel]

    source = opened(path, cache, channel)
    envelope = source.envelope(0.0, source.duration_s, 10)

    assert envelope.maxima.max() == pytest.approx(mono.max(), abs=1e-4)
    assert envelope.minima.min() == pytest.approx(mono.min(), abs=1e-4)
    assert source.duration_s == pytest.approx(len(mono) / RATE)


def test_below_a_bucket_a_pixel_the_envelope_is_exact_once_loaded(recording, cache):
    path, samples = recording
    mono = samples.mean(axis=1)
    source = opened(path, cache)

    load_all(source, 5.0, 5.5, 1000)
    envelope = source.envelope(5.0, 5.5, 1000)

    edges = np.linspace(5.0 * RATE, 5.5 * RATE, 1001)
    for index in range(1000):
        inside = mono[int(edges[index]) : int(np.ceil(edges[index + 1]))]
        assert envelope.maxima[index] == pytest.approx(inside.max(), abs=1e-7)
        assert envelope.minima[index] == pytest.approx(inside.min(), abs=1e-7)


def test_before_it_is_loaded_the_finest_buckets_are_drawn(recording, cache):
    source = opened(recording[0], cache)

    envelope = source.envelope(5.0, 5.5, 1000)

    assert not np.isnan(envelope.maxima).any()
    assert source.samples(5.0, 5.5) is None


def test_single_samples_are_those_of_the_file(recording, cache):
    path, samples = recording
    source = opened(path, cache)

    load_all(source, 4.09, 4.1, 1000)
    first, found = source.samples(4.09, 4.1)

    np.testing.assert_allclose(found, samples.mean(axis=1)[first : first + len(found)], atol=1e-7)
    assert first <= 4.09 * RATE
    assert first + len(found) >= 4.1 * RATE


def test_samples_that_straddle_blocks_are_joined(recording, cache):
    path, samples = recording
    border_s = peaks_module.SAMPLES_PER_BLOCK / RATE
    source = opened(path, cache)

    load_all(source, border_s - 0.01, border_s + 0.01, 1000)
    first, found = source.samples(border_s - 0.01, border_s + 0.01)

    np.testing.assert_allclose(found, samples.mean(axis=1)[first : first + len(found)], atol=1e-7)


def test_fine_tiles_agree_with_the_stored_levels(recording, cache):
    source = opened(recording[0], cache)
    span = (0.0, source.duration_s, 1000)
    coarse, known = source.spectrogram(*span)

    load_all(source, *span)
    fine, _ = source.spectrogram(*span)

    assert known == 1000
    assert fine.shape == coarse.shape
    assert (fine != coarse).any()
    # A stored column is the largest of four, so no fine one beside it exceeds it.
    assert (fine.astype(int) <= coarse.astype(int) + 1).mean() > 0.95
    assert fine[-1].any()  # the last, partial tile is there


def test_a_tile_s_first_and_last_columns_see_beyond_the_tile(recording, cache):
    path, samples = recording
    source = opened(path, cache)
    load_all(source, 0.0, 4.0, 1000)

    [tile] = [tile for key, tile in source._tiles.items() if key == (0, 1)]

    whole = compute_columns(samples.mean(axis=1), 0, source.shape, 0, 0, 600)
    np.testing.assert_array_equal(tile, whole[COLUMNS_PER_TILE : 2 * COLUMNS_PER_TILE])


def test_a_second_opening_reads_nothing(recording, cache, monkeypatch):
    first = opened(recording[0], cache)
    expected = first.envelope(0.0, first.duration_s, 100)
    monkeypatch.setattr(AudioReader, "read", None)

    second = open_source(recording[0], cache)

    assert second.is_complete
    found = second.envelope(0.0, second.duration_s, 100)
    np.testing.assert_array_equal(found.maxima, expected.maxima)
    second.build(RunContext())


def test_a_changed_file_is_read_again(recording, cache):
    path, samples = recording
    opened(path, cache)

    soundfile.write(path, samples[: 10 * RATE] * 0.5, RATE, subtype="FLOAT")
    source = open_source(path, cache)

    assert not source.is_complete
    assert source.duration_s == 10.0


def test_it_grows_while_it_is_read(recording, cache, monkeypatch):
    monkeypatch.setattr(peaks_module, "BUILD_BLOCK_S", 0.5)
    source = open_source(recording[0], cache)
    shares = []

    def on_progress(stage, done, total):
        envelope = source.envelope(0.0, source.duration_s, 100)
        shares.append(np.isfinite(envelope.maxima).mean())

    source.build(RunContext(on_progress))

    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.2
    assert shares[-1] == 1.0


def test_a_cancelled_build_leaves_nothing_behind(recording, cache, monkeypatch):
    monkeypatch.setattr(peaks_module, "BUILD_BLOCK_S", 0.5)
    source = open_source(recording[0], cache)
    context = RunContext(lambda *_: context.cancel())

    with pytest.raises(Cancelled):
        source.build(context)

    assert not source.is_complete
    assert list(cache.folder.iterdir()) == []


def test_what_cannot_be_read_from_the_middle_is_kept_decoded(recording, cache, monkeypatch):
    path, samples = recording
    monkeypatch.setattr(peaks_module, "_needs_copy", lambda info: True)
    source = opened(path, cache)
    again = open_source(path, cache)
    monkeypatch.setattr(AudioReader, "read", None)

    for each in (source, again):
        load_all(each, 5.0, 5.2, 1000)
        first, found = each.samples(5.0, 5.2)
        expected = samples.mean(axis=1)[first : first + len(found)]
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("num_frames", [1, 2, 63, 64, 65, 1000])
def test_very_short_recordings_are_drawn(tmp_path, cache, num_frames):
    path = tmp_path / "short.wav"
    soundfile.write(path, np.full(num_frames, 0.25), RATE, subtype="FLOAT")

    source = opened(path, cache)
    envelope = source.envelope(0.0, source.duration_s, 50)
    columns, known = source.spectrogram(0.0, source.duration_s, 50)
    load_all(source, 0.0, source.duration_s, 50)

    assert np.isfinite(envelope.maxima).all()
    assert envelope.maxima.max() == pytest.approx(0.25, abs=1e-4)
    assert len(columns) == known == 50
    assert source.samples(0.0, source.duration_s)[1].tolist() == [0.25] * num_frames


def test_damaged_samples_are_drawn_as_silence(tmp_path, cache):
    path = tmp_path / "nan.wav"
    samples = np.full(RATE, 0.5, np.float32)
    samples[100:200] = np.nan
    soundfile.write(path, samples, RATE, subtype="FLOAT")

    source = opened(path, cache)

    assert np.isfinite(source.envelope(0.0, 1.0, 100).maxima).all()


def test_a_channel_that_is_not_there_is_named(recording, cache):
    path, _ = recording

    with pytest.raises(AudioError) as raised:
        open_source(path, cache, channel=2)

    assert str(raised.value) == f"{path} has 2 channels, not 3; choose channel 1 to 2."


def test_a_missing_file_is_one_sentence(tmp_path, cache):
    with pytest.raises(AudioError, match=r"gone\.wav"):
        open_source(tmp_path / "gone.wav", cache)


def test_only_what_is_read_is_asked_for(recording, cache):
    source = open_source(recording[0], cache)

    wanted = source.wanted(5.0, 5.1, 1000)

    assert isinstance(source, AudioSource)
    assert not wanted.samples
    assert not wanted.tiles
