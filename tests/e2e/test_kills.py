"""A few kills of each sort; `kill_store.py` and `kill_app.py` do a hundred."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.mark.parametrize(
    "command",
    [
        ["kill_store.py", "--kills", "6"],
        ["kill_app.py", "--kills", "4", "--engine-every", "0"],
    ],
    ids=["store", "window"],
)
def test_no_label_is_lost(command, tmp_path):
    script, *options = command
    out = tmp_path / "kills.json"

    done = subprocess.run(
        [sys.executable, HERE / script, *options, "--out", out], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(out.read_text())
    assert result["figures"]["labels_lost"] == 0
    assert result["figures"]["labels_strange"] == 0
    assert result["figures"]["steps_recorded"] > 0
