"""What tests about the code itself look at: the product's files, read and parsed once."""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PRODUCT = ("app", "clser_engine")
NOT_OURS = {
    "__pycache__",
    "build",
    "dist",
    "runs",
    "node_modules",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A Python file of the project.

    Attributes:
        name: Path from the project's folder, with forward slashes.
        tree: Its syntax tree.
    """

    name: str
    text: str
    tree: ast.Module

    @property
    def imports(self) -> set[str]:
        """Full names of the modules it imports, relative ones left out."""
        names: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
        return names


def walk_files(folder: Path) -> Iterator[Path]:
    """Files below a folder that belong to the project: nothing hidden, nothing that was built."""
    for path in sorted(folder.iterdir()):
        if path.name in NOT_OURS or path.name.endswith(".egg-info"):
            continue
        if path.is_dir():
            if not path.name.startswith("."):
                yield from walk_files(path)
        else:
            yield path


def is_generated(path: Path) -> bool:
    """Whether protoc wrote it."""
    return path.stem.endswith(("_pb2", "_pb2_grpc"))


@pytest.fixture(scope="session")
def project() -> Path:
    return PROJECT


@pytest.fixture(scope="session")
def pyproject() -> dict:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """Every file of the project, hidden top-level ones included."""
    hidden = [p for p in PROJECT.iterdir() if p.is_file() and p.name.startswith(".")]
    return [*walk_files(PROJECT), *walk_files(PROJECT / ".ci"), *hidden]


@pytest.fixture(scope="session")
def sources() -> list[SourceFile]:
    """The product's Python files, generated ones left out."""
    found = []
    for package in PRODUCT:
        for path in walk_files(PROJECT / package):
            if path.suffix == ".py" and not is_generated(path):
                text = path.read_text("utf-8")
                name = path.relative_to(PROJECT).as_posix()
                found.append(SourceFile(name=name, text=text, tree=ast.parse(text, name)))
    return found
