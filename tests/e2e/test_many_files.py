"""Short runs over many recordings; the figures of ten thousand come from `many_files.py` itself."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.many_files import write_recordings

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("many_files.py")


@pytest.mark.slow
def test_the_window_stays_quick_and_loses_nothing(tmp_path):
    out = tmp_path / "many.json"

    finished = subprocess.run(
        [
            sys.executable,
            SCRIPT,
            "--files",
            "600",
            "--broken",
            "10",
            "--analyse-s",
            "1",
            "--out",
            out,
        ],
        capture_output=True,
        text=True,
        timeout=280,
    )

    assert out.is_file(), finished.stderr
    figures = json.loads(out.read_text())
    assert figures["clips_kept"] == 601
    assert figures["sentences"] == 10
    assert figures["sentences_missing"] == figures["sentences_wrong"] == []
    assert figures["labels_reported_saved"] > 0
    assert figures["labels_lost"] == 0
    assert figures["cancels_pressed"] == 2
    assert figures["close_s"] < 2.0
    assert figures["window_growth_mib"] < 100
    assert figures["processes_left_after_5_s"] == 0
    assert {"Adding recordings", "Analysing"} <= set(figures["progress_shown"])
    # The window's own share: what other programs take of the processor is not its doing.
    assert figures["longest_own_work_ms"] <= 100


def start_analyze(folder, out):
    return subprocess.Popen(
        [sys.executable, "-m", "clser_engine.cli.main", "analyze", folder, "--out", out],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_the_command_line_writes_all_others_and_one_line_for_each_that_is_broken(tmp_path):
    broken = write_recordings(tmp_path / "in", 60, 10)

    process = start_analyze(tmp_path / "in", tmp_path / "out")
    said, complained = process.communicate(timeout=200)

    assert process.returncode == 1
    lines = complained.splitlines()
    assert len(lines) == 10
    assert {Path(line.removeprefix("clser: ").partition(".wav")[0]).name for line in lines} == {
        name.removesuffix(".wav") for name in broken
    }
    assert all(line.endswith(".") for line in lines)
    assert len(said.splitlines()) == len(list((tmp_path / "out").iterdir())) == 50


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_an_interrupted_command_line_keeps_what_is_finished(tmp_path):
    write_recordings(tmp_path / "in", 2000, 1)
    process = start_analyze(tmp_path / "in", tmp_path / "out")
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("out/*.json"))) < 5 and time.monotonic() < deadline:
        time.sleep(0.02)

    process.send_signal(signal.SIGINT)
    said, complained = process.communicate(timeout=20)

    assert (process.returncode, complained) == (130, "clser: interrupted\n")
    files = list((tmp_path / "out").iterdir())
    assert 5 <= len(files) < 1999
    assert len(said.splitlines()) in (len(files), len(files) - 1)
    for file in files:
        assert json.loads(file.read_text("utf-8"))["classes"]
