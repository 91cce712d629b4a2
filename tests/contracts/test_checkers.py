"""The checkers that know the rules of style, types and imports, run as tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


def run_checker(*command: str) -> None:
    scripts = Path(sys.executable).parent
    finished = subprocess.run(
        [str(scripts / command[0]), *command[1:]],
        cwd=PROJECT,
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_ruff_finds_nothing():
    run_checker("ruff", "check", ".")


def test_files_are_formatted():
    run_checker("ruff", "format", "--check", ".")


@pytest.mark.timeout(600)
def test_types_are_right():
    run_checker("mypy")


def test_imports_keep_to_their_layers():
    run_checker("lint-imports")
