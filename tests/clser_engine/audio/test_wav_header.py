"""Tests of clser_engine.audio.wav_header, alone and through what is said of a recording."""

import struct

import pytest

from clser_engine.audio.read import probe_audio
from clser_engine.audio.wav_header import share_present


@pytest.fixture
def cut(make_wav):
    """A WAV of 2 s of which the second half is missing."""
    path = make_wav("cut.wav", seconds=2)
    data = path.read_bytes()
    head = data.index(b"data") + 8
    path.write_bytes(data[: head + (len(data) - head) // 2])
    return path


def test_a_wav_that_was_cut_off_says_so(cut):
    assert share_present(cut) == 0.5
    assert probe_audio(cut).notice == (
        f"{cut} claims to last 2.0 s but only 1.0 s could be read; if more is missed, copy it again"
        " from where it came."
    )


def test_a_whole_one_says_nothing(make_wav):
    path = make_wav("whole.wav", seconds=2)

    assert share_present(path) == 1.0
    assert probe_audio(path).notice == ""


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000, 0])
def test_a_stream_of_unknown_length_is_not_taken_for_cut_off(cut, size):
    data = bytearray(cut.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = struct.pack("<I", size)
    cut.write_bytes(data)

    assert share_present(cut) == 1.0


@pytest.mark.parametrize("size", [0, 3, 11, 14, 40])
def test_a_header_that_ends_early_or_is_none_tells_nothing(cut, tmp_path, size):
    cut.write_bytes(cut.read_bytes()[:size])

    assert share_present(cut) == 1.0
    assert share_present(tmp_path / "gone.wav") == 1.0
