"""Where there is no display, the command that opens the window does the same job without one."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PNG = b"\x89PNG\r\n\x1a\n"

pytestmark = pytest.mark.skipif(
    Path(sys.prefix) != PROJECT / ".venv" or not (PROJECT / ".venv" / ".ready").exists(),
    reason="needs the .venv that packaging/test.sh makes",
)


@pytest.fixture
def start():
    """Runs start.sh as on a machine without a display; what it wrote is removed afterwards."""
    written = []

    def run(*arguments: str | Path, cwd: Path) -> tuple[subprocess.CompletedProcess, Path]:
        hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
        finished = subprocess.run(
            ["bash", PROJECT / "packaging" / "start.sh", *arguments],
            cwd=cwd,
            env={name: value for name, value in os.environ.items() if name not in hidden},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
        named = re.search(r"^  (/.*/runs/.*)$", finished.stderr, re.MULTILINE)
        assert named, finished.stderr
        written.append(Path(named.group(1)))
        return finished, written[-1]

    yield run
    for folder in written:
        shutil.rmtree(folder)


def test_named_recording_is_analysed_and_drawn(start, tmp_path):
    shutil.copy2(PROJECT / "resources" / "demo" / "en_1_anger.flac", tmp_path / "my voice.flac")

    finished, out = start("my voice.flac", cwd=tmp_path)

    assert finished.returncode == 0, finished.stderr
    assert "There is no display here" in finished.stderr
    assert json.loads((out / "my voice.json").read_text("utf-8"))["posteriors"]
    assert "IntervalTier" in (out / "my voice.TextGrid").read_text("utf-8")
    assert (out / "window.png").read_bytes().startswith(PNG)


def test_missing_recording_is_one_sentence(start, tmp_path):
    finished, _ = start("no such file.wav", cwd=tmp_path)

    assert finished.returncode == 1
    assert "no such file.wav" in finished.stderr
    assert "Traceback" not in finished.stderr
