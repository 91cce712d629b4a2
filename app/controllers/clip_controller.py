"""Brings recordings into the project, takes them out, describes them and finds moved ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.controllers.probe_controller import ProbeController
from app.controllers.project_controller import ProjectController
from app.domain.clip_edits import counted, describe_edit, move_edit, remove_clips_edit
from app.domain.clips import Clip
from app.domain.edits import Edit, merged
from app.domain.ids import new_id
from app.domain.label_edits import Answer, new_label
from app.domain.labels import Origin
from app.domain.speakers import SpeakerSource, speaker_of, speakers_edit
from app.errors import explain
from app.jobs.runner import Job, JobRunner
from app.services.audio_files import FoundFile, FoundFiles, find_audio
from app.services.probing import is_missing, locate
from clser_engine.runtime import RunContext

T = TypeVar("T")

MANIFEST_ANNOTATOR = "manifest"
MAX_REMARKS = 4
ADD_BATCH = 200  # clips a step: its commit and the rows in the list stay well under 50 ms


@dataclass(slots=True, kw_only=True)
class _Adding:
    """Recordings on their way into the project."""

    files: tuple[FoundFile, ...]
    with_emotions: bool
    remarks: list[str]
    added: int = 0


class ClipController(QObject):
    """Changes which clips the project has and what is said of them.

    Args:
        project: Owner of the open project.
        runner: Runs what takes long.

    Signals:
        progressed: What is being done in words, how many are done, how many there are (0: unknown).
        finished: One sentence about what was added or located; empty when files were read.
        missing_found: Number of clips whose files are gone, where there are any.
        failed: One sentence; nothing else was disturbed.
    """

    progressed = Signal(str, int, int)
    finished = Signal(str)
    missing_found = Signal(int)
    failed = Signal(str)

    def __init__(
        self, project: ProjectController, runner: JobRunner, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._project = project
        self._runner = runner
        self._job: Job | None = None
        self._adding: _Adding | None = None
        self._words = ""  # of the job
        self._with_emotions = False  # what was asked for with it
        self._missing, self._folder = 0, Path()
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._add_some)
        project.project_closed.connect(self.cancel)
        self._probing = ProbeController(project, runner, self)
        self._probing.progressed.connect(self.progressed)
        self._probing.finished.connect(self._on_probed)
        self._probing.missing_found.connect(self.missing_found)
        self._probing.failed.connect(self.failed)

    @property
    def is_busy(self) -> bool:
        """Whether recordings are being searched, added or read."""
        return self._is_adding or self._probing.is_busy

    @property
    def _is_adding(self) -> bool:
        return self._job is not None or self._adding is not None

    def add(self, paths: Sequence[Path], *, with_emotions: bool = False) -> None:
        """Add recordings; returns at once, `finished` tells the end.

        Args:
            paths: Files, and folders however deep; a `manifest.csv` in them gives language,
                speaker and transcript.
            with_emotions: Whether the emotions of the manifest become labels, marked as imported.
        """
        if not self._may_start():
            return
        wanted = [Path(path) for path in paths]
        self._with_emotions = with_emotions
        self._words = self.tr("Finding recordings")
        self._start(lambda context: find_audio(wanted, context), self._take_found)

    def locate(self, folder: Path) -> None:
        """Search a folder for the recordings that are gone, by their content."""
        store = self._project.store
        if not self._may_start() or store is None:
            return
        probes = store.probes()
        gone = {
            clip.path: probes[clip.path]
            for clip in store.clips()
            if clip.path in probes and is_missing(probes[clip.path])
        }
        if not gone:
            self.finished.emit(self.tr("No recording of this project is missing."))
            return
        self._missing, self._folder = len(gone), folder
        self._words = self.tr("Searching for moved recordings")
        self._start(lambda context: locate(gone.values(), folder, context), self._take_located)

    @Slot()
    def cancel(self) -> None:
        """Stop; what was added until now stays, and one Undo takes it out again."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
            self.finished.emit(self.tr("Stopped."))
        if self._adding is not None:
            self._adding.remarks.insert(0, self.tr("Stopped."))
            self._finish_adding(self._adding)
        self._probing.cancel()

    def remove(self, clip_ids: Sequence[str]) -> bool:
        """Take clips out of the project with their labels, in one step; the files stay."""
        store = self._project.store
        clips = self._clips(clip_ids)
        if store is None or not clips:
            return False
        labels = [label for clip in clips for label in store.labels_of(clip.clip_id)]
        return self._project.apply(remove_clips_edit(clips, labels)) is not None

    def describe(
        self,
        clip_ids: Sequence[str],
        *,
        language: str | None = None,
        speaker: str | None = None,
        transcript: str | None = None,
    ) -> bool:
        """Set fields of clips in one step; None leaves a field as it is in each clip."""
        edit = describe_edit(
            self._clips(clip_ids), language=language, speaker=speaker, transcript=transcript
        )
        return edit is None or self._project.apply(edit) is not None

    def name_speakers(
        self, clip_ids: Sequence[str], source: SpeakerSource, *, language: str | None = None
    ) -> bool:
        """Let names of folders or files tell who speaks, in one step.

        Args:
            clip_ids: The clips; where the names tell nothing they keep what they have.
            source: Which names.
            language: BCP 47 tag for all of them, empty for unknown, None to leave it.
        """
        clips = self._clips(clip_ids)
        speakers = {clip.clip_id: speaker_of(clip.path, source) for clip in clips}
        first = describe_edit(clips, language=language)
        changed = {} if first is None else {clip.clip_id: clip for clip in first.added_clips}
        second = speakers_edit([changed.get(clip.clip_id, clip) for clip in clips], speakers)
        edits = [edit for edit in (first, second) if edit is not None]
        if not edits:
            return True
        return self._project.apply(merged(edits[-1].name, edits)) is not None

    def _clips(self, clip_ids: Sequence[str]) -> list[Clip]:
        store = self._project.store
        if store is None:
            return []
        return [clip for clip_id in clip_ids if (clip := store.clip(clip_id)) is not None]

    def _may_start(self) -> bool:
        store = self._project.store
        if store is None:
            self.failed.emit(self.tr("No project is open; open one or make a new one first."))
        elif store.is_read_only:
            self.failed.emit(
                self.tr("{name} is open read-only; open it normally to change it.").format(
                    name=store.name
                )
            )
        elif self._is_adding:
            self.failed.emit(
                self.tr("Recordings are being added already; wait for the end or cancel that.")
            )
        else:
            return True
        return False

    def _start(self, work: Callable[[RunContext], object], take: Callable[[T], None]) -> None:
        # Bound methods only: a function that held the job would form a cycle with it, and such a
        # cycle may be collected in a worker thread, where no QObject may end.
        self._job = self._runner.submit("find recordings", work)
        self._job.progressed.connect(self._on_progressed)
        self._job.succeeded.connect(take)
        self._job.failed.connect(self._on_failed)

    @Slot(str, float, float)
    def _on_progressed(self, _stage: str, done: float, _total: float) -> None:
        if self._job is not None:
            self.progressed.emit(self._words, int(done), 0)

    @Slot(object)
    def _on_failed(self, error: BaseException) -> None:
        self._job = None
        self.failed.emit(explain(error).sentence)

    @Slot()
    def _on_probed(self) -> None:
        self.finished.emit("")

    @Slot(object)
    def _take_found(self, found: FoundFiles) -> None:
        store, with_emotions = self._project.store, self._with_emotions
        if store is None:
            return  # closed meanwhile, which also cancels
        self._job = None
        there = {clip.path for clip in store.clips()}
        new = tuple(file for file in found.files if file.path not in there)
        remarks = list(found.problems)
        if len(new) < len(found.files):
            again = counted(len(found.files) - len(new), "recording")
            remarks.append(f"{again} already in the project.")
        self._adding = _Adding(files=new, with_emotions=with_emotions, remarks=remarks)
        if with_emotions:
            names = {emotion.name for emotion in store.emotions()}
            other = sum(bool(file.emotion) and file.emotion not in names for file in new)
            if other:
                remarks.append(f"{counted(other, 'emotion')} not among those of the project.")
        self._timer.start()

    @Slot()
    def _add_some(self) -> None:
        """Add the next part: the window draws and listens between two of them."""
        adding = self._adding
        if adding is None:
            self._timer.stop()
            return
        total = len(adding.files)
        part = adding.files[adding.added : adding.added + ADD_BATCH]
        if part:
            edit = self._add_edit(f"Add {counted(total, 'recording')}", part, adding.with_emotions)
            if self._project.apply(edit, chained=adding.added > 0) is None:
                self._finish_adding(adding)  # the project has said why
                return
            adding.added += len(part)
            self.progressed.emit(self.tr("Adding recordings"), adding.added, total)
        if adding.added == total:
            self._finish_adding(adding)

    def _add_edit(self, name: str, files: Sequence[FoundFile], with_emotions: bool) -> Edit:
        store = self._project.store
        names = set() if store is None else {emotion.name for emotion in store.emotions()}
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        clips, labels = [], []
        for file in files:
            clip = Clip(
                clip_id=new_id(),
                path=file.path,
                language=file.language,
                speaker=file.speaker,
                transcript=file.transcript,
            )
            clips.append(clip)
            if with_emotions and file.emotion in names:
                answer = Answer(
                    answer=file.emotion,
                    annotator=MANIFEST_ANNOTATOR,
                    created_at=now,
                    origin=Origin.IMPORTED,
                )
                labels.append(new_label(clip.clip_id, answer))
        return Edit(name=name, added_clips=tuple(clips), added_labels=tuple(labels))

    def _finish_adding(self, adding: _Adding) -> None:
        self._timer.stop()
        self._adding = None
        added = f"Added {counted(adding.added, 'recording')}."
        self.finished.emit(" ".join([added, *adding.remarks[:MAX_REMARKS]]))

    @Slot(object)
    def _take_located(self, moved: dict[str, str]) -> None:
        store = self._project.store
        if store is None:
            return  # closed meanwhile, which also cancels
        self._job = None
        clips = [clip for clip in store.clips() if clip.path in moved]
        if clips and self._project.apply(move_edit(clips, moved)) is None:
            return
        self.finished.emit(
            f"Found {counted(len(moved), 'recording')} of {self._missing:,} that are missing in"
            f" {self._folder}."
        )
