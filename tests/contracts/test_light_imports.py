"""What the window imports stays light: no network library is loaded, and no Qt by the engine."""

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "torchaudio", "onnxruntime", "onnx", "transformers", "sklearn", "peft")
LIGHT_MODULES = (
    "clser_engine",
    "clser_engine.audio.read",
    "clser_engine.cli.main",
    "clser_engine.client",
    "clser_engine.errors",
    "clser_engine.formats",
    "clser_engine.formats.table",
    "clser_engine.labels",
    "clser_engine.resources",
    "clser_engine.runtime",
    "clser_engine.types",
)


def modules_after(statement: str) -> set[str]:
    """Top-level modules loaded in a new interpreter after a statement."""
    finished = subprocess.run(
        [sys.executable, "-c", f"{statement}; import json, sys; print(json.dumps([*sys.modules]))"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return {name.split(".")[0] for name in json.loads(finished.stdout)}


@pytest.mark.parametrize("module", LIGHT_MODULES)
def test_light_part_of_the_engine_loads_nothing_heavy(module):
    assert not modules_after(f"import {module}") & {*HEAVY, "PySide6", "app"}


def test_window_loads_nothing_heavy(sources):
    modules = sorted(
        s.name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        for s in sources
        if s.name.startswith("app/") and not s.name.endswith("__main__.py")
    )

    assert not modules_after(f"import {', '.join(modules)}") & set(HEAVY)


def test_package_of_the_engine_imports_nothing(sources):
    [package] = [s for s in sources if s.name == "clser_engine/__init__.py"]

    assert not package.imports
