"""Where the engine keeps what it may compute again."""

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """Return the engine's cache; below `CLSER_HOME` where that is set."""
    home = os.environ.get("CLSER_HOME")
    return (Path(home) / "cache" if home else user_cache_path("clser-studio")) / "engine"
