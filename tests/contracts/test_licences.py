"""Licences of everything that is installed with the program, and the notices that list them."""

import importlib.util
import re
import sys

import pytest

ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "CNRI-Python",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",  # file by file; we change none of its files
    "PSF-2.0",
    "Zlib",
}

# Others, each with the reason why it may be installed beside the program.
EXCEPTIONS = {
    r"(pyside6-essentials|shiboken6)": "LGPL 3.0, shared libraries that can be replaced",
    r"soxr": "LGPL 2.1, a shared library that can be replaced",
    r"(nvidia-.*|cuda-toolkit)": "NVIDIA's run-time libraries, fetched by torch, not shipped by us",
}

only_on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="the list is of what Linux installs"
)


@pytest.fixture(scope="module")
def make_notices(project):
    path = project / "packaging" / "make_notices.py"
    spec = importlib.util.spec_from_file_location("make_notices", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def is_allowed(expression: str) -> bool:
    """Whether some choice of an SPDX expression without brackets is allowed in full."""
    return any(set(choice.split(" AND ")) <= ALLOWED for choice in expression.split(" OR "))


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("MIT AND Zlib", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("AGPL-3.0-only", False),
        ("CC-BY-NC-4.0", False),
    ],
)
def test_expressions_are_understood(expression, allowed):
    assert is_allowed(expression) is allowed


def test_every_licence_is_allowed(make_notices):
    refused = {}
    for name, distribution in make_notices.find_requirements().items():
        licence = make_notices.find_licence(name, distribution)
        if not is_allowed(licence) and not any(re.fullmatch(e, name) for e in EXCEPTIONS):
            refused[name] = licence

    assert not refused


@only_on_linux
def test_notices_are_up_to_date(make_notices):
    assert make_notices.NOTICE.read_text("utf-8") == make_notices.compose_notice()


@only_on_linux
def test_constraints_are_up_to_date(make_notices):
    assert make_notices.CONSTRAINTS.read_text("utf-8") == make_notices.compose_constraints()


def test_terms_of_the_weights_are_told(project):
    notice = (project / "NOTICE.md").read_text("utf-8")

    assert "CC BY-NC-SA 4.0" in notice
    assert all(corpus in notice for corpus in ("EmoDB", "RAVDESS", "nEMO"))
