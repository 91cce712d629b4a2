"""Tests of `python -m app`: without a display, and from the process's start to a label on disk."""

import os
import subprocess
import sys

import pytest

from app.__main__ import NO_DISPLAY, has_display, main

HEADLESS = {key: value for key, value in os.environ.items() if "DISPLAY" not in key}
HEADLESS.pop("QT_QPA_PLATFORM", None)

SCRIPT = """
import sys
from pathlib import Path
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
import app.application
from app.__main__ import main

class Studio(app.application.Studio):
    def __init__(self):
        super().__init__(starts_engine=False)
        self.window.label_saved.connect(lambda label_id: print("saved", label_id, flush=True))
        self.source.source_completed.connect(self._press)

    def _press(self):
        QTest.keyClick(self.window, Qt.Key.Key_1)
        QTest.keyClick(self.window, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)

app.application.Studio = Studio
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there is always a display there")
def test_without_a_display_there_is_one_sentence():
    done = subprocess.run(
        [sys.executable, "-m", "app"], env=HEADLESS, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr == NO_DISPLAY + "\n"
    assert done.stdout == ""


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there is always a display there")
def test_a_display_is_looked_for_where_the_system_names_it(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert not has_display()

    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert has_display()


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--help"])

    assert left.value.code == 0
    assert "clser-studio Talk.clser-project" in capsys.readouterr().out


def test_the_program_opens_labels_and_ends(tmp_path, home):
    import numpy as np
    import soundfile

    soundfile.write(tmp_path / "a.wav", np.full(16_000, 0.1), 16_000)

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "a.wav")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("saved ")
    assert "Traceback" not in done.stderr
    assert (home / "log" / "clser-studio.log").exists()


def test_a_failure_at_the_start_is_shown_in_a_box():
    code = """
import sys
from PySide6.QtWidgets import QMessageBox
import app.application
from app.__main__ import main
def broken():
    raise RuntimeError("no such table")
app.application.Studio = broken
QMessageBox.critical = lambda parent, title, text: print(title + ": " + text)
sys.exit(main([]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 1
    assert done.stdout.strip() == (
        "CLSER Studio: The program cannot start (no such table); install it again with bash"
        " packaging/start.sh --setup-only."
    )
    assert "RuntimeError: no such table" in done.stderr
