"""An engine with a double for its predictor, in this process and in one of its own."""

import importlib.util
import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from clser_engine.client import EngineClient
from clser_engine.service.endpoint import listen_privately, private_address
from clser_engine.service.model_shelf import ModelShelf
from clser_engine.service.result_cache import ResultCache
from clser_engine.service.server import EngineService, make_server
from clser_engine.service.uploads import Uploads

TOKEN = "a token of the tests"
SCRIPT = Path(__file__).with_name("double_engine.py")


@pytest.fixture(scope="session")
def double():
    spec = importlib.util.spec_from_file_location("double_engine", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["double_engine"] = module
    spec.loader.exec_module(module)
    return module


class Engine:
    """A service that listens, and a client that is connected to it."""

    def __init__(self, double, folder, **facts):
        self.backend = double.DoubleBackend(
            is_dead=facts.pop("is_dead", False), may_load=facts.pop("may_load", None)
        )
        self.service = EngineService(
            shelf=ModelShelf(lambda: self.backend, double.identify),
            cache=ResultCache(folder / "results"),
            uploads=Uploads(folder / "uploads", max_upload_bytes=facts.pop("max_upload", 10_000)),
            accepts_local_paths=facts.pop("accepts_local_paths", True),
        )
        assert not facts
        self.server = make_server(self.service, TOKEN)
        self._stack = ExitStack()
        self.address = listen_privately(self.server, self._stack.enter_context(private_address()))
        self.server.start()
        self.client = EngineClient(self.address, TOKEN)
        self.service.start_loading()

    def close(self):
        self.client.close()
        self.service.close()
        self.server.stop(0).wait()
        self._stack.close()


@pytest.fixture
def make_engine(double, tmp_path):
    engines = []

    def make(**facts):
        engines.append(Engine(double, tmp_path / "cache", **facts))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


@pytest.fixture
def engine(make_engine):
    return make_engine()


@pytest.fixture
def recording(tmp_path):
    """Writes a "recording" of words that the double obeys."""
    numbers = iter(range(1000))

    def write(words):
        path = tmp_path / f"clip{next(numbers)}.wav"
        path.write_text(words)
        return path

    return write


class Process:
    """A private engine in a process of its own."""

    def __init__(self, *arguments, command=(SCRIPT,)):
        self.popen = subprocess.Popen(
            [sys.executable, *command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )

    def introduce(self):
        self.popen.stdin.write(f"{TOKEN}\n".encode())
        self.popen.stdin.flush()
        self.address = json.loads(self.popen.stdout.readline())["address"]
        return EngineClient(self.address, TOKEN)

    def close(self):
        self.popen.kill()
        self.popen.wait()
        for pipe in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            pipe.close()


@pytest.fixture
def start_process(tmp_path):
    processes = []

    def start(*arguments, **facts):
        processes.append(Process("--cache", str(tmp_path / "cache"), *arguments, **facts))
        return processes[-1]

    yield start
    for process in processes:
        process.close()


@pytest.fixture
def certificate(tmp_path):
    """A certificate of its own for this computer's name."""
    key, pem = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    try:
        subprocess.run([*command, "-keyout", key, "-out", pem], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs openssl to make a certificate")
    return pem, key
