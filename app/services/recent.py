"""Projects and recordings that were opened lately, newest first."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from app.services.folders import config_folder
from app.services.small_files import read_object, write_object

CAPACITY = 12


@dataclass(frozen=True, slots=True)
class RecentPaths:
    """Absolute paths, newest first."""

    projects: tuple[Path, ...] = ()
    files: tuple[Path, ...] = ()


class RecentList:
    """The list on disk. It is a convenience: what cannot be read or written is passed over.

    Args:
        path: The file; in the config folder if None.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = config_folder() / "recent.json" if path is None else path

    def load(self) -> RecentPaths:
        """Return what was opened lately and is still there."""
        try:
            content = read_object(self._path)
        except (OSError, ValueError):
            return RecentPaths()
        return RecentPaths(_existing(content.get("projects")), _existing(content.get("files")))

    def add_project(self, folder: Path) -> RecentPaths:
        """Put a project first."""
        known = self.load()
        return self._save(RecentPaths(_first(folder, known.projects), known.files))

    def add_file(self, path: Path) -> RecentPaths:
        """Put a recording or a folder of them first."""
        known = self.load()
        return self._save(RecentPaths(known.projects, _first(path, known.files)))

    def clear(self) -> RecentPaths:
        """Forget all."""
        return self._save(RecentPaths())

    def _save(self, paths: RecentPaths) -> RecentPaths:
        content = {
            "projects": [str(path) for path in paths.projects],
            "files": [str(path) for path in paths.files],
        }
        with contextlib.suppress(OSError):
            write_object(self._path, content)
        return paths


def _first(path: Path, known: tuple[Path, ...]) -> tuple[Path, ...]:
    path = path.absolute()
    return (path, *(other for other in known if other != path))[:CAPACITY]


def _existing(paths: object) -> tuple[Path, ...]:
    if not isinstance(paths, list):
        return ()
    found = []
    for path in paths:
        if isinstance(path, str):
            with contextlib.suppress(OSError, ValueError):  # a share that is away, a bad character
                if Path(path).exists():
                    found.append(Path(path))
    return tuple(found)
