"""Decides what to do with files, folders and projects that the person names."""

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.controllers.project_controller import ProjectController
from app.services.folders import data_folder
from app.services.project_database import DATABASE_NAME
from app.services.project_files import PROJECT_SUFFIX
from app.services.recent import RecentList, RecentPaths
from clser_engine.resources import resource_path

DEMO_NAME = "Demo (synthetic voices)"


class OpenController(QObject):
    """Opens projects, and adds recordings to the open one or to one made for them.

    Args:
        project: Opens and makes projects.
        recent: What was opened lately.
        add: Adds recordings and folders to the open project.
        parent: Owner.

    Signals:
        recent_changed: `RecentPaths`.
        failed: One sentence; nothing was opened.
        demo_made: The demo project was made, so the person is new here.
    """

    recent_changed = Signal(object)
    failed = Signal(str)
    demo_made = Signal()

    def __init__(
        self,
        project: ProjectController,
        recent: RecentList,
        add: Callable[[list[Path]], object],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._project = project
        self._recent = recent
        self._add = add

    @property
    def recent(self) -> RecentPaths:
        """What was opened lately and is still there."""
        return self._recent.load()

    @Slot(object)
    def open(self, paths: Iterable[Path]) -> None:
        """Open the project among the paths, if there is one, and add the recordings."""
        given: list[Path] = []
        missing: list[Path] = []
        for path in paths:
            absolute = path.expanduser().absolute()
            (given if os.path.exists(absolute) else missing).append(absolute)
        projects = [path for path in given if is_project(path)]
        recordings = [path for path in given if path not in projects]
        if projects and not self.open_project(projects[0]):
            return
        if recordings:
            self.add_recordings(recordings, missing)
        elif missing:
            self.failed.emit(f"{missing[0]} does not exist; open it from where it is now.")

    def open_last_or_demo(self) -> None:
        """Open what was open last; the first time, or when that is gone, the demo project.

        Where it cannot be opened nothing is, so that the sentence that says why stays.
        """
        projects = self._recent.load().projects
        if projects:
            self.open_project(projects[0])
        else:
            self.open_demo()

    @Slot()
    def open_demo(self) -> None:
        """Open the demo project; make it the first time."""
        folder = data_folder() / "projects" / f"Demo{PROJECT_SUFFIX}"
        if folder.exists():
            self.open_project(folder)
        elif self._project.create(folder, name=DEMO_NAME):
            self._remember_project()
            self._add([resource_path("demo")])
            self.demo_made.emit()

    def open_project(self, folder: Path, *, read_only: bool = False) -> bool:
        """Open a project, perhaps only to look at it; what is open stays if that fails."""
        if not self._project.open(folder, read_only=read_only):
            return False
        self._remember_project()
        return True

    def new_project(self, folder: Path) -> bool:
        """Make a project and open it."""
        if not self._project.create(folder):
            return False
        self._remember_project()
        return True

    def add_recordings(self, paths: list[Path], missing: Iterable[Path] = ()) -> None:
        """Add recordings and folders to the open project, or to the one made for their folder.

        Args:
            paths: What is to be added.
            missing: What is not there, for the sentence that says what became of all.
        """
        if self._project.store is None and not self._open_project_for(paths[0]):
            return
        for path in paths:
            self._recent.add_file(path)
        self.recent_changed.emit(self._recent.load())
        self._add([*paths, *missing])

    def _open_project_for(self, path: Path) -> bool:
        """Open the project that belongs to a folder of recordings; make it the first time."""
        source = path if path.is_dir() else path.parent
        project = project_for(source)
        if project.exists():
            return self.open_project(project)
        if not self._project.create(project, name=source.name or "Recordings"):
            return False
        self._remember_project()
        return True

    def _remember_project(self) -> None:
        if self._project.store is not None:
            self.recent_changed.emit(self._recent.add_project(self._project.store.folder))


def is_project(path: Path) -> bool:
    """Whether a path is meant as a project: its folder, or the database in it."""
    return (
        path.name == DATABASE_NAME
        or path.suffix == PROJECT_SUFFIX
        or (path / DATABASE_NAME).is_file()
    )


def project_for(source: Path) -> Path:
    """Return where the labels of a folder are kept when it was opened without a project.

    The same folder always has the same one, so that its labels are there the next time.
    """
    mark = hashlib.sha256(str(source).encode()).hexdigest()[:8]
    return data_folder() / "projects" / f"{source.name or 'recordings'}-{mark}{PROJECT_SUFFIX}"
