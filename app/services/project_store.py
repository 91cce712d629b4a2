"""A project on disk: what the person decided, each step committed before it is shown as saved.

No Qt here, and no threads: a store belongs to the thread that opened it.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError

from app.domain.clips import Clip, Guess, Probe
from app.domain.edits import NO_EDIT, Changes, Edit
from app.domain.labels import Label
from app.domain.project_state import EditMismatchError
from app.errors import ProjectError
from app.services import edit_log
from app.services import project_tables as tables
from app.services.file_systems import is_on_network_share
from app.services.project_database import (
    BACKUPS_NAME,
    DATABASE_NAME,
    back_up,
    connect,
    disconnect,
    make_durable,
    sentence,
)
from app.services.project_files import (
    check_project,
    create_project,
    default_emotions,
    project_folder,
    snapshot,
)
from app.services.project_loading import GUESS_COLUMNS, load_pairs, load_state
from app.services.project_lock import ProjectLock
from clser_engine.labels import Emotion

NETWORK_NOTE = (
    "This project lies on a network share, so each label is written through a slower journal that"
    " is safe there."
)


_values = attrgetter(*GUESS_COLUMNS)  # `asdict` takes ten times as long, and guesses are many


@dataclass(slots=True, kw_only=True)
class _Writer:
    """What only a project that may be changed has."""

    connection: Connection
    lock: ProjectLock
    database: tuple[int, int]


class ProjectStore:
    """An open project. Made by `create` or `open`, ended by `close`."""

    def __init__(self, folder: Path, connection: Connection, writer: _Writer | None) -> None:
        self._folder = folder
        self._writer = writer
        with connection.begin():
            self._state = load_state(connection)
            self._facts = load_pairs(connection, tables.facts)
            self._view_state = load_pairs(connection, tables.view_state)
        self._clips: tuple[Clip, ...] | None = None
        self._labels: tuple[Label, ...] | None = None
        self.notes: tuple[str, ...] = ()
        """Sentences about this project that the person should know."""

    # Opening and closing

    @classmethod
    def create(
        cls, folder: Path, *, name: str = "", emotions: Sequence[Emotion] | None = None
    ) -> Self:
        """Make a new project and open it.

        Args:
            folder: Where; must not exist or be empty.
            name: What the window shows; the folder's name without its suffix if empty.
            emotions: The emotion set; the four that every corpus has if None.

        Raises:
            ProjectError: If something else is there, or it cannot be written.
        """
        folder = folder.expanduser().absolute()
        create_project(
            folder,
            name=name or folder.stem,
            emotions=default_emotions() if emotions is None else emotions,
        )
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path, *, read_only: bool = False) -> Self:
        """Open a project, after migrating it where it is older than the program.

        Args:
            folder: The project's folder, or the database in it.
            read_only: Whether to look only: nothing in the folder is touched, no lock is taken.

        Raises:
            ProjectLockedError: If another window has it open.
            ProjectFolderError: If its folder cannot be written.
            ProjectTooNewError: If a newer version of the program made it.
            ProjectError: If it is missing, no project or damaged.
        """
        folder = project_folder(folder)
        try:
            return cls._open_snapshot(folder) if read_only else cls._open_writable(folder)
        except DBAPIError as error:
            raise sentence(error, folder, "opened") from error
        except sqlite3.Error as error:
            raise sentence(error, folder, "opened") from error
        except (LookupError, TypeError, ValueError) as error:
            damage = sqlite3.DatabaseError(f"unexpected contents: {error}")
            damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise sentence(damage, folder, "opened") from error

    @classmethod
    def _open_snapshot(cls, folder: Path) -> Self:
        with snapshot(folder) as connection:
            if check_project(connection, folder) != tables.HEAD_REVISION:
                raise ProjectError(
                    f"The project {folder.name} was made by an older version and must be opened for"
                    " writing once, to be brought up to date; open it normally first."
                )
            store = cls(folder, connection, None)
        store.notes = (
            f"{store.name} is open read-only: its labels can be seen and exported, not changed.",
        )
        return store

    @classmethod
    def _open_writable(cls, folder: Path) -> Self:
        lock = ProjectLock(folder)
        connection = None
        try:
            connection = connect(folder / DATABASE_NAME)
            network_share = is_on_network_share(folder)
            found = check_project(connection, folder)
            make_durable(connection, network_share=network_share)
            if found != tables.HEAD_REVISION:
                # Only here, because alembic takes a third of a second to import.
                from app.services.migrations import migrate

                migrate(connection, folder, found)
            writer = _Writer(
                connection=connection, lock=lock, database=_identity(folder / DATABASE_NAME)
            )
            store = cls(folder, connection, writer)
        except BaseException:
            if connection is not None:
                disconnect(connection)
            lock.release()
            raise
        if network_share:
            store.notes = (NETWORK_NOTE,)
        return store

    def close(self) -> None:
        """End; a second call does nothing."""
        if self._writer is not None:
            disconnect(self._writer.connection)
            self._writer.lock.release()
            self._writer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # What it holds

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self._folder

    @property
    def name(self) -> str:
        """What the window shows."""
        return self._facts.get("name", self._folder.stem)

    @property
    def is_read_only(self) -> bool:
        """Whether it can only be looked at."""
        return self._writer is None

    def clips(self) -> tuple[Clip, ...]:
        """Return all clips in the order in which they were added."""
        if self._clips is None:
            self._clips = tuple(clip for _, clip in sorted(self._state.clips.items()))
        return self._clips

    def clip(self, clip_id: str) -> Clip | None:
        """Return one clip, or None."""
        return self._state.clips.get(clip_id)

    def clips_by_id(self) -> Mapping[str, Clip]:
        """Return all clips by their ids."""
        return MappingProxyType(self._state.clips)

    def clips_of(self, path: str) -> tuple[Clip, ...]:
        """Return the clips of a file."""
        ids = sorted(self._state.ids_by_path.get(path, ()))
        return tuple(self._state.clips[clip_id] for clip_id in ids)

    def labels(self) -> tuple[Label, ...]:
        """Return all labels in the order in which they were made."""
        if self._labels is None:
            self._labels = tuple(label for _, label in sorted(self._state.labels.items()))
        return self._labels

    def label(self, label_id: str) -> Label | None:
        """Return one label, or None."""
        return self._state.labels.get(label_id)

    def labels_of(self, clip_id: str) -> tuple[Label, ...]:
        """Return the labels of a clip in the order in which they were made."""
        of_clip = self._state.labels_by_clip.get(clip_id, {})
        return tuple(label for _, label in sorted(of_clip.items()))

    def emotions(self) -> tuple[Emotion, ...]:
        """Return the emotion set in the person's order."""
        return self._state.emotions

    def guesses(self) -> Mapping[str, Guess]:
        """Return the latest guess of each clip that has one, by clip id."""
        return MappingProxyType(self._state.guesses)

    def probes(self) -> Mapping[str, Probe]:
        """Return what is known of files, by path."""
        return MappingProxyType(self._state.probes)

    # Undoable changes

    def apply(self, edit: Edit, *, chained: bool = False) -> Changes:
        """Apply an edit; it is on the disk when this returns.

        Args:
            edit: What goes and what comes.
            chained: Whether it continues the newest edit, of the same name, and both are undone as
                one: a large step is done in parts, so that the window stays quick meanwhile.

        Raises:
            ProjectError: If it does not fit or cannot be written; then nothing changed.
        """
        self._check_fits(edit)
        seeds = [_seed(clip) for clip in edit.added_clips if self._knows_more(clip)]
        with self._writing("saved") as connection:
            edit_log.append(connection, edit, chained=chained)
            edit_log.write_rows(connection, edit)
            _upsert(connection, tables.probes, [asdict(probe) for probe in seeds])
        self._state.learn(seeds)
        return self._take(edit)

    def undo(self) -> Changes | None:
        """Take the newest edit back; None if there is none.

        Raises:
            ProjectError: If it cannot be written or the log is damaged; then nothing changed.
        """
        return self._step("undone", undone=True)

    def redo(self) -> Changes | None:
        """Apply the edit that was undone last; None if there is none.

        Raises:
            ProjectError: If it cannot be written or the log is damaged; then nothing changed.
        """
        return self._step("redone", undone=False)

    @property
    def undo_name(self) -> str | None:
        """Name of the edit that `undo` would take back, or None."""
        return self._name(undone=True)

    @property
    def redo_name(self) -> str | None:
        """Name of the edit that `redo` would apply, or None."""
        return self._name(undone=False)

    # What is not undoable

    def store_probe(self, probe: Probe) -> Changes:
        """Keep what was found out about a file. See `store_probes`."""
        return self.store_probes([probe])

    def store_probes(self, probes: Sequence[Probe]) -> Changes:
        """Keep what was found out about files; a read-only project keeps it until it is closed.

        Raises:
            ProjectError: If it cannot be written.
        """
        if self._writer is not None:
            with self._writing("saved") as connection:
                _upsert(connection, tables.probes, [asdict(probe) for probe in probes])
        self._clips = None
        return Changes(edit=NO_EDIT, clip_ids=self._state.learn(probes))

    def store_guesses(self, guesses: Sequence[Guess]) -> Changes:
        """Keep what a model says of clips, over what was said before.

        Raises:
            ProjectError: If it cannot be written.
        """
        if self._writer is not None:
            with self._writing("saved") as connection:
                rows = [dict(zip(GUESS_COLUMNS, _values(guess), strict=True)) for guess in guesses]
                _upsert(connection, tables.guesses, rows)
        self._state.guesses.update({guess.clip_id: guess for guess in guesses})
        return Changes(edit=NO_EDIT, clip_ids=frozenset(guess.clip_id for guess in guesses))

    @property
    def view_state(self) -> Mapping[str, str]:
        """What the window looked like: the last clip, the zoom."""
        return MappingProxyType(self._view_state)

    def store_view_state(self, key: str, value: str) -> None:
        """Remember what the window looks like.

        Raises:
            ProjectError: If it cannot be written.
        """
        if self._view_state.get(key) == value:
            return
        if self._writer is not None:
            with self._writing("saved") as connection:
                _upsert(connection, tables.view_state, [{"key": key, "value": value}])
        self._view_state[key] = value

    def back_up(self, reason: str) -> Path:
        """Copy the whole project database into its backups folder.

        Args:
            reason: Part of the file's name, for example `before-import`.

        Returns:
            The copy.

        Raises:
            ProjectError: If it cannot be written.
        """
        writer = self._require_writer("backed up")
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        target = self._folder / BACKUPS_NAME / f"{stamp}-{reason}.sqlite"
        back_up(writer.connection, target)
        return target

    # How it is done

    def _step(self, doing: str, *, undone: bool) -> Changes | None:
        try:
            with self._writing(doing) as connection:
                edit = (edit_log.step_back if undone else edit_log.step_forward)(connection)
                if edit is None:
                    return None
                self._state.check(edit)
                edit_log.write_rows(connection, edit)
        except (LookupError, TypeError, ValueError) as error:
            raise ProjectError(
                f"The last step cannot be {doing} because the log of the project"
                f" {self._folder.name} is damaged ({error}); its labels are not touched."
            ) from error
        return self._take(edit)

    def _name(self, *, undone: bool) -> str | None:
        if self._writer is None:
            return None
        find = edit_log.next_undo if undone else edit_log.next_redo
        try:
            with self._writer.connection.begin():
                entry = find(self._writer.connection)
        except DBAPIError:
            return None  # the disk is gone; the next edit says so
        return None if entry is None else entry.name

    def _check_fits(self, edit: Edit) -> None:
        try:
            self._state.check(edit)
        except EditMismatchError as error:
            raise ProjectError(
                f"{edit.name or 'This step'} cannot be done because the project has changed"
                f" meanwhile ({error}); do it again."
            ) from error

    def _take(self, edit: Edit) -> Changes:
        changes = self._state.apply(edit)
        if edit.added_clips:
            joined = tuple(self._state.clips[clip.clip_id] for clip in edit.added_clips)
            changes = replace(changes, edit=replace(edit, added_clips=joined))
        if edit.removed_clips or edit.added_clips:
            self._clips = None
        self._labels = None
        return changes

    def _knows_more(self, clip: Clip) -> bool:
        """Whether a clip that comes brings what no probe has found out yet."""
        known = clip.sha256 or clip.problem or clip.duration_s is not None
        return bool(known) and clip.path not in self._state.probes

    @contextmanager
    def _writing(self, doing: str) -> Iterator[Connection]:
        """Give the connection inside a transaction that is on the disk at the end.

        Raises:
            ProjectError: If it is not; then the database is as before.
        """
        writer = self._require_writer(doing)
        self._check_there(writer, doing)
        try:
            with writer.connection.begin():
                yield writer.connection
        except DBAPIError as error:
            raise sentence(error, self._folder, doing) from error
        except UnicodeError as error:
            raise ProjectError(
                f"The project {self._folder.name} could not be {doing} because a text in it is not"
                f" valid Unicode ({error}); rename the file or correct the text."
            ) from error
        self._check_there(writer, doing)

    def _check_there(self, writer: _Writer, doing: str) -> None:
        """Make sure that what is written to is still what the folder holds.

        A deleted file goes on taking what is written to it, and loses it all when it is closed.
        """
        try:
            there = _identity(self._folder / DATABASE_NAME) == writer.database
        except OSError:
            there = False
        if not there:
            raise ProjectError(
                f"The project {self._folder.name} could not be {doing} because its folder"
                f" {self._folder} was moved, deleted or disconnected; put it back and do it again."
            )

    def _require_writer(self, doing: str) -> _Writer:
        if self._writer is None:
            raise ProjectError(
                f"The project {self._folder.name} could not be {doing} because it is open"
                " read-only; close it where else it is open, and open it normally."
            )
        return self._writer


def _identity(path: Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino


def _seed(clip: Clip) -> Probe:
    return Probe(
        path=clip.path,
        sha256=clip.sha256,
        duration_s=clip.duration_s,
        sample_rate_hz=clip.sample_rate_hz,
        channels=clip.channels,
        problem=clip.problem,
    )


def _upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    if not rows:
        return
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    others = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in keys}
    connection.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=others), list(rows)
    )
