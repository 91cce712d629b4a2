"""Tests of app.services.file_systems."""

import os

import pytest

from app.services import file_systems
from app.services.file_systems import NETWORK_TYPES, file_system_type, is_on_network_share

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/person/local ext4 rw 0 0
//server/talks /media/my\\040talks cifs rw 0 0
tmpfs /media/my\\040talks/fast tmpfs rw 0 0
tmpfs /over tmpfs rw 0 0
server:/over /over nfs rw 0 0
broken line
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/var/lib", "ext4"),
        ("/home", "nfs4"),
        ("/home/person", "nfs4"),
        ("/home/person/local/a", "ext4"),
        ("/homeless", "ext4"),
        ("/media/my talks/a", "cifs"),
        ("/media/my talks/fast", "tmpfs"),
        ("/over/a", "nfs"),
    ],
)
def test_the_innermost_and_last_mount_counts(folder, kind, monkeypatch):
    monkeypatch.setattr(os.path, "realpath", lambda path: path)

    assert file_system_type(folder, MOUNTS) == kind


def test_without_mounts_the_type_is_unknown(tmp_path):
    assert file_system_type(tmp_path, "") == ""


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_folder_of_this_test_is_on_this_computer(tmp_path, monkeypatch, platform):
    monkeypatch.setattr(file_systems.sys, "platform", platform)

    assert is_on_network_share(tmp_path) is False
    assert "nfs" in NETWORK_TYPES
