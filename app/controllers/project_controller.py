"""Opens and closes the project and is the only way by which it changes."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.domain.clips import Guess, Probe
from app.domain.edits import Changes, Edit
from app.errors import AppError, ProjectFolderError, ProjectLockedError
from app.services.project_files import project_folder
from app.services.project_store import ProjectStore


class ProjectController(QObject):
    """Owns the open project; each change is on the disk before `changed` tells of it.

    Signals:
        project_opened: The `ProjectStore`, after it was opened or made.
        project_closed: Before the store of the signal before is closed.
        changed: `Changes`, after every edit, undo, redo and everything found out.
        failed: One sentence; nothing was changed.
        read_only_offered: The `Path` of a project that cannot be opened for writing but can be
            looked at, just after `failed` said why.
    """

    project_opened = Signal(object)
    project_closed = Signal()
    changed = Signal(object)
    failed = Signal(str)
    read_only_offered = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store: ProjectStore | None = None

    @property
    def store(self) -> ProjectStore | None:
        """The open project, or None."""
        return self._store

    def open(self, path: Path | str, *, read_only: bool = False) -> bool:
        """Open a project in place of the one that is open, which stays if this fails.

        Args:
            path: The project's folder, or the database in it.
            read_only: Whether to look only.
        """
        try:
            if self._is_open_at(Path(path)) and not read_only:
                return True
            store = ProjectStore.open(Path(path), read_only=read_only)
        except AppError as error:
            self.failed.emit(str(error))
            if isinstance(error, (ProjectLockedError, ProjectFolderError)):
                self.read_only_offered.emit(Path(path))
            return False
        self._show(store)
        return True

    def create(self, path: Path | str, *, name: str = "") -> bool:
        """Make a new project and open it in place of the one that is open."""
        try:
            store = ProjectStore.create(Path(path), name=name)
        except AppError as error:
            self.failed.emit(str(error))
            return False
        self._show(store)
        return True

    def close(self) -> None:
        """Close the project, if one is open."""
        if self._store is not None:
            self.project_closed.emit()
            self._store.close()
            self._store = None

    def apply(self, edit: Edit, *, chained: bool = False) -> Changes | None:
        """Apply an edit; None if it failed, which `failed` tells. See `ProjectStore.apply`."""
        return self._change(lambda store: store.apply(edit, chained=chained))

    def undo(self) -> Changes | None:
        """Take the newest edit back; None if there is none or it failed."""
        return self._change(ProjectStore.undo)

    def redo(self) -> Changes | None:
        """Apply the edit that was undone last; None if there is none or it failed."""
        return self._change(ProjectStore.redo)

    def store_probes(self, probes: Sequence[Probe]) -> Changes | None:
        """Keep what was found out about files."""
        return self._change(lambda store: store.store_probes(probes))

    def store_guesses(self, guesses: Sequence[Guess]) -> Changes | None:
        """Keep what a model says of clips."""
        return self._change(lambda store: store.store_guesses(guesses))

    def store_view_state(self, key: str, value: str) -> None:
        """Remember what the window looks like; not worth a word where it cannot be written."""
        if self._store is not None:
            with contextlib.suppress(AppError):
                self._store.store_view_state(key, value)

    def _change(self, change: Callable[[ProjectStore], Changes | None]) -> Changes | None:
        if self._store is None:
            self.failed.emit(self.tr("No project is open; open one or make a new one first."))
            return None
        try:
            changes = change(self._store)
        except AppError as error:
            self.failed.emit(str(error))
            return None
        if changes is not None:
            self.changed.emit(changes)
        return changes

    def _is_open_at(self, path: Path) -> bool:
        store = self._store
        return store is not None and not store.is_read_only and project_folder(path) == store.folder

    def _show(self, store: ProjectStore) -> None:
        self.close()
        self._store = store
        self.project_opened.emit(store)
