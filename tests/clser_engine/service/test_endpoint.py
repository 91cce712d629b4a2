import fcntl
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from clser_engine.client import EngineClient
from clser_engine.errors import ServiceError
from clser_engine.service import endpoint
from clser_engine.service.endpoint import (
    PublicEndpoint,
    listen_privately,
    listen_publicly,
    private_address,
)

TOKEN = "a token of the tests"


@pytest.fixture
def server():
    server = grpc.server(ThreadPoolExecutor(1, thread_name_prefix="grpc"))
    yield server
    server.stop(0).wait()


@pytest.fixture
def root(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.setattr(endpoint, "MAX_SOCKET_PATH", 1000)
    return folder


def folder_of(address):
    return Path(address.removeprefix("unix:")).parent


def test_private_folder_is_for_this_user_only_and_goes(root):
    with private_address() as address:
        folder = folder_of(address)
        assert folder.parent == root
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    assert not folder.exists()


def test_folder_of_a_killed_engine_is_removed_and_that_of_a_living_one_is_not(root):
    stale = root / "clser-engine-stale"
    young = root / "clser-engine-young"
    alive = root / "clser-engine-alive"
    foreign = root / "something-else"
    for folder in (stale, young, alive, foreign):
        folder.mkdir()
        (folder / "lock").touch()
    for folder in (stale, alive, foreign):
        os.utime(folder, (1000, 1000))

    with (alive / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with private_address():
            pass

    assert sorted(path.name for path in root.iterdir()) == [
        "clser-engine-alive",
        "clser-engine-young",
        "something-else",
    ]


def test_long_runtime_folder_gives_way_to_a_short_one(tmp_path, monkeypatch):
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))

    with private_address() as address:
        assert len(address) <= 107
        assert not address.startswith(f"unix:{deep}")


def test_no_writable_folder_is_one_sentence(monkeypatch):
    monkeypatch.setattr(os, "access", lambda *args: False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1")
    monkeypatch.setattr(endpoint.tempfile, "gettempdir", lambda: "/var/tmp")

    with pytest.raises(ServiceError) as raised, private_address():
        pass

    assert str(raised.value) == (
        "There is no writable folder with a short path for the engine's socket among "
        "/run/user/1, /var/tmp, /tmp; set TMPDIR to one."
    )


@pytest.mark.parametrize("lacks", ["certificate", "key", "token", "short token"])
def test_public_endpoint_needs_certificate_key_and_token(server, tmp_path, lacks):
    pem = tmp_path / "x.pem"
    public = PublicEndpoint(
        address="127.0.0.1:0",
        certificate=None if lacks == "certificate" else pem,
        key=None if lacks == "key" else pem,
    )
    token = {"token": "", "short token": "123456789012345"}.get(lacks, TOKEN)

    with pytest.raises(ServiceError) as raised:
        listen_publicly(server, public, token)

    assert str(raised.value) == (
        "The engine listens on 127.0.0.1:0 only with a TLS certificate, its key and a token of at "
        "least 16 characters; give --certificate, --key and --token-file."
    )


def test_missing_certificate_file_is_named(server, tmp_path):
    gone = tmp_path / "gone.pem"
    public = PublicEndpoint(address="127.0.0.1:0", certificate=gone, key=gone)

    with pytest.raises(ServiceError) as raised:
        listen_publicly(server, public, TOKEN)

    assert str(raised.value) == (
        f"The file {gone} cannot be read (No such file or directory); "
        "give a certificate and a key in PEM form."
    )


def test_port_in_use_is_one_sentence(server):
    address = listen_privately(server, "127.0.0.1:0")
    other = grpc.server(
        ThreadPoolExecutor(1, thread_name_prefix="grpc"), options=[("grpc.so_reuseport", 0)]
    )

    with pytest.raises(ServiceError, match=rf"^The engine cannot listen on {address} \(.*\); "):
        listen_privately(other, address)


def test_address_of_another_computer_needs_encryption():
    with pytest.raises(ServiceError) as raised:
        EngineClient("gpu.example:7070", TOKEN)

    assert str(raised.value) == (
        "The engine at gpu.example:7070 is on another computer and needs an encrypted connection; "
        "give the certificate that it was started with."
    )
