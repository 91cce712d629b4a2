"""Takes labels in from files and writes labels and posteriors out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.controllers.project_controller import ProjectController
from app.domain.clip_edits import counted
from app.domain.edits import Edit
from app.domain.label_import import ClipMatcher, LabelImport, in_parts, label_rows, plan_import
from app.errors import AppError, explain
from app.jobs.runner import Job, JobRunner
from app.services.project_database import BACKUPS_NAME
from app.services.project_store import ProjectStore
from clser_engine.errors import EngineError, FormatError
from clser_engine.formats.rows import LabelRow
from clser_engine.formats.table import LABEL_FORMATS, POSTERIOR_FORMATS, LabelFormat
from clser_engine.runtime import RunContext
from clser_engine.types import Analysis

PART_LABELS = 200  # a step of an import: its commit stays well under 50 ms


@dataclass(slots=True, kw_only=True)
class _Import:
    """Labels on their way into the project."""

    path: Path
    folder: Path
    plan: LabelImport
    parts: Iterator[Edit]
    has_begun: bool = False


class ImportExportController(QObject):
    """Reads and writes files in the background; an import is one undoable step.

    Args:
        project: Owner of the open project.
        runner: Runs what takes long.

    Signals:
        finished: One sentence about what was imported or exported.
        imported: `LabelImport`, after an import: its unmatched rows name what was left out.
        failed: One sentence; nothing was changed.
    """

    finished = Signal(str)
    imported = Signal(object)
    failed = Signal(str)

    def __init__(
        self, project: ProjectController, runner: JobRunner, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._project = project
        self._runner = runner
        self._preparing: Job | None = None  # reads or matches the rows of an import
        self._import: _Import | None = None
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._take_some)
        project.project_closed.connect(self._take_all)

    def import_labels(self, path: Path) -> None:
        """Import a file of labels, or a folder of TextGrids; a backup is made before.

        Rows whose recordings are not in the project are kept in a file beside the backup.
        """
        store = self._project.store
        if store is None:
            self.failed.emit(self.tr("No project is open; open one or make a new one first."))
            return
        if self._preparing is not None or self._import is not None:
            self.failed.emit(self.tr("Labels are being imported already; wait for the end."))
            return
        try:
            file_format = label_format(path)
        except FormatError as error:
            self.failed.emit(str(error))
            return
        job = self._prepare(f"import {path.name}", lambda context: file_format.read(path))
        job.succeeded.connect(lambda rows: self._plan(path, store.folder, rows))

    def export_labels(self, path: Path, *, overwrite: bool = False) -> None:
        """Write all labels of the project; the suffix says the format.

        Args:
            path: The file; TextGrids go into a folder of its name, one per recording.
            overwrite: Whether a file that exists may be replaced.
        """
        store = self._project.store
        if store is None:
            self.failed.emit(self.tr("No project is open; open one or make a new one first."))
            return
        labels = store.labels()
        clips = {clip.clip_id: clip for clip in store.clips()}
        if not labels:
            self.failed.emit(self.tr("This project has no labels yet; label a clip first."))
            return
        try:
            file_format = label_format(path)
        except FormatError as error:
            self.failed.emit(str(error))
            return
        target = path
        if file_format.writes_folder and path.suffix.lower() == file_format.suffix.lower():
            target = path.with_suffix("")
        where = str(target)
        if file_format.writes_folder:
            where = f"the folder {target}, one file for each recording"

        def write(context: RunContext) -> list[Path]:
            return file_format.write(target, label_rows(labels, clips), overwrite=overwrite)

        job = self._start(f"export {path.name}", write)
        job.succeeded.connect(
            lambda _files: self.finished.emit(
                f"Exported {counted(len(labels), 'label')} to {where}."
            )
        )

    def export_posteriors(
        self, path: Path, audio_path: str, analysis: Analysis, *, overwrite: bool = False
    ) -> None:
        """Write what the model says of one recording; the suffix says the format.

        Args:
            path: The file.
            audio_path: The recording.
            analysis: What the model says.
            overwrite: Whether a file that exists may be replaced.
        """
        formats = [entry for entry in POSTERIOR_FORMATS if _has_suffix(path, entry.suffix)]
        if not formats:
            self.failed.emit(_unknown_format(path, [entry.suffix for entry in POSTERIOR_FORMATS]))
            return

        def write(context: RunContext) -> None:
            formats[0].write(path, analysis, Path(audio_path), overwrite=overwrite)

        job = self._start(f"export {path.name}", write)
        job.succeeded.connect(lambda _: self.finished.emit(f"Exported the posteriors to {path}."))

    def _start(self, name: str, work: Callable[[RunContext], object]) -> Job:
        job = self._runner.submit(name, work)
        job.failed.connect(lambda error: self.failed.emit(explain(error).sentence))
        return job

    def _prepare(self, name: str, work: Callable[[RunContext], object]) -> Job:
        """Start a step of an import; a second import waits until its last step has ended."""
        job = self._start(name, work)
        job.finished.connect(lambda: self._end_preparing(job))
        self._preparing = job
        return job

    def _end_preparing(self, job: Job) -> None:
        if self._preparing is job:  # else the next step has begun
            self._preparing = None

    def _plan(self, path: Path, folder: Path, rows: list[LabelRow]) -> None:
        """Match the rows to the project as it is now, which takes long where both are many."""
        store = self._store_at(path, folder)
        if store is None:
            return
        clips, labels, emotions = store.clips(), store.labels(), store.emotions()

        def plan(context: RunContext) -> LabelImport:
            return plan_import(
                rows,
                ClipMatcher(clips, str(path.absolute().parent)),
                labels,
                emotions,
                source=path.name,
                now=datetime.now(UTC).isoformat(timespec="milliseconds"),
            )

        def take(planned: LabelImport) -> None:
            store = self._store_at(path, folder)
            if store is None:
                return
            is_same = store.clips_by_id().keys() == {clip.clip_id for clip in clips}
            if not is_same or (store.labels(), store.emotions()) != (labels, emotions):
                self._plan(path, folder, rows)  # the person went on labelling meanwhile
                return
            self._begin(path, store, planned)

        self._prepare(f"match {path.name}", plan).succeeded.connect(take)

    def _begin(self, path: Path, store: ProjectStore, plan: LabelImport) -> None:
        parts: Iterator[Edit] = iter(())
        if plan.edit is not None:
            try:
                store.back_up("before-import")
            except AppError as error:
                self.failed.emit(str(error))
                return
            parts = in_parts(plan.edit, PART_LABELS)
        self._import = _Import(path=path, folder=store.folder, plan=plan, parts=parts)
        self._timer.start()

    @Slot()
    def _take_some(self) -> None:
        """Take the next part: the window draws and listens between two of them."""
        taken = self._import
        if taken is None or self._store_at(taken.path, taken.folder) is None:
            self._end_import()
            return
        part = next(taken.parts, None)
        if part is None:
            self._end_import()
            self._tell(taken)
        elif self._project.apply(part, chained=taken.has_begun) is None:
            self._end_import()  # the project has said why
        taken.has_begun = True

    @Slot()
    def _take_all(self) -> None:
        """Take what is left, because the project is being closed: half an import helps nobody."""
        while self._import is not None:
            self._take_some()

    def _end_import(self) -> None:
        self._timer.stop()
        self._import = None

    def _tell(self, taken: _Import) -> None:
        try:
            kept = self._keep_left_out(taken.folder, taken.plan)
        except (EngineError, OSError) as error:
            self.failed.emit(str(error))
            return
        self.imported.emit(taken.plan)
        self.finished.emit(taken.plan.summary() + kept)

    def _store_at(self, path: Path, folder: Path) -> ProjectStore | None:
        """Return the project that the file was read for, if it is still open."""
        store = self._project.store
        if store is None or store.folder != folder:
            self.failed.emit(
                f"{path.name} was not imported because its project was closed meanwhile; open the"
                " project and import it again."
            )
            return None
        return store

    def _keep_left_out(self, folder: Path, plan: LabelImport) -> str:
        """Write the rows that were not imported to a file; return the words that name it."""
        left_out = plan.unmatched + plan.misfits
        if not left_out:
            return ""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        file = folder / BACKUPS_NAME / f"{stamp}-not-imported.csv"
        file.parent.mkdir(exist_ok=True)
        LABEL_FORMATS[0].write(file, left_out, overwrite=False)
        return f" These rows are kept in {file}."


def label_format(path: Path) -> LabelFormat:
    """Return the format of a file by its suffix; a folder is one of TextGrids.

    Raises:
        FormatError: If no format has that suffix.
    """
    for entry in LABEL_FORMATS:
        if _has_suffix(path, entry.suffix) or (entry.writes_folder and path.is_dir()):
            return entry
    raise FormatError(_unknown_format(path, [entry.suffix for entry in LABEL_FORMATS]))


def _has_suffix(path: Path, suffix: str) -> bool:
    return path.suffix.lower() == suffix.lower()


def _unknown_format(path: Path, suffixes: list[str]) -> str:
    return f"{path.name} has no known ending; let its name end in {' or '.join(suffixes)}."
