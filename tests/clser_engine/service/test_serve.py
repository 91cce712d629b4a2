"""The engine as a process of its own: what starts, stops and survives it."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from clser_engine.client import EngineClient
from clser_engine.errors import ServiceError
from clser_engine.runtime import RunContext
from tests.clser_engine.service.waiting import TIMEOUT_S

TOKEN = "a token of the tests"
SCRIPT = Path(__file__).with_name("double_engine.py")


def test_closing_standard_input_ends_it_and_leaves_nothing(start_process, recording):
    process = start_process()
    client = process.introduce()
    client.analyze(recording("frames=3"), RunContext())
    folder = Path(process.address.removeprefix("unix:")).parent
    assert folder.is_dir()

    process.popen.stdin.close()

    assert process.popen.wait(TIMEOUT_S) == 0
    assert not folder.exists()
    client.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_and_leave_nothing(start_process, number):
    process = start_process()
    client = process.introduce()
    client.handshake()

    process.popen.send_signal(number)

    assert process.popen.wait(TIMEOUT_S) == 0
    assert not Path(process.address.removeprefix("unix:")).exists()
    client.close()


def test_busy_engine_ends_before_its_analysis(start_process, recording):
    process = start_process()
    client = process.introduce()
    call = client._stub.Analyze
    events = call(_request(recording("held")), metadata=(("authorization", f"Bearer {TOKEN}"),))
    next(events)

    process.popen.stdin.close()

    assert process.popen.wait(TIMEOUT_S) in (0, 1)
    client.close()


def _request(path):
    from clser_engine.service import engine_pb2 as pb

    return pb.AnalyzeRequest(audio=pb.AudioRef(local_path=os.fsencode(path)))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal")
def test_engine_dies_with_a_killed_parent(tmp_path):
    """The parent hands its standard input on, so that only the kernel can tell the engine."""
    code = (
        "import subprocess, sys, time\n"
        "p = subprocess.Popen([sys.executable, sys.argv[1], '--cache', sys.argv[2]],"
        " stdin=0, stdout=subprocess.PIPE)\n"
        "p.stdout.readline()\n"
        "print(p.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, SCRIPT, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    parent.stdin.write(f"{TOKEN}\n".encode())
    parent.stdin.flush()
    engine = psutil.Process(int(parent.stdout.readline()))

    parent.kill()
    _, alive = psutil.wait_procs([engine], timeout=TIMEOUT_S)

    assert not alive
    parent.communicate()


def test_token_is_in_no_command_line_and_no_environment(start_process):
    process = start_process()
    client = process.introduce()

    engine = psutil.Process(process.popen.pid)

    assert TOKEN not in " ".join(engine.cmdline())
    assert TOKEN not in " ".join(engine.environ().values())
    client.close()


def test_engine_is_answering_before_any_model_library_is_loaded():
    code = (
        "import sys\n"
        "import clser_engine.cli.serve\n"
        "heavy = {'torch', 'onnxruntime', 'transformers', 'torchaudio', 'sklearn'}\n"
        "sys.exit(repr(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)\n"
    )

    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert finished.returncode == 0, finished.stderr


def run_clser(*arguments, stdin=subprocess.DEVNULL):
    return subprocess.run(
        [sys.executable, "-m", "clser_engine.cli.main", "serve", *arguments],
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_public_engine_without_certificate_is_refused():
    finished = run_clser("--listen", "127.0.0.1:0")

    assert finished.returncode == 1
    assert finished.stdout == ""
    assert finished.stderr.splitlines()[-1] == (
        "clser: The engine listens on 127.0.0.1:0 only with a TLS certificate, its key and a token "
        "of at least 16 characters; give --certificate, --key and --token-file."
    )


def test_token_file_that_cannot_be_read_is_named(tmp_path):
    finished = run_clser("--listen", "127.0.0.1:0", "--token-file", tmp_path / "gone")

    assert finished.returncode == 1
    assert f"The token file {tmp_path / 'gone'} cannot be read" in finished.stderr


def test_help_has_an_example():
    finished = run_clser("--help")

    assert finished.returncode == 0
    assert "example: clser serve" in finished.stdout


@pytest.fixture
def public(tmp_path, certificate):
    pem, key = certificate
    token_file = tmp_path / "token"
    token_file.write_text(f"{TOKEN}\n")
    arguments = ["--listen", "localhost:0", "--certificate", pem, "--key", key]
    arguments += ["--token-file", token_file, "--cache", tmp_path / "cache"]
    popen = subprocess.Popen(
        [sys.executable, SCRIPT, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    import json

    yield json.loads(popen.stdout.readline())["address"], pem.read_bytes()
    popen.terminate()
    popen.communicate(timeout=TIMEOUT_S)


def test_public_engine_takes_uploads_over_tls(public, recording):
    address, pem = public
    path = recording("frames=7")
    client = EngineClient(address, TOKEN, root_certificate=pem)

    result = client.analyze(path, RunContext())

    assert len(result.analysis.posteriors.values) == 7
    assert result.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not client.handshake().accepts_local_paths
    client.close()


def test_public_engine_refuses_a_wrong_token_and_a_stranger_without_tls(public):
    address, pem = public
    wrong = EngineClient(address, "a wrong token, long enough", root_certificate=pem)

    with pytest.raises(ServiceError, match="refused the token"):
        wrong.handshake()

    wrong.close()
    plain = EngineClient(address.replace("localhost", "127.0.0.1"), TOKEN)
    with pytest.raises(ServiceError):
        plain.handshake(2.0)
    plain.close()
