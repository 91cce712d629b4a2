"""The version of the program."""

from importlib.metadata import PackageNotFoundError, version


def program_version() -> str:
    """Return the installed version, or `unknown` in a checkout that was never installed."""
    try:
        return version("clser-studio")
    except PackageNotFoundError:
        return "unknown"
