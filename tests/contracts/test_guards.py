"""The guards of tests/conftest.py notice what they are there for."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

BAD_TESTS = {
    "threads left running: ['forgotten']": """
        import threading
        def test_it():
            threading.Thread(target=threading.Event().wait, name="forgotten", daemon=True).start()
    """,
    "processes left running": """
        import subprocess, sys
        def test_it():
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    """,
    "A test wanted to connect to ('192.0.2.1', 80).": """
        import socket
        def test_it():
            with socket.socket() as s:
                s.connect(("192.0.2.1", 80))
    """,
    "'something is odd'": """
        import logging
        def test_it():
            logging.getLogger("app").warning("something is odd")
    """,
    "DeprecationWarning: gone soon": """
        import warnings
        def test_it():
            warnings.warn("gone soon", DeprecationWarning)
    """,
    "QtWarningMsg": """
        from PySide6.QtCore import qWarning
        def test_it(qapp):
            qWarning("something is odd")
    """,
}


@pytest.mark.parametrize("notice", BAD_TESTS)
def test_guard_notices(notice, tmp_path):
    shutil.copy2(PROJECT / "tests" / "conftest.py", tmp_path)
    lines = BAD_TESTS[notice].splitlines()
    (tmp_path / "test_bad.py").write_text("\n".join(line[8:] for line in lines))

    settings = ("-c", PROJECT / "pyproject.toml", "--rootdir", tmp_path, "-p", "no:cacheprovider")
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", *settings, tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert finished.returncode == 1, finished.stdout
    assert notice in finished.stdout
