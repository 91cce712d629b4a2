"""What is declared is used, what is used is declared, and the client's ten packages grow in."""

import re
import sys
from importlib import metadata

import pytest

# The packages that the client named, by the module that they are imported as.
CLIENTS_TEN = {
    "PySide6": "PySide6-Essentials",  # the part with the widgets; decision 0002 says why
    "pyqtgraph": "pyqtgraph",
    "torch": "torch",
    "torchaudio": "torchaudio",
    "transformers": "transformers",
    "onnxruntime": "onnxruntime-gpu",
    "sounddevice": "sounddevice",
    "sqlalchemy": "SQLAlchemy",
    "praatio": "praatio",
    "networkx": "networkx",
}

# Declared before the product uses them; an entry goes as soon as it does.
USED_LATER = {
    "networkx": "speaker communities",
    "scikit-learn": "classical methods to compare with",
}

# Installed for another package, or needed without an import of ours.
NOT_IMPORTED = {
    "onnxruntime": "the same module as onnxruntime-gpu, for macOS",
    "protobuf": "imported by the generated protocol code alone",
}

# Imported by a tool of ours that the program never runs; declared in the extra `dev`.
TOOLS = {
    "grpc_tools": "clser_engine/service/generate.py writes the committed protocol code",
}


def normalise(name: str) -> str:
    """The name that the index compares, as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def declared(pyproject):
    return {
        normalise(re.match(r"[A-Za-z0-9._-]+", line).group())
        for line in pyproject["project"]["dependencies"]
    }


@pytest.fixture(scope="module")
def imported(sources):
    """The modules that the product imports, each with the distributions that bring it."""
    modules = {name.split(".")[0] for source in sources for name in source.imports}
    providers = metadata.packages_distributions()
    return {
        module: {normalise(name) for name in providers.get(module, [module])}
        for module in modules - {"app", "clser_engine"} - set(sys.stdlib_module_names)
    }


def test_each_of_the_clients_ten_is_declared(declared):
    assert {normalise(name) for name in CLIENTS_TEN.values()} <= declared


def test_the_clients_ten_are_used_except_those_that_come_later(sources):
    used = {name.split(".")[0] for source in sources for name in source.imports}

    assert {name for name in CLIENTS_TEN if name in used} == set(CLIENTS_TEN) - set(USED_LATER)


def test_what_is_imported_is_declared(imported, declared):
    missing = {module for module, brought_by in imported.items() if not brought_by & declared}

    assert missing == set(TOOLS)


def test_what_is_declared_is_imported(imported, declared):
    used = {name for brought_by in imported.values() for name in brought_by}

    assert declared - used == set(USED_LATER) | set(NOT_IMPORTED)


def test_every_dependency_is_bounded(pyproject):
    loose = [d for d in pyproject["project"]["dependencies"] if "==" not in d and "<" not in d]

    assert not loose
