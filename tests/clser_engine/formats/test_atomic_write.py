"""Tests of clser_engine.formats.atomic_write."""

import errno
import os

import pytest

from clser_engine.errors import FormatError
from clser_engine.formats.atomic_write import write_atomically


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    file = tmp_path / "x.csv"
    file.write_bytes(b"old")

    def fail(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(FormatError) as raised:
        write_atomically(file, b"new", overwrite=True)

    assert str(raised.value) == (
        f"{file} cannot be written because the disk is full; "
        "free some space or choose another folder."
    )
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("missing/x.csv", "the folder does not exist; create it or choose another"),
        ("file/x.csv", "its folder is a file; choose another folder"),
        ("folder", "a folder has that name; choose another name"),
        ("x" * 300, "the name is too long; choose a shorter one"),
    ],
)
def test_the_cause_is_named(tmp_path, name, cause):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()

    with pytest.raises(FormatError) as raised:
        write_atomically(tmp_path / name, b"new", overwrite=True)

    assert str(raised.value) == f"{tmp_path / name} cannot be written because {cause}."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_link_to_nothing_is_not_replaced_unless_allowed(tmp_path):
    (tmp_path / "x").symlink_to(tmp_path / "gone")

    with pytest.raises(FormatError, match="exists already and was left as it is"):
        write_atomically(tmp_path / "x", b"new", overwrite=False)


def test_the_file_is_brought_to_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append("fsync"), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append("replace"), replace(a, b)))

    write_atomically(tmp_path / "x", b"new", overwrite=False)

    assert order == ["fsync", "replace", "fsync"]
