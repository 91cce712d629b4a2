"""Tests of recordings that only ffmpeg decodes."""

import time

import numpy as np
import psutil
import pytest

from clser_engine.audio import ffmpeg_source
from clser_engine.audio.read import AudioReader, iter_mono, probe_audio, read_mono
from clser_engine.errors import AudioError, Cancelled
from clser_engine.runtime import RunContext

LOSSLESS = ("-c:a", "alac")


@pytest.fixture
def unknown(tmp_path):
    path = tmp_path / "a.aac"
    path.write_bytes(b"something that libsndfile does not know")
    return path


def test_a_lossless_m4a_gives_the_very_samples(make_wav, ffmpeg):
    wav = make_wav(seconds=2, rate=44100, channels=2)
    path = ffmpeg(wav, "a.m4a", *LOSSLESS)

    with AudioReader(path) as reader, AudioReader(wav) as original:
        np.testing.assert_array_equal(reader.read(0, 10**6), original.read(0, 10**6))

    info = reader.info
    assert (info.sample_rate_hz, info.channels, info.num_frames) == (44100, 2, 88200)
    assert (info.codec, info.decoder, info.is_estimated) == ("alac", "ffmpeg", False)


@pytest.mark.parametrize("name", ["a.m4a", "a.mka", "a.wma", "a.webm", "a.mp4"])
def test_the_frames_that_are_counted_are_those_that_come(make_wav, ffmpeg, name):
    path = ffmpeg(make_wav(seconds=3, rate=48000), name)

    with AudioReader(path) as reader:
        num_frames = sum(len(block) for block in reader.blocks(5000))

    assert reader.info.num_frames == num_frames
    assert reader.info.duration_s == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("name", ["a.m4a", "a.mka", "a.webm"])
def test_any_stretch_is_the_same_as_in_the_whole(make_wav, ffmpeg, name):
    path = ffmpeg(make_wav(seconds=60, rate=48000), name)

    with AudioReader(path) as reader:
        whole = np.concatenate(list(reader.blocks(65536)))
        for start in [2_000_000, 0, 100, 5000, 2_500_000, 1_234_567, len(whole) - 1]:
            stretch = reader.read(start, 3000)
            np.testing.assert_allclose(stretch, whole[start : start + 3000], atol=1e-5)
        assert reader.read(len(whole), 10).shape == (0, 1)


def test_a_long_recording_is_not_decoded_to_count_it(make_wav, ffmpeg, monkeypatch):
    monkeypatch.setattr(ffmpeg_source, "COUNTED_S", 1.0)
    path = ffmpeg(make_wav(seconds=3), "a.m4a")

    info = probe_audio(path)

    assert info.is_estimated
    assert info.duration_s == pytest.approx(3.0, abs=0.1)
    assert len(read_mono(path)) == pytest.approx(48000, abs=2048)


def test_a_recording_that_was_cut_off_is_read_as_far_as_it_goes(make_wav, ffmpeg):
    path = ffmpeg(make_wav(seconds=10), "a.mka", "-c:a", "aac")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    info = probe_audio(path)

    assert 4.0 < info.duration_s < 6.0
    assert len(read_mono(path)) == info.num_frames


@pytest.mark.parametrize("name", ["-x.m4a", "concat:x.m4a", "http:x.m4a", "a\nb.m4a", "%03d.m4a"])
def test_a_name_is_only_ever_a_local_file(make_wav, ffmpeg, monkeypatch, tmp_path, name):
    ffmpeg(make_wav(), "plain.m4a", *LOSSLESS).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)

    assert len(read_mono(name)) == 16000


def test_the_programs_never_ask_and_see_one_local_file(fake_ffmpeg, unknown, tmp_path):
    record = f"""printf '%s|' "$@" >> '{tmp_path}/arguments'"""
    answer = '{"streams": [{"codec_name": "x", "sample_rate": "8000", "channels": 1}], '
    answer += '"format": {"format_name": "x"}}'
    fake_ffmpeg(ffmpeg=f"{record}; head -c 400 /dev/zero", ffprobe=f"{record}; echo '{answer}'")

    probe_audio(unknown)

    arguments = (tmp_path / "arguments").read_text("utf-8")
    assert arguments.count(f"-protocol_whitelist|file,pipe|-i|file:{unknown}|") == 2
    assert arguments.count("-nostdin|") == 1  # ffprobe never asks


def test_a_playlist_cannot_reach_the_network(tmp_path, ffmpeg):
    path = tmp_path / "a.m3u8"
    path.write_text("#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.mp3\n#EXT-X-ENDLIST\n")

    with pytest.raises(AudioError, match="cannot be read as audio"):
        probe_audio(path)


def test_a_reader_that_is_dropped_early_leaves_no_process(make_wav, ffmpeg):
    path = ffmpeg(make_wav(seconds=30), "a.m4a")
    blocks = iter_mono(path, block_s=0.5)
    next(blocks)
    assert [process.name() for process in psutil.Process().children()] == ["ffmpeg"]

    blocks.close()

    assert psutil.Process().children() == []


@pytest.mark.parametrize("hanging", ["ffmpeg", "ffprobe"])
def test_a_decoder_that_hangs_is_cancelled_at_once(fake_ffmpeg, unknown, hanging):
    fake_ffmpeg(**{"ffmpeg": "exit 0", hanging: "exec sleep 60"})
    context = RunContext(None)
    context.cancel()

    start = time.monotonic()
    with pytest.raises(Cancelled):
        probe_audio(unknown, context)

    assert time.monotonic() - start < 20


def test_a_decoder_that_hangs_is_given_up(fake_ffmpeg, unknown, monkeypatch):
    monkeypatch.setattr(ffmpeg_source, "PATIENCE_S", 0.3)
    fake_ffmpeg(ffmpeg="exec sleep 60")

    with pytest.raises(AudioError) as raised:
        probe_audio(unknown)

    assert str(raised.value) == (
        f"{unknown} keeps ffmpeg busy for more than 0 s without a result; convert it to WAV or "
        "FLAC."
    )


def test_what_came_before_a_crash_of_the_decoder_is_kept(fake_ffmpeg, unknown):
    fake_ffmpeg(ffmpeg="head -c 8002 /dev/zero; kill -SEGV $$")

    info = probe_audio(unknown)

    assert info.num_frames == 2000  # the half sample at the end is dropped
    assert info.notice == (
        f"{unknown} claims to last 1.0 s but only 0.2 s could be read; "
        "if more is missed, copy it again from where it came."
    )


@pytest.mark.parametrize(
    "answer",
    ["", "null", "{}", '{"streams": []}', '{"streams": [{"sample_rate": "0", "channels": 0}]}'],
)
def test_an_answer_that_says_nothing_is_no_recording(fake_ffmpeg, unknown, answer):
    fake_ffmpeg(ffmpeg="exit 1", ffprobe=f"echo '{answer}'")

    with pytest.raises(AudioError, match="cannot be read as audio: it is damaged or no recording"):
        probe_audio(unknown)
