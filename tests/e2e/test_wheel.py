"""The wheel holds everything: installed elsewhere, it analyses a recording from another folder."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SHIPPED = (
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "NOTICE.md",
    "app",
    "clser_engine",
    "resources",
)


def run(*command: str | Path, cwd: Path, **environment: str) -> None:
    finished = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy so that nothing is left in the checkout."""
    source = tmp_path_factory.mktemp("source")
    for name in SHIPPED:
        path = PROJECT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(path, source)
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, source, cwd=folder)
    [built] = folder.glob("*.whl")
    return built


def test_every_shipped_file_is_in_the_wheel(wheel):
    wanted = set()
    for folder, installed in [
        ("app", "app"),
        ("clser_engine", "clser_engine"),
        ("resources", "clser_resources"),
    ]:
        for path in (PROJECT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                wanted.add(f"{installed}/{path.relative_to(PROJECT / folder).as_posix()}")

    with zipfile.ZipFile(wheel) as archive:
        assert wanted - set(archive.namelist()) == set()


def test_installed_elsewhere_it_analyses_a_recording(wheel, tmp_path):
    target, elsewhere, out = tmp_path / "installed here", tmp_path / "elsewhere", tmp_path / "out"
    elsewhere.mkdir()
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")
    run(*pip, "install", "--no-deps", "--quiet", "--target", target, wheel, cwd=elsewhere)
    recording = sorted((target / "clser_resources" / "demo").rglob("*.flac"))[0]

    where = "import clser_engine, sys; sys.exit(not clser_engine.__file__.startswith(sys.argv[1]))"
    run(sys.executable, "-c", where, target, cwd=elsewhere, PYTHONPATH=str(target))
    clser = (target / "bin" / "clser", "analyze", recording, "--out", out)
    run(sys.executable, *clser, cwd=elsewhere, PYTHONPATH=str(target))

    [written] = [p for p in out.rglob("*.json") if "frame_rate_hz" in json.loads(p.read_text())]
    assert json.loads(written.read_text())["posteriors"]
