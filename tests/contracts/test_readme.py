"""What README.md says is so: its paths exist, its commands are those of CI, its examples run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
README = (PROJECT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SHELL_LINES = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
CLSER_LINES = [line for line in SHELL_LINES if line.startswith(".venv/bin/clser ")]
PYTHON_BLOCKS = [block for kind, block in BLOCKS if kind == "python"]

TWO_COMMANDS = ("bash packaging/start.sh", "bash packaging/test.sh")


@pytest.fixture
def copy(tmp_path):
    """A folder in which the examples run as if it were the project's, writing nothing there."""
    (tmp_path / "resources").symlink_to(PROJECT / "resources")
    return tmp_path


def run(command: list[str], folder: Path) -> None:
    finished = subprocess.run(
        command,
        cwd=folder,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_the_two_commands_are_there():
    commands = {line.split("#")[0].strip() for line in SHELL_LINES}

    assert set(TWO_COMMANDS) <= commands


def test_ci_runs_the_command_for_tests():
    assert f"exec {TWO_COMMANDS[1]}\n" in (PROJECT / ".ci" / "run").read_text("utf-8")


def test_paths_and_links_exist():
    named = set(re.findall(r"`([\w.-]+(?:/[\w.-]*)+)`", README))
    linked = {t.split("#")[0] for t in re.findall(r"\]\(([^)]+)\)", README) if "://" not in t}
    missing = {n for n in named | linked if n and not (PROJECT / n).exists()}

    assert not {name for name in missing if not name.startswith((".venv/", "runs/"))}


@pytest.mark.parametrize("line", CLSER_LINES)
def test_commands_of_the_terminal_run(line, copy):
    words = shlex.split(line, comments=True)

    run([sys.executable, "-m", "clser_engine.cli.main", *words[1:]], copy)


@pytest.mark.parametrize("block", PYTHON_BLOCKS)
def test_python_examples_run(block, copy):
    run([sys.executable, "-c", block], copy)
