"""Tests of clser_engine.audio.read: files that are damaged or no recordings get one sentence."""

import os
import struct

import numpy as np
import pytest
import soundfile

from clser_engine.audio.read import AudioReader, hash_file, iter_mono, probe_audio, read_mono
from clser_engine.errors import AudioError

READERS = [probe_audio, AudioReader, read_mono, lambda path: list(iter_mono(path)), hash_file]


def sentence_of(path, read=probe_audio):
    with pytest.raises(AudioError) as raised:
        read(path)
    return str(raised.value)


@pytest.mark.parametrize("read", READERS)
def test_a_missing_file(tmp_path, read):
    path = tmp_path / "gone.wav"
    assert sentence_of(path, read) == (
        f"{path} does not exist; it may have been moved or renamed, so check its name."
    )


@pytest.mark.parametrize("read", READERS)
def test_a_folder(tmp_path, read):
    assert sentence_of(tmp_path, read) == (
        f"{tmp_path} is a folder, not a recording; name a file in it."
    )


@pytest.mark.parametrize("read", READERS)
def test_an_empty_file(tmp_path, read):
    path = tmp_path / "empty.wav"
    path.touch()
    assert sentence_of(path, read) == (
        f"{path} is empty (0 bytes); copy it again from where it came."
    )


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such files")
def test_a_named_pipe_is_not_waited_for(tmp_path):
    path = tmp_path / "pipe.wav"
    os.mkfifo(path)
    assert sentence_of(path) == (
        f"{path} is a pipe or device, not a file; record it to a file first."
    )


def test_a_file_that_may_not_be_read(make_wav, monkeypatch):
    path = make_wav()
    path.chmod(0)
    if os.geteuid() == 0:  # root may read everything, so let the system refuse by hand

        def refuse(*args):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", refuse)
    assert sentence_of(path) == (
        f"{path} may not be read by you; change its permissions or copy it elsewhere."
    )


@pytest.mark.parametrize("name", ["a\0b.wav", "x" * 300 + ".wav"])
def test_a_name_that_cannot_be(tmp_path, name):
    assert sentence_of(tmp_path / name) == f"{tmp_path / name} is not a usable file name; check it."


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.ogg"])
def test_a_recording_of_no_length(make_wav, name):
    path = make_wav(name, samples=np.zeros((0, 2)))
    assert sentence_of(path) == f"{path} holds no audio (0 samples); record or export it again."


@pytest.mark.parametrize("name", ["a.wav", "a.txt", "a.raw", "a.mp3", "a"])
def test_what_is_no_recording(tmp_path, ffmpeg, name):
    path = tmp_path / name
    path.write_text("These are the notes of the interview.\n" * 20)
    assert sentence_of(path) == (
        f"{path} cannot be read as audio: it is damaged or no recording, so copy it again or "
        "convert it to WAV."
    )


def test_without_ffmpeg_the_sentence_names_it(tmp_path, no_ffmpeg):
    path = tmp_path / "a.m4a"
    path.write_bytes(b"\0\0\0\x20ftypM4A ")
    assert sentence_of(path) == (
        f"{path} cannot be read as audio here; installing ffmpeg may open it, else convert it "
        "to WAV."
    )


def test_a_wav_that_was_cut_off_is_read_as_far_as_it_goes(make_wav):
    path = make_wav(seconds=4)
    path.write_bytes(path.read_bytes()[: 44 + 2 * 16000])

    assert probe_audio(path).num_frames == 16000
    assert len(read_mono(path)) == 16000


@pytest.mark.parametrize("name", ["a.flac", "a.mp3"])
def test_a_compressed_file_that_was_cut_off_says_so(make_wav, no_ffmpeg, name):
    path = make_wav(name, seconds=10)
    whole = read_mono(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    info = probe_audio(path)
    samples = read_mono(path)

    assert 4.0 < info.duration_s < 6.0
    assert info.notice == (
        f"{path} claims to last 10.0 s but only {info.duration_s:.1f} s could be read; "
        "if more is missed, copy it again from where it came."
    )
    assert len(samples) == info.num_frames
    tail = 2000 if name == "a.mp3" else 0  # frames of MP3 lean on those behind them
    end = len(samples) - tail
    np.testing.assert_allclose(samples[:end], whole[:end], atol=1e-6)


def test_a_flac_header_that_lies_about_its_length_is_not_believed(make_wav, no_ffmpeg):
    path = make_wav("a.flac", seconds=2)
    data = bytearray(path.read_bytes())
    [packed] = struct.unpack(">Q", data[18:26])  # rate, channels, bits, 36 bits of length
    data[18:26] = struct.pack(">Q", packed >> 36 << 36 | 2**35)
    path.write_bytes(data)

    assert probe_audio(path).num_frames == 32000
    assert len(read_mono(path)) == 32000


def set_mp3_length(path, mp3_frames, dropped_frames):
    """Write another length, and what is dropped of start and end, into an MP3's first frame."""
    data = bytearray(path.read_bytes())
    xing = data.index(b"Xing")
    data[xing + 8 : xing + 12] = struct.pack(">I", mp3_frames)
    data[xing + 141 : xing + 144] = struct.pack(">I", dropped_frames)[1:]
    path.write_bytes(data)


@pytest.mark.parametrize("mp3_frames", [0, 30, 2**31, 2**32 - 1])
def test_an_mp3_header_that_lies_about_its_length(make_wav, no_ffmpeg, mp3_frames):
    path = make_wav("a.mp3", seconds=1)
    set_mp3_length(path, mp3_frames, 0xFFF)

    info = probe_audio(path)

    assert 0.4 < info.duration_s < 1.2
    assert len(read_mono(path)) == info.num_frames


def test_an_mp3_header_that_drops_all(make_wav, no_ffmpeg):
    path = make_wav("a.mp3", seconds=1)
    set_mp3_length(path, 2, 0xFFF)  # libsndfile then claims the largest number there is

    assert "installing ffmpeg may open it" in sentence_of(path)


@pytest.mark.parametrize("claimed", [-1, -(10**12), 2**63 - 1])
def test_a_number_of_frames_that_cannot_be_is_not_believed(make_wav, monkeypatch, claimed):
    path = make_wav()
    monkeypatch.setattr(soundfile.SoundFile, "frames", claimed)  # seen in damaged MP3

    info = probe_audio(path)

    assert (info.num_frames, info.notice) == (16000, "")


def test_a_header_without_a_single_sample_behind_it(make_wav, no_ffmpeg):
    path = make_wav("a.flac", seconds=2)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"\xff\xf8") + 6])

    assert sentence_of(path) == (
        f"{path} is damaged: it claims to last 2.0 s but no sample of it can be read, so copy it "
        "again from where it came."
    )


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.aiff"])
def test_any_cut_opens_or_gives_one_sentence(make_wav, no_ffmpeg, name):
    path = make_wav(name, seconds=0.3)
    data = path.read_bytes()

    sentences, lengths = [], []
    for size in range(1, len(data), max(1, len(data) // 60)):
        path.write_bytes(data[:size])
        try:
            lengths.append(len(read_mono(path)))
        except AudioError as error:
            sentences.append(str(error))

    assert sentences
    assert lengths
    assert all(0 < length <= 4800 + 2304 for length in lengths)
    for sentence in sentences:
        assert sentence.startswith(f"{path} ")
        assert sentence.endswith(".")
        assert "Error" not in sentence
