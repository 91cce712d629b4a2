"""Everything works where there is no network at all, not even the computer's own loopback."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "resources" / "demo"
RECORDING = sorted(DEMO.rglob("*.flac"))[0]


@pytest.fixture(scope="module")
def without_network():
    """Run a command of Python in a network namespace of its own, which has no interface."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed (Linux only), so no network can be taken away")
    prefix = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this system lets no program give up its network")

    def run(*arguments):
        return subprocess.run(
            [*prefix, sys.executable, *arguments],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
            timeout=240,
        )

    return run


def test_there_is_no_network_in_there(without_network):
    code = "import socket; socket.create_connection(('127.0.0.1', 9), timeout=1)"

    assert "Network is unreachable" in without_network("-c", code).stderr


def test_a_recording_is_analysed(without_network, tmp_path):
    done = without_network("-m", "clser_engine.cli.main", "analyze", RECORDING, "--out", tmp_path)

    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / f"{RECORDING.stem}.json").read_text("utf-8"))["posteriors"]


def test_the_window_shows_what_the_engine_says(without_network, tmp_path):
    picture = tmp_path / "window.png"

    done = without_network("-m", "app.picture", RECORDING, picture)

    assert done.returncode == 0, done.stderr
    assert picture.stat().st_size > 20_000
