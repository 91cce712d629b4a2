import errno
import hashlib
import os

import pytest

from clser_engine.errors import AudioError, ServiceError
from clser_engine.service import engine_pb2 as pb
from clser_engine.service.uploads import Uploads

DATA = b"0123456789" * 50
SHA256 = hashlib.sha256(DATA).digest()


@pytest.fixture
def uploads(tmp_path):
    return Uploads(tmp_path / "uploads", max_upload_bytes=1000)


def parts_of(data=DATA, sha256=SHA256, size=None):
    size = len(data) if size is None else size
    yield pb.UploadPart(header=pb.UploadHeader(sha256=sha256, size=size))
    for first in range(0, len(data), 64):
        yield pb.UploadPart(data=data[first : first + 64])


def test_recording_is_stored_under_its_hash(uploads, tmp_path):
    assert uploads.receive(parts_of())

    assert uploads.find(SHA256) == tmp_path / "uploads" / SHA256.hex()
    assert uploads.find(SHA256).read_bytes() == DATA
    if os.name != "nt":
        assert (tmp_path / "uploads").stat().st_mode & 0o077 == 0


def test_second_upload_of_the_same_is_not_read(uploads):
    uploads.receive(parts_of())
    rest = parts_of()

    assert not uploads.receive(rest)
    assert next(rest).data  # nobody took it


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        (
            list(parts_of(sha256=b"\0" * 32)),
            "The upload did not arrive as announced (500 of 500 bytes, hash wrong); send it again.",
        ),
        (
            list(parts_of(size=499)),
            "The upload did not arrive as announced (500 of 499 bytes, hash wrong); send it again.",
        ),
        (
            list(parts_of(size=501)),
            "The upload did not arrive as announced (500 of 501 bytes, hash right); send it again.",
        ),
        (
            list(parts_of(size=1001)),
            (
                "The recording has 1001 bytes, the engine takes at most 1000; "
                "cut it into shorter ones."
            ),
        ),
        (
            list(parts_of(sha256=b"../../../etc/cron.d/x")),
            (
                "A recording's hash has 32 bytes, got 21; "
                "install the same version of the engine and the studio."
            ),
        ),
        (
            list(parts_of())[1:],
            (
                "An upload starts with the recording's hash and size, which are missing; "
                "install the same version of the engine and the studio."
            ),
        ),
        (
            [],
            (
                "An upload starts with the recording's hash and size, which are missing; "
                "install the same version of the engine and the studio."
            ),
        ),
    ],
    ids=["hash", "longer", "shorter", "huge", "path", "no header", "nothing"],
)
def test_bad_upload_is_refused_and_leaves_nothing(uploads, tmp_path, parts, sentence):
    with pytest.raises(ServiceError) as raised:
        uploads.receive(parts)

    assert str(raised.value) == sentence
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_full_disk_is_one_sentence(uploads, tmp_path, monkeypatch):
    class FullDisk:
        def __init__(self, handle, mode):
            os.close(handle)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fdopen", FullDisk)

    with pytest.raises(AudioError) as raised:
        uploads.receive(parts_of())

    assert str(raised.value) == (
        f"The engine cannot store the recording in {tmp_path / 'uploads'} "
        "(No space left on device); make room on that disk."
    )
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_unknown_recording_is_named(uploads):
    with pytest.raises(ServiceError) as raised:
        uploads.find(b"\xab" * 32)

    assert str(raised.value) == (
        "The engine does not have the recording abababababab…; upload it first."
    )
