"""Tests of clser_engine.audio.read: what a recording gives."""

import hashlib
import os

import numpy as np
import pytest
import soundfile

from clser_engine.audio.read import (
    AudioReader,
    downmix,
    find_recordings,
    hash_file,
    iter_mono,
    mono_blocks,
    probe_audio,
    read_mono,
)
from clser_engine.errors import AudioError, BadValueError, Cancelled
from clser_engine.runtime import RunContext


@pytest.mark.parametrize(
    ("name", "subtype", "rate", "channels"),
    [
        ("a.wav", "PCM_U8", 8000, 1),
        ("a.wav", "PCM_16", 44100, 2),
        ("a.wav", "PCM_24", 192000, 8),
        ("a.wav", "FLOAT", 1234, 3),
        ("a.wav", "DOUBLE", 16000, 1),
        ("a.wav", "MS_ADPCM", 22050, 2),
        ("a.wav", "GSM610", 8000, 1),
        ("a.flac", "PCM_16", 48000, 6),
        ("a.aiff", "PCM_S8", 11025, 2),
        ("a.caf", "ALAC_16", 44100, 2),
        ("a.ogg", "VORBIS", 44100, 2),
        ("a.opus", "OPUS", 48000, 1),
        ("a.mp3", "MPEG_LAYER_III", 44100, 2),
        ("a.au", "ULAW", 8000, 1),
        ("a.w64", "PCM_32", 96000, 2),
    ],
)
def test_whatever_libsndfile_reads_is_read_whole(
    make_wav, no_ffmpeg, name, subtype, rate, channels
):
    container = "OGG" if name.endswith(".opus") else None
    path = make_wav(name, rate=rate, channels=channels, subtype=subtype, format=container)
    expected = soundfile.read(path, dtype="float32", always_2d=True)[0]

    with AudioReader(path) as reader:
        blocks = list(reader.blocks(1000))

    info = reader.info
    assert (info.sample_rate_hz, info.channels, info.num_frames) == (rate, channels, len(expected))
    assert (info.codec, info.decoder, info.notice) == (subtype, "libsndfile", "")
    assert {len(block) for block in blocks[:-1]} <= {1000}
    np.testing.assert_array_equal(np.concatenate(blocks), expected)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3", "gsm.wav"])
def test_any_stretch_is_the_same_as_in_the_whole(make_wav, name):
    options = {"subtype": "GSM610"} if name.startswith("gsm") else {}
    path = make_wav(name, seconds=20, rate=8000, channels=1, **options)

    with AudioReader(path) as reader:
        whole = np.concatenate(list(reader.blocks(65536)))
        for start in [100_000, 0, 7, 159_000, 80_123, 80_000, len(whole) - 1]:
            stretch = reader.read(start, 3000)
            np.testing.assert_allclose(stretch, whole[start : start + 3000], atol=1e-6)
        assert reader.read(len(whole), 10).shape == (0, 1)
        assert reader.read(len(whole) + 999, 10).shape == (0, 1)


@pytest.mark.parametrize("name", ["a.ogg", "a.opus", "a.mp3", "a.flac"])
def test_bursts_of_sound_are_exact_in_blocks_and_after_jumps(make_wav, name):
    rng = np.random.default_rng(0)
    bursts = np.sin(2 * np.pi * 3 * np.arange(480_000) / 48000) > 0.9
    samples = rng.uniform(-0.5, 0.5, (480_000, 2)) * bursts[:, None]
    options = {"format": "OGG", "subtype": "OPUS"} if name == "a.opus" else {}
    path = make_wav(name, rate=48000, samples=samples, **options)

    whole = soundfile.read(path, dtype="float32")[0]

    with AudioReader(path) as reader:
        np.testing.assert_array_equal(np.concatenate(list(reader.blocks(777))), whole)
        for start in rng.integers(0, 470_000, 300).tolist():
            stretch = reader.read(start, 500)
            np.testing.assert_allclose(stretch, whole[start : start + 500], atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000, 192000])
def test_a_tone_keeps_its_pitch_and_level_at_16_khz(make_wav, rate):
    times_s = np.arange(2 * rate) / rate
    path = make_wav(rate=rate, samples=0.5 * np.sin(2 * np.pi * 440 * times_s), subtype="FLOAT")

    samples = read_mono(path)

    assert len(samples) == 32000
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(32000) / 16000)
    np.testing.assert_allclose(samples[800:-800], expected[800:-800], atol=1e-3)


@pytest.mark.parametrize("block_s", [0.02, 0.3, 10.0])
def test_blocks_have_the_length_asked_for_and_lose_nothing(make_wav, block_s):
    path = make_wav(seconds=3.21, rate=44100, channels=2)

    blocks = list(iter_mono(path, block_s=block_s))

    assert {len(block) for block in blocks[:-1]} <= {round(block_s * 16000)}
    assert 1 <= len(blocks[-1]) <= round(block_s * 16000)
    np.testing.assert_array_equal(np.concatenate(blocks), read_mono(path))


def test_a_stretch_starts_and_ends_where_asked(make_wav):
    path = make_wav(seconds=3, rate=16000)
    whole = read_mono(path)

    np.testing.assert_array_equal(read_mono(path, start_s=1.0, end_s=1.5), whole[16000:24000])
    np.testing.assert_array_equal(read_mono(path, start_s=2.5), whole[40000:])
    assert len(read_mono(path, start_s=5.0)) == 0
    with pytest.raises(BadValueError, match=r"got 2.0 s to 1.0 s, expected a start of at least 0"):
        read_mono(path, start_s=2.0, end_s=1.0)


def test_mono_is_the_mean_of_the_channels_or_one_of_them(make_wav):
    samples = np.stack([np.full(100, 0.75), np.full(100, -0.25)], axis=1)
    path = make_wav(samples=samples, subtype="FLOAT")

    assert set(read_mono(path)) == {0.25}
    assert set(read_mono(path, channel=1)) == {-0.25}
    assert set(np.concatenate(list(iter_mono(path, channel=0)))) == {0.75}
    with pytest.raises(BadValueError) as raised:
        read_mono(path, channel=2)
    assert str(raised.value) == "Bad channel: got 2, expected 0 to 1 in this recording."


def test_the_mean_of_loud_channels_does_not_overflow():
    assert downmix(np.full((1, 2), 3e38, np.float32)) == pytest.approx(3e38)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 192000])
def test_one_sample_is_one_sample(make_wav, rate):
    path = make_wav(rate=rate, samples=np.array([0.5]), subtype="FLOAT")

    [block] = iter_mono(path)

    assert len(block) in (1, 2)
    assert np.isfinite(block).all()
    assert probe_audio(path).num_frames == 1


def test_what_is_over_full_scale_stays_as_it_is(make_wav):
    path = make_wav(samples=np.array([3.0, -32768.0, 0.0]), subtype="FLOAT")

    np.testing.assert_array_equal(read_mono(path), [3.0, -32768.0, 0.0])


@pytest.mark.parametrize(
    ("value", "word"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf"), (3e38, "3e+38")]
)
def test_a_sample_that_is_no_sound_is_named_with_its_time(make_wav, value, word):
    samples = np.zeros((40000, 2), np.float32)
    samples[20000:, 1] = value
    path = make_wav(samples=samples, subtype="FLOAT")

    with pytest.raises(AudioError) as raised:
        list(iter_mono(path))

    assert str(raised.value) == (
        f"{path} has {word} for a sample at 1.250 s, which is no sound; "
        "repair it in an audio editor or export it again."
    )
    with AudioReader(path) as reader:  # to look at and to play it must still open
        np.testing.assert_array_equal(reader.read(20000, 1), samples[20000:20001])


def test_reading_stops_when_cancelled(make_wav):
    path = make_wav(seconds=30)
    context = RunContext()
    blocks = iter_mono(path, block_s=1.0, context=context)
    next(blocks)

    context.cancel()

    with pytest.raises(Cancelled):
        list(blocks)


def test_the_hash_is_that_of_the_bytes(make_wav):
    path = make_wav(seconds=100, subtype="PCM_24")
    reports = []

    digest = hash_file(path, RunContext(lambda *report: reports.append(report)))

    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    size = path.stat().st_size
    assert reports[-1] == ("hash", size, size)
    assert [done for _, done, _ in reports] == sorted(done for _, done, _ in reports)


def test_hashing_stops_when_cancelled(make_wav):
    context = RunContext()
    context.cancel()

    with pytest.raises(Cancelled):
        hash_file(make_wav(), context)


def test_a_file_that_changed_is_looked_at_again(make_wav):
    path = make_wav(seconds=1)
    assert probe_audio(path).num_frames == 16000

    make_wav(seconds=2)

    assert probe_audio(path).num_frames == 32000


def test_recordings_of_a_folder_are_found_in_order(tmp_path):
    for name in ["b/2.FLAC", "b/1.wav", "a.MP3", "notes.txt", ".hidden.wav", ".git/x.wav", "z.m4a"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    found = [path.relative_to(tmp_path).as_posix() for path in find_recordings(tmp_path)]

    assert found == ["a.MP3", "z.m4a", "b/1.wav", "b/2.FLAC"]


@pytest.mark.parametrize(
    "name",
    ["-x.wav", "concat:a.wav", "http:x.wav", "%03d.wav", "a\nb.wav", "\u0627.wav", "a'b\".wav"],
)
def test_a_file_may_have_any_name(make_wav, monkeypatch, tmp_path, name):
    path = make_wav("plain.wav")
    path.rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)

    assert len(read_mono(name)) == 16000


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such names")
def test_a_name_need_not_be_text(make_wav, tmp_path):
    name = os.fsdecode(bytes(tmp_path) + b"/caf\xe9.wav")
    os.rename(make_wav(), name)

    assert len(read_mono(name)) == 16000


@pytest.mark.parametrize(
    "options",
    [
        {"format": "WAV"},
        {"format": "WAV", "subtype": "GSM610"},
        {"format": "FLAC"},
        {"format": "MP3"},
        {"format": "OGG", "subtype": "VORBIS"},
        {"format": "OGG", "subtype": "OPUS"},
    ],
)
def test_a_file_opened_for_the_first_time_reads_as_one_that_is_known(make_wav, options):
    """Its length is found by a look at its end, after which it is read from the start."""
    path = make_wav("recording", seconds=3.0, **options)
    with AudioReader(path) as reader:
        first = np.concatenate(list(mono_blocks(reader, block_s=0.7)))
        assert reader.info.num_frames == len(first)

    again = np.concatenate(list(iter_mono(path, block_s=0.7)))

    np.testing.assert_allclose(first, again, atol=1e-6)
