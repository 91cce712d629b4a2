"""Tests of app.services.native_messages, each in a process whose standard error it may change."""

import subprocess
import sys

SCRIPT = """
import os, sys
from pathlib import Path
from app.services.native_messages import divert_native_messages
divert_native_messages(Path(sys.argv[1]))
os.write(2, b"a library says something\\n")
print("the program says something", file=sys.stderr)
"""


def run(folder):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_only_what_the_program_itself_says_is_seen(tmp_path):
    assert run(tmp_path / "log") == "the program says something\n"
    assert (tmp_path / "log" / "native.log").read_text() == "a library says something\n"


def test_without_a_log_nothing_changes(tmp_path):
    (tmp_path / "log").write_text("a file is in the way")

    assert run(tmp_path / "log") == "a library says something\nthe program says something\n"
