"""Where the files that ship with the program are: one function for a checkout and a wheel."""

from importlib.util import find_spec
from pathlib import Path

from clser_engine.errors import EngineError


def resource_path(*parts: str) -> Path:
    """Return the path of a shipped file or folder.

    In a checkout that is `resources/` beside this package; in a wheel the same folder is
    installed as the package `clser_resources`.

    Args:
        parts: Path below the resources folder, for example `"models", "default.clser-model"`.

    Raises:
        EngineError: If the file is not there, which means a damaged installation.
    """
    roots = [Path(__file__).resolve().parent.parent / "resources"]
    installed = find_spec("clser_resources")
    if installed is not None and installed.submodule_search_locations:
        roots += [Path(location) for location in installed.submodule_search_locations]
    for root in roots:
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise EngineError(
        f"The shipped file {'/'.join(parts)} is missing from {roots[0]}; install the program again."
    )
