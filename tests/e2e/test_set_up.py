"""The set-up behind both commands of the README, with stand-ins for Python, pip and apt-get."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

# Notes each call; makes environments that hold itself; installs nothing; else is the real Python.
PYTHON = f"""#!/bin/sh
echo "python $*" >>"$CALLS"
case "$1 $2 $3" in
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    "-m pip --version") ;;
    "-m pip install") [ -z "$PIP_KILLS" ] || kill -KILL $PPID; exit "${{PIP_EXIT:-0}}" ;;
    "-c import PySide6"*) ;;
    *) exec "{sys.executable}" "$@" ;;
esac
"""
DPKG_QUERY = """#!/bin/sh
for package; do :; done
case " $MISSING " in *" $package "*) exit 1 ;; esac
echo "install ok installed"
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A computer with the program in a folder whose name has spaces."""
    tools, project = tmp_path / "tools", tmp_path / "a folder" / "clser studio"
    tools.mkdir()
    (project / "packaging").mkdir(parents=True)
    for path in (PROJECT / "packaging").iterdir():
        if path.is_file():
            shutil.copy2(path, project / "packaging")
    shutil.copy2(PROJECT / "pyproject.toml", project)
    for name, text in {
        "python3": PYTHON,
        "dpkg-query": DPKG_QUERY,
        "apt-get": '#!/bin/sh\necho "apt-get $*" >>"$CALLS"\n',
        "id": '#!/bin/sh\necho "$USER_ID"\n',
    }.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("USER_ID", "1000")
    monkeypatch.setenv("MISSING", "")
    monkeypatch.delenv("CLSER_PYTHON", raising=False)
    return project


def set_up(machine, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["bash", machine / "packaging" / "start.sh", "--setup-only", *arguments],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def calls(machine) -> list[str]:
    """What was called since the last look, without what only looks."""
    path = machine.parents[1] / "calls"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    changing = ("python -m venv", "python -m pip install", "apt-get")
    return [" ".join(line.split()[:4]) for line in lines if line.startswith(changing)]


def test_fresh_machine_is_told_the_size_and_set_up(machine):
    finished = set_up(machine)

    assert finished.returncode == 0, finished.stderr
    assert "4.6 GB" in finished.stderr or sys.platform != "linux"
    assert [call.split()[2] for call in calls(machine)] == ["venv", "pip"]


def test_second_time_nothing_is_done(machine):
    set_up(machine)
    calls(machine)

    finished = set_up(machine)

    assert finished.returncode == 0
    assert calls(machine) == []
    assert "GB" not in finished.stderr


@pytest.mark.parametrize("name", ["pyproject.toml", "packaging/constraints.txt"])
def test_changed_requirements_are_installed(machine, name):
    set_up(machine)
    calls(machine)
    with (machine / name).open("a") as file:
        file.write("\n# changed\n")

    set_up(machine)

    assert [call.split()[2] for call in calls(machine)] == ["pip"]


def test_environment_whose_set_up_was_killed_is_made_anew(machine, monkeypatch):
    monkeypatch.setenv("PIP_KILLS", "yes")
    killed = set_up(machine)
    monkeypatch.delenv("PIP_KILLS")
    (machine / ".venv" / "half-installed").touch()
    calls(machine)

    finished = set_up(machine)

    assert killed.returncode == -signal.SIGKILL
    assert finished.returncode == 0
    assert "unfinished or broken; making it anew" in finished.stderr
    assert not (machine / ".venv" / "half-installed").exists()
    assert [call.split()[2] for call in calls(machine)] == ["venv", "pip"]


def test_failure_of_pip_is_told_and_tried_again_without_starting_over(machine, monkeypatch):
    monkeypatch.setenv("PIP_EXIT", "1")
    failed = set_up(machine)
    monkeypatch.delenv("PIP_EXIT")
    calls(machine)

    assert failed.returncode == 1
    assert "check the network and the free space on disk, then run this again" in failed.stderr
    assert set_up(machine).returncode == 0
    assert [call.split()[2] for call in calls(machine)] == ["pip"]


def test_environment_whose_python_is_gone_is_made_anew(machine):
    set_up(machine)
    (machine / ".venv" / "bin" / "python").unlink()
    calls(machine)

    assert set_up(machine).returncode == 0
    assert [call.split()[2] for call in calls(machine)] == ["venv", "pip"]


def test_root_gets_the_missing_packages(machine, monkeypatch):
    monkeypatch.setenv("USER_ID", "0")
    monkeypatch.setenv("MISSING", "ffmpeg")

    set_up(machine)

    assert calls(machine)[:2] == ["apt-get update", "apt-get install -y --no-install-recommends"]


def test_others_are_told_the_command_and_go_on(machine, monkeypatch):
    monkeypatch.setenv("MISSING", "ffmpeg libportaudio2")

    finished = set_up(machine)

    command = "sudo apt-get install --no-install-recommends libportaudio2 ffmpeg"
    assert command in finished.stderr
    assert finished.returncode == 0
    assert not [call for call in calls(machine) if call.startswith("apt-get")]


def test_without_a_fitting_python_it_says_so(machine):
    for name in ("python3", "python3.13", "python3.12", "python3.11"):
        path = machine.parents[1] / "tools" / name
        path.write_text("#!/bin/sh\nexit 1\n")
        path.chmod(0o755)

    finished = set_up(machine)

    assert finished.returncode == 1
    assert "No Python from 3.11 to 3.13 with its venv module was found; install one" in (
        finished.stderr
    )
    assert not (machine / ".venv").exists()
