"""The shape of the repository: its top level, its packages, the size of its files."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

TOP_LEVEL = {
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "NOTICE.md",
    "app",
    "clser_engine",
    "resources",
    "tests",
    "packaging",
}
MAX_LINES = 500


def test_top_level_is_the_agreed_one(project, files):
    found = {path.relative_to(project).parts[0] for path in files}

    assert {name for name in found if not name.startswith(".")} == TOP_LEVEL


def test_packaging_folder_does_not_hide_the_module_packaging(project):
    assert not (project / "packaging" / "__init__.py").exists()
    finished = subprocess.run(
        [sys.executable, "-c", "import packaging.version; print(packaging.__file__)"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "site-packages" in finished.stdout


def test_every_package_is_named_in_pyproject(project, pyproject):
    packages = {
        path.parent.relative_to(project).as_posix().replace("/", ".")
        for package in ("app", "clser_engine")
        for path in (project / package).rglob("__init__.py")
    }

    assert set(pyproject["tool"]["setuptools"]["packages"]) == packages | {"clser_resources"}


def test_every_folder_of_modules_is_a_package(project, sources):
    folders = {(project / source.name).parent for source in sources}
    bare = [f for f in folders if not (f / "__init__.py").exists() and f.name != "versions"]

    assert not bare, "a folder without __init__.py is missing from the wheel"


def test_every_package_says_what_belongs_in_it(sources):
    silent = [
        source.name
        for source in sources
        if source.name.endswith("__init__.py") and not ast.get_docstring(source.tree)
    ]

    assert not silent


def test_files_are_small(sources):
    lines = {source.name: source.text.count("\n") for source in sources}

    assert not {name: count for name, count in lines.items() if count > MAX_LINES}


def test_tests_have_no_packages(project):
    assert not list((project / "tests").rglob("__init__.py"))


@pytest.mark.parametrize("name", ["clser", "clser-studio"])
def test_programs_are_installed_and_say_how_to_use_them(name):
    program = Path(sys.executable).with_name(name)

    finished = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)

    assert finished.returncode == 0, finished.stderr
    assert f"usage: {name}" in finished.stdout
