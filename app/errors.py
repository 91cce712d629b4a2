"""Errors of the window's own side, each one sentence that names the thing and the way out.

AppError
├── ProjectError           a project cannot be created, opened or written
│   ├── ProjectLockedError another window has it open
│   ├── ProjectFolderError its folder cannot be written
│   └── ProjectTooNewError a newer version made it
├── PlaybackError          the sound device cannot play
└── SettingsError          the settings file is wrong
"""

import traceback
from dataclasses import dataclass

from clser_engine.errors import EngineError


class AppError(Exception):
    """Root of the window's errors whose text is written for the person who reads it."""


class ProjectError(AppError):
    """A project cannot be created, opened or written."""


class ProjectLockedError(ProjectError):
    """Another window has the project open."""


class ProjectFolderError(ProjectError):
    """The project's folder cannot be written."""


class ProjectTooNewError(ProjectError):
    """A newer version of the program made the project."""


class PlaybackError(AppError):
    """The sound device cannot play."""


class SettingsError(AppError):
    """The settings file cannot be read or written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """An error as a person reads it.

    Args:
        sentence: What is wrong and the way out.
        details: For a report, empty for an error that explains itself.
    """

    sentence: str
    details: str = ""


def explain(error: BaseException) -> Explanation:
    """Turn any exception into one sentence; only an unforeseen one has a traceback."""
    if isinstance(error, (AppError, EngineError)):
        return Explanation(sentence=str(error))
    details = "".join(traceback.format_exception(error))
    last_line = "".join(traceback.format_exception_only(error)).strip().partition("\n")[0]
    return Explanation(
        sentence=(
            f"Something unforeseen went wrong ({last_line}); your labels are on disk. Copy the"
            " report from the Help menu and send it to the makers."
        ),
        details=details,
    )
