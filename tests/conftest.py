"""What every test runs under: no display, no network, own folders, nothing left behind."""

import logging
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import settings

PROJECT = Path(__file__).resolve().parent.parent
HOMES = Path(tempfile.mkdtemp(prefix="clser-tests-"))

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["CLSER_HOME"] = str(HOMES)
settings.register_profile("any machine", deadline=None)  # a busy machine is no failure
settings.load_profile("any machine")

EXIT_TIMEOUT_S = 5.0  # an engine notices within this time that its window is gone
JOIN_TIMEOUT_S = 2.0  # a thread that was told to stop has stopped by then
LIBRARY_THREADS = ("grpc", "ThreadPoolExecutor-grpc", "tqdm", "QueueFeeder", "pymp")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of corpora and fixtures beside the project; skips where there is none."""
    folder = PROJECT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the speech corpora and audio fixtures in ../shared")
    return folder


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory):
    """Give the folder of a small random checkpoint by its name in `tests/tiny_checkpoints.py`."""
    folder = tmp_path_factory.mktemp("checkpoints")

    def find(name: str) -> Path:
        from tests.tiny_checkpoints import save_checkpoint

        if not (folder / name).is_dir():
            save_checkpoint(name, folder / name)
        return folder / name

    return find


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory, tiny_checkpoint):
    """Give the folder of a small random encoder bundle on a checkpoint of that name."""
    folder = tmp_path_factory.mktemp("bundles")

    def find(name: str) -> Path:
        from clser_engine.backbones.registry import load_backbone
        from tests.tiny_bundles import build_classifier, save_bundle

        place = folder / f"{name}.clser-model"
        if not place.is_dir():
            pooling = "attention" if name == "hubert" else "mean_std"
            backbone = load_backbone(tiny_checkpoint(name))
            save_bundle(build_classifier(backbone, pooling), place)
        return place

    return find


@pytest.fixture
def hub(monkeypatch):
    """A server in the place of the hub of checkpoints; `hub.add(name, folder)` publishes one."""
    from tests.hub_server import HubServer

    for name in ("HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        yield server


@pytest.fixture(scope="session", autouse=True)
def remove_homes():
    """Leave no temporary folder behind."""
    yield
    shutil.rmtree(HOMES, ignore_errors=True)


@pytest.fixture(autouse=True)
def home(monkeypatch, request):
    """A folder of the test's own for cache, settings and logs."""
    name = "".join(c if c.isalnum() else "-" for c in request.node.name)[:40]
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=HOMES))
    monkeypatch.setenv("CLSER_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def same_random_numbers():
    """Seed every generator that code might use without being given one."""
    random.seed(0)
    np.random.seed(0)  # the legacy generator, because that is the one libraries draw from
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(autouse=True)
def closed_network(monkeypatch):
    """Refuse a connection to anything but this computer."""
    connect = socket.socket.connect

    def connect_locally(self, address):
        local = self.family == getattr(socket, "AF_UNIX", None) or (
            isinstance(address, tuple) and address[0] in ("127.0.0.1", "::1", "localhost")
        )
        if not local:
            raise AssertionError(f"A test wanted to connect to {address!r}.")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_locally)


@pytest.fixture(autouse=True)
def fail_on_warning(caplog):
    """Fail a test that logs WARNING or above, unless it checks and clears `caplog`."""
    yield
    unexpected = [r for r in caplog.get_records("call") if r.levelno >= logging.WARNING]
    assert not unexpected, [r.getMessage() for r in unexpected]


@pytest.fixture(autouse=True)
def fail_on_left_over_thread():
    """Fail a test that leaves a thread running: the next test would crash instead."""
    before = set(threading.enumerate())
    yield
    left = [t for t in threading.enumerate() if t not in before]
    deadline = time.monotonic() + JOIN_TIMEOUT_S
    for thread in left:
        if not thread.name.startswith(LIBRARY_THREADS):
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
    alive = [t.name for t in left if t.is_alive() and not t.name.startswith(LIBRARY_THREADS)]
    assert not alive, f"threads left running: {alive}"


def processes_of_tests() -> list[psutil.Process]:
    """Processes that a test started, known by the folder they were given, orphans included."""
    found = []
    for process in psutil.process_iter():
        try:
            started_here = process.environ().get("CLSER_HOME", "").startswith(str(HOMES))
        except psutil.Error:
            continue
        if started_here and process.pid != os.getpid():
            found.append(process)
    return found


@pytest.fixture(scope="module", autouse=True)
def fail_on_left_over_process():
    """Fail a test file that leaves a process behind; the folder's name tells which test."""
    yield
    _, alive = psutil.wait_procs(processes_of_tests(), timeout=EXIT_TIMEOUT_S)
    described = []
    for process in alive:
        try:
            described.append(f"{process.environ()['CLSER_HOME']}: {' '.join(process.cmdline())}")
            process.kill()
        except psutil.Error:
            continue
    assert not described, f"processes left running: {described}"
