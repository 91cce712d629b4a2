import hashlib
import os
import time

import pytest

from clser_engine.errors import AudioError, Cancelled
from clser_engine.runtime import RunContext
from clser_engine.service import audio_hashes
from clser_engine.service.audio_hashes import AudioHashes

LONG_AGO_S = 3600.0


@pytest.fixture
def count_reads(monkeypatch):
    reads = []
    real = audio_hashes.hash_file

    def counted(path, context):
        reads.append(path)
        return real(path, context)

    monkeypatch.setattr(audio_hashes, "hash_file", counted)
    return reads


@pytest.fixture
def later(monkeypatch):
    """The file's last change lies an hour back."""
    monkeypatch.setattr(time, "time", lambda real=time.time: real() + LONG_AGO_S)


def test_unchanged_file_is_read_once(tmp_path, count_reads, later):
    path = tmp_path / "a.wav"
    path.write_bytes(b"first")
    hashes = AudioHashes()

    found = {hashes.hash_of(path, RunContext()) for _ in range(3)}

    assert found == {hashlib.sha256(b"first").hexdigest()}
    assert len(count_reads) == 1


def test_changed_file_is_read_again_even_if_its_times_were_set_back(tmp_path, later):
    path = tmp_path / "a.wav"
    path.write_bytes(b"first")
    status = path.stat()
    hashes = AudioHashes()
    hashes.hash_of(path, RunContext())
    path.write_bytes(b"other")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert hashes.hash_of(path, RunContext()) == hashlib.sha256(b"other").hexdigest()


def test_file_that_was_just_written_is_not_trusted(tmp_path, count_reads):
    path = tmp_path / "a.wav"
    path.write_bytes(b"first")
    hashes = AudioHashes()

    hashes.hash_of(path, RunContext())
    hashes.hash_of(path, RunContext())

    assert len(count_reads) == 2


def test_oldest_are_forgotten(tmp_path, count_reads, later, monkeypatch):
    monkeypatch.setattr(audio_hashes, "MAX_REMEMBERED", 1)
    first, second = tmp_path / "a.wav", tmp_path / "b.wav"
    first.write_bytes(b"first")
    second.write_bytes(b"second")
    hashes = AudioHashes()

    for path in (first, second, first):
        hashes.hash_of(path, RunContext())

    assert len(count_reads) == 3


def test_hashing_can_be_cancelled(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(bytes(5_000_000))
    context = RunContext()
    context.cancel()

    with pytest.raises(Cancelled):
        AudioHashes().hash_of(path, context)


@pytest.mark.parametrize(
    ("name", "reason"), [("gone.wav", "No such file or directory"), ("a\0b", "embedded null byte")]
)
def test_missing_file_is_one_sentence(tmp_path, name, reason):
    with pytest.raises(AudioError) as raised:
        AudioHashes().hash_of(tmp_path / name, RunContext())

    assert str(raised.value) == (
        f"The recording {tmp_path / name} cannot be read ({reason}); check that it is still there."
    )
