"""Errors of the window's own side, each one sentence that names the thing and the way out.

AppError
├── ProjectError           a project cannot be created, opened or written
│   ├── ProjectLockedError another window has it open
│   └── ProjectTooNewError a newer version made it
├── PlaybackError          the sound device cannot play
└── SettingsError          the settings file is wrong
"""


class AppError(Exception):
    """Root of the window's errors whose text is written for the person who reads it."""


class ProjectError(AppError):
    """A project cannot be created, opened or written."""


class ProjectLockedError(ProjectError):
    """Another window has the project open."""


class ProjectTooNewError(ProjectError):
    """A newer version of the program made the project."""


class PlaybackError(AppError):
    """The sound device cannot play."""


class SettingsError(AppError):
    """The settings file cannot be read or written."""
