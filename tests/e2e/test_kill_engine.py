"""A short run of `kill_engine.py`; the figures of twenty kills come from the script itself."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("kill_engine.py")


@pytest.mark.slow
def test_window_notices_little_of_a_dying_engine(tmp_path):
    out = tmp_path / "kills.json"

    finished = subprocess.run(
        [sys.executable, SCRIPT, "--kills", "4", "--minutes", "0.5", "--out", out],
        capture_output=True,
        text=True,
        timeout=280,
    )

    assert out.is_file(), finished.stderr
    figures = json.loads(out.read_text())
    assert figures["kills"] >= 4
    assert figures["analyses_finished"] == figures["recordings"]
    assert figures["analyses_failed"] == 0
    assert figures["processes_left_after_5_s"] == 0
    assert figures["close_s"] < 2.0
    # The window's own share: what other programs take of the processor is not its doing.
    assert figures["longest_own_work_ms"] <= 100
