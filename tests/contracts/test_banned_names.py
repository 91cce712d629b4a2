"""Names that the product may not use, and the one place each that may; read from syntax trees."""

import ast

import pytest

RUNS_WHAT_IT_READS = ("pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib")
MAKES_THREADS = ("multiprocessing", "concurrent.futures", "_thread", "asyncio")
LOCKS = {"threading", "threading.Lock", "threading.RLock"}  # to be safe in a thread makes none
QT_THREADS = {"QThread", "QThreadPool", "QRunnable", "QProcess", "ThreadPoolExecutor"}
PRINTS = ("clser_engine/cli/", "app/bench/")
READS_PICKLES = "clser_engine/backbones/pickled_weights.py"  # after listing every name in them
IMPORTS_BY_NAME = ("clser_engine/", "app/services/migrations/")


def names_called(tree: ast.Module) -> set[str]:
    """Bare names that are called: `eval(x)`, not `dialog.exec()`."""
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {function.id for function in calls if isinstance(function, ast.Name)}


def names_used(tree: ast.Module) -> set[str]:
    """Every name and attribute, `torch.load` as both `load` and `torch.load`."""
    used: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            used.add(node.id)
        elif isinstance(node, ast.Attribute):
            used.add(node.attr)
            if isinstance(node.value, ast.Name):
                used.add(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.alias):
            used.add(node.name)
    return used


def is_within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def find_banned(name: str, tree: ast.Module, imports: set[str]) -> list[str]:
    """Everything in one file that the rules forbid there."""
    found = [m for m in imports if is_within(m, RUNS_WHAT_IT_READS)]
    found += names_called(tree) & {"eval", "exec", "__import__"}
    used = names_used(tree)
    found += used & {"processEvents", "allow_pickle", "os.fork", "os.forkpty"}
    if name != READS_PICKLES:
        found += used & {"torch.load"}
    if name.startswith("app/") and not name.startswith("app/jobs/"):
        found += [m for m in imports if is_within(m, MAKES_THREADS)]
        found += {n for n in used | imports if is_within(n, ("threading",))} - LOCKS
        found += used & QT_THREADS
    if not name.startswith(IMPORTS_BY_NAME) and "import_module" in used:
        found.append("import_module")  # a job that imports a library of Qt crashes the window
    if not name.startswith(PRINTS) and "print" in names_called(tree):
        found.append("print")
    return found


def test_no_banned_name_is_used(sources):
    found = {s.name: find_banned(s.name, s.tree, s.imports) for s in sources}

    assert not {name: banned for name, banned in found.items() if banned}


@pytest.mark.parametrize(
    ("name", "code", "banned"),
    [
        ("clser_engine/bundle.py", "import pickle", "pickle"),
        ("clser_engine/bundle.py", "from torch import load\ntorch.load('x')", "torch.load"),
        ("clser_engine/bundle.py", "eval('1')", "eval"),
        ("clser_engine/bundle.py", "print('1')", "print"),
        ("app/window/main_window.py", "application.processEvents()", "processEvents"),
        ("app/window/main_window.py", "from PySide6.QtCore import QThread", "QThread"),
        ("app/services/peaks.py", "import threading\nthreading.Thread()", "threading.Thread"),
        ("app/services/peaks.py", "from threading import Timer", "threading.Timer"),
        ("app/views/time_pane.py", "import importlib\nimportlib.import_module(x)", "import_module"),
    ],
)
def test_each_rule_notices(name, code, banned, sources):
    tree = ast.parse(code)
    source = type(sources[0])(name=name, text=code, tree=tree)

    assert banned in find_banned(name, tree, source.imports)


@pytest.mark.parametrize("code", ["dialog.exec()", "import threading\nthreading.Lock()"])
def test_what_only_looks_alike_is_allowed(code):
    assert find_banned("app/dialogs/about.py", ast.parse(code), {"threading"}) == []
