"""Keeps the window in step with the project, the clip on screen, playing and the engine."""

import time
from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.controllers.annotate_controller import AnnotateController
from app.controllers.model_controller import ModelInUse
from app.controllers.playback_controller import PlaybackController
from app.controllers.project_controller import ProjectController
from app.controllers.settings_controller import SettingsController
from app.controllers.source_controller import SourceController
from app.controllers.statistics_controller import StatisticsState
from app.domain.clips import Clip, Guess
from app.domain.edits import NO_EDIT, Changes
from app.domain.labels import Label
from app.domain.time_span import TimeSpan
from app.models.clip_table import ClipTableModel
from app.services.engine_process import EngineStatus
from app.services.peaks import AudioSource
from app.services.project_store import ProjectStore
from app.services.recent import RecentPaths
from app.services.ribbon import ribbon_of
from app.window.allowed import NO_CLIP, NO_PROJECT, READ_ONLY, UNREADABLE, why_not_of
from app.window.main_window import MainWindow
from app.window.session import Session
from clser_engine.types import Analysis

BLANK_DELAY_MS = 120
LONG_WORK_S = 1.0  # what is over before that would only flicker
WELCOME = (
    "Press a number key to label the clip on screen, or Enter to accept the suggestion; each label"
    " is on disk at once and the next clip comes by itself.\n"
    "Space plays, dragging over the waveform selects a stretch to label, Ctrl+Z takes back.\n"
    "F1 lists every key; drop your own recordings on the window whenever you like."
)


class Display(QObject):
    """Shows what controllers say; it decides nothing about the data.

    Signals:
        recent_chosen: A path of the list of what was opened lately.
        read_only_chosen: A project that the person wants to look at only.
    """

    recent_chosen = Signal(object)
    read_only_chosen = Signal(object)

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        *,
        clips: ClipTableModel,
        project: ProjectController,
        annotate: AnnotateController,
        playback: PlaybackController,
        source: SourceController,
        settings: SettingsController,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._clips = clips
        self._project = project
        self._annotate = annotate
        self._playback = playback
        self._source = source
        self._settings = settings
        self._engine = EngineStatus(kind="starting")
        self._is_welcome_due = False
        self._alone_since_s: float | None = None
        self._undo_name = self._redo_name = ""
        # The next recording is there within a frame or two: blank panes between would flicker.
        self._blank_timer = QTimer(self, interval=BLANK_DELAY_MS, singleShot=True)
        self._blank_timer.timeout.connect(lambda: window.timeline.set_source(None))
        self.show_allowed()

    @Slot(object)
    def show_project(self, store: ProjectStore) -> None:
        """Show a project that was opened."""
        self._annotate.forget_project()
        self._clips.set_project(store)
        self._window.set_project(store.name, str(store.folder), store.is_read_only)
        self._window.set_emotions(store.emotions())
        self._window.message_bar.dismiss()
        for note in store.notes:
            self._window.message_bar.show_hint(note)
        self._read_steps()
        clip_list = self._window.clip_list
        # a list that has the focus chooses its first row by itself
        if not clip_list.choose(self._session.last_clip_id(store)) and self._annotate.clip is None:
            clip_list.step(1)
        clip_list.take_focus()
        self.show_allowed()

    @Slot()
    def show_no_project(self) -> None:
        """Show that no project is open."""
        self._session.remember_view()
        self._clips.set_project(None)
        self._annotate.forget_project()
        self._window.set_project("", "", False)
        self._window.set_emotions(())
        self.show_allowed(has_project=False)

    @Slot(object)
    def show_changes(self, changes: Changes) -> None:
        """Show what an edit, undo, redo or a finding changed, and nothing else."""
        store = self._project.store
        if store is None:
            return
        if changes.emotions_changed:
            self._window.set_emotions(store.emotions())
            self._clips.redraw_answers()
        before = self._annotate.clip
        self._clips.refresh(changes.clip_ids)
        after = self._annotate.clip
        if before is None or after is None:
            clip_list = self._window.clip_list
            current = clip_list.current_clip_id()
            if not current:
                clip_list.step(1)
                clip_list.take_focus()
            elif not clip_list.selected_clip_ids():  # a focused list takes a row without selecting
                clip_list.choose(current)
        elif changes.clip_ids & {after.clip_id}:
            if (before.path, before.problem) != (after.path, after.problem):
                self.show_clip(after)
            self._annotate.refresh()
        if changes.edit is not NO_EDIT:
            self._read_steps()
        self.show_allowed()

    def show_step(self, words: str, changes: Changes | None) -> None:
        """Say what was undone or done again, and go to the clip that it is about."""
        if changes is None:
            return
        self._window.bottom.set_saved(f"{words}: {changes.edit.name} ✓", "It is on disk.")
        if len(changes.clip_ids) == 1:
            self._window.clip_list.choose(next(iter(changes.clip_ids)))

    @Slot(object)
    def show_clip(self, clip: Clip | None) -> None:
        """Show the recording of a clip, or say why there is none."""
        window = self._window
        window.annotate.show_notice(clip.notice if clip and not clip.problem else "")
        if clip is None or clip.problem:
            self._blank_timer.stop()
            window.timeline.set_source(None)
            self._source.close()
            self._playback.set_clip(None, 0.0)
            window.transport.set_channels(1)
            nothing = "Choose a clip in the list to see and hear it."
            if not self._clips.rowCount():
                nothing = "The recording that you choose is drawn here."
            window.annotate.show_text(clip.problem if clip else nothing)
        else:
            self._blank_timer.start()
            window.timeline.set_selected_span(None)
            self._source.open(clip.path)
            self._playback.set_clip(clip.path, clip.duration_s or 0.0)
            window.transport.set_channels(clip.channels or 1)
            window.annotate.show_timeline()
            if window.actions_["auto_play"].isChecked():
                self._playback.toggle()
        self.show_allowed()

    @Slot(object)
    def show_source(self, source: AudioSource) -> None:
        """Draw a recording that was opened, or another channel of the one that is drawn."""
        self._blank_timer.stop()
        self._window.annotate.show_notice(source.info.notice)
        before = self._window.timeline.source
        self._window.timeline.set_source(source)
        self._playback.set_duration(source.duration_s)
        self._window.transport.set_time(self._playback.position_s, source.duration_s)
        if before is not None and before.info.path == source.info.path:
            return  # the person's choice of a channel and of what is in view stays
        self._window.transport.set_channels(source.info.channels)
        clip = self._annotate.clip
        if clip is not None:
            self._session.restore_view(clip.clip_id)

    @Slot(int)
    def show_channel(self, channel: int) -> None:
        """Draw the channel that is heard; -1 for the mix of all."""
        clip = self._annotate.clip
        if clip is not None and not clip.problem:
            self._source.open(clip.path, channel if channel >= 0 else None)

    @Slot(str, str)
    def show_source_problem(self, _path: str, sentence: str) -> None:
        """Say in place of a recording why it cannot be drawn."""
        self._window.annotate.show_notice("")
        self._window.annotate.show_text(sentence)

    @Slot(object)
    def show_labels(self, labels: tuple[Label, ...]) -> None:
        """Show the labels of the clip on screen."""
        self._window.timeline.set_labels(labels)
        self._show_answer()

    @Slot(object)
    def show_target(self, span: TimeSpan | None) -> None:
        """Show what an answer is about."""
        self._window.set_target(span)
        self._playback.set_span(span)
        self._show_answer()
        self.show_allowed()

    @Slot(object, str)
    def show_suggestion(self, guess: Guess | None, why_none: str) -> None:
        """Show the suggestion for the clip on screen."""
        self._window.label_bar.set_suggestion(guess, why_none)
        self.show_allowed()

    @Slot(object)
    def show_analysis(self, analysis: Analysis | None) -> None:
        """Draw the posteriors of the clip on screen."""
        if analysis is None:
            self._window.timeline.set_posteriors(None)
        else:
            self._window.timeline.set_posteriors(analysis.posteriors, ribbon_of(analysis))
        clip = self._annotate.clip
        if analysis is None and clip is not None and self._annotate.has_analysis(clip.clip_id):
            self._window.timeline.set_analysis_state("hidden until you answer")

    @Slot(float)
    def show_position(self, position_s: float) -> None:
        """Move the cursor."""
        self._window.timeline.set_playhead(position_s)
        self._window.transport.set_time(position_s, self._playback.duration_s)
        if self._playback.is_playing:
            self._window.timeline.follow_playhead()

    @Slot(object)
    def show_engine(self, status: EngineStatus) -> None:
        """Show the state of the engine and the model in use."""
        if status.notice and status.notice != self._engine.notice:
            self._window.message_bar.show_hint(status.notice)
        self._engine = status
        self._window.top_bar.set_engine(status.kind, status.text, status.device, status.notice)
        if status.kind == "failed":
            self._window.message_bar.show_error(
                status.text
                or "The engine failed; labelling goes on, start it again from the Engine menu."
            )
        self.show_allowed()

    @Slot(object)
    def show_model(self, in_use: ModelInUse) -> None:
        """Show which model hears the recordings."""
        self._window.top_bar.set_model(in_use.model)

    @Slot(object)
    def show_statistics(self, state: StatisticsState) -> None:
        """Show what suggestions rest on, and what was chosen."""
        actions = self._window.actions_
        actions[f"statistics_{state.mode}"].setChecked(True)
        actions["propagate"].setChecked(state.shares)
        self._window.statistics.show_statistics(
            state.words, state.notices, state.effect, is_busy=state.is_busy
        )

    @Slot(int, int)
    def show_queue(self, done: int, total: int) -> None:
        """Show how many clips are analysed, unless it is only the one on screen."""
        strip = self._window.bottom.analysing
        is_alone = total == 1 and done < total
        if total > 1 and done < total:
            strip.show_work("Analysing", done, total)
        elif not (is_alone and self._alone_since_s is not None):
            strip.end_work()
        self._alone_since_s = (self._alone_since_s or time.monotonic()) if is_alone else None

    @Slot(str, str, float)
    def show_analysis_progress(self, _clip_id: str, _stage: str, share: float) -> None:
        """Offer Cancel for the one clip that is analysed too, once that takes a while."""
        since_s = self._alone_since_s
        if since_s is not None and time.monotonic() - since_s > LONG_WORK_S:
            self._window.bottom.analysing.show_work("Analysing this clip", share, 1.0)

    @Slot(str)
    def show_finished(self, sentence: str) -> None:
        """Say what became of recordings that were added."""
        self._window.bottom.adding.end_work()
        if self._is_welcome_due:
            self._is_welcome_due = False
            self._window.message_bar.show_hint(WELCOME)
        elif sentence:
            self._window.message_bar.show_hint(sentence)

    @Slot(int)
    def show_missing(self, num_clips: int) -> None:
        """Say that files are gone."""
        files = "1 recording is" if num_clips == 1 else f"{num_clips:,} recordings are"
        self._window.message_bar.show_hint(
            f"{files} no longer where they were; show where they are now with File, Locate missing"
            " files."
        )

    @Slot()
    def show_welcome(self) -> None:
        """Point to the keys, once the demo project is filled."""
        self._is_welcome_due = True

    @Slot(object)
    def show_recent(self, recent: RecentPaths) -> None:
        """Offer what was opened lately."""
        menu = self._window.actions_.menu("&File/Open &recent")
        menu.clear()
        for path in (*recent.projects, *recent.files):
            action = menu.addAction(path.name)
            action.setToolTip(str(path))
            action.triggered.connect(lambda _checked, path=path: self.recent_chosen.emit(path))
        menu.setEnabled(not menu.isEmpty())

    @Slot(bool)
    def show_hidden(self, hides: bool) -> None:
        """Hide suggestions until answered, or show them."""
        self._clips.set_hides_guesses(hides)
        self._annotate.refresh()

    @Slot(str)
    def show_sound_problem(self, sentence: str) -> None:
        """Say why nothing can be heard."""
        self._window.transport.set_problem(sentence)
        if sentence:
            self._window.message_bar.show_error(sentence)

    @Slot(object)
    def show_devices(self, names: tuple[str, ...]) -> None:
        """Offer the output devices that are there."""
        self._window.transport.set_devices(names, self._settings.settings.output_device)

    def report(self, log_lines: Iterable[str]) -> str:
        """Return the report that may be sent to the makers."""
        from app.services.report import report_text  # reads the metadata of all parts

        store = self._project.store
        counts = (
            {"clips": len(store.clips()), "labels": len(store.labels())}
            if store is not None
            else {}
        )
        status = self._engine
        return report_text(
            engine=f"{status.kind} {status.device}".strip(),
            counts=counts,
            settings=self._settings.settings,
            log_lines=log_lines,
        )

    @Slot(str)
    def show_error(self, sentence: str) -> None:
        """Show what went wrong."""
        self._window.message_bar.show_error(sentence)

    @Slot(object)
    def offer_read_only(self, folder: Path) -> None:
        """Offer to look at a project that cannot be changed now, beside the message of why."""
        self._window.message_bar.offer(
            "Open read-only",
            "See and export the labels of the project; nothing in it can be changed then.",
            lambda: self.read_only_chosen.emit(folder),
        )

    def show_allowed(self, *, has_project: bool = True) -> None:
        """Enable what can be done now; the rest says why not."""
        store = self._project.store if has_project else None
        clip = self._annotate.clip if store is not None else None
        why_not = why_not_of(
            store=store,
            clip=clip,
            num_selected=len(self._window.clip_list.selected_clip_ids()) if store else 0,
            has_label=bool(clip and self._annotate.label_to_remove),
            has_span=self._annotate.span is not None,
            has_analysis=bool(clip and self._annotate.has_analysis(clip.clip_id)),
            undo_name=self._undo_name,
            redo_name=self._redo_name,
            engine=self._engine.kind,
        )
        for action_id, reason in why_not.items():
            self._window.actions_.allow(action_id, reason)
        undo = self._window.actions_["undo"]
        redo = self._window.actions_["redo"]
        undo.setText(f"&Undo {self._undo_name}".rstrip())
        redo.setText(f"&Redo {self._redo_name}".rstrip())
        why_not_accept = self._annotate.why_not_accept() if store is not None else NO_PROJECT
        self._window.allow_accept(why_not_accept or self._why_read_only())
        if store is None:
            self._window.allow_answers(NO_PROJECT)
        elif clip is None:
            self._window.allow_answers(NO_CLIP)
        else:
            self._window.allow_answers(self._why_read_only() or UNREADABLE * bool(clip.problem))

    def _read_steps(self) -> None:
        """Read once for each change what could be undone: it is a question to the disk."""
        store = self._project.store
        self._undo_name = (store.undo_name if store is not None else None) or ""
        self._redo_name = (store.redo_name if store is not None else None) or ""

    def _why_read_only(self) -> str:
        store = self._project.store
        return READ_ONLY if store is not None and store.is_read_only else ""

    def _show_answer(self) -> None:
        clip, span = self._annotate.clip, self._annotate.span
        answer = ""
        if clip is not None and span is None:
            label = self._clips.clip_label(clip.clip_id)
            answer = label.answer if label else ""
        elif clip is not None and span is not None:
            for label in self._clips.labels_of(clip.clip_id):
                if (label.start_s, label.end_s) == (span.start_s, span.end_s):
                    answer = label.answer
        self._window.label_bar.set_answer(answer)
