"""Where the program keeps its own files; nothing is ever written anywhere else unasked.

`CLSER_HOME`, if set, holds all of them: tests and portable installations use it.
"""

import os
from collections.abc import Callable
from pathlib import Path

import platformdirs

APP_NAME = "clser-studio"


def config_folder() -> Path:
    """Return the folder of settings and the recent list."""
    return _folder("config", platformdirs.user_config_path)


def cache_folder() -> Path:
    """Return the folder of what can be computed again: peaks, analyses."""
    return _folder("cache", platformdirs.user_cache_path)


def log_folder() -> Path:
    """Return the folder of the log."""
    return _folder("log", platformdirs.user_log_path)


def data_folder() -> Path:
    """Return the folder of projects that the program itself makes, the demo project for one."""
    return _folder("data", platformdirs.user_data_path)


def _folder(name: str, of_system: Callable[..., Path]) -> Path:
    home = os.environ.get("CLSER_HOME")
    if home:
        return Path(home).expanduser().absolute() / name
    return of_system(APP_NAME, appauthor=False)
