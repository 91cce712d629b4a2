"""Builds the program and connects its parts; every decision is made elsewhere."""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QTimer

from app.controllers.analysis_controller import AnalysisController
from app.controllers.annotate_controller import AnnotateController
from app.controllers.clip_controller import ClipController
from app.controllers.engine_controller import EngineController
from app.controllers.import_export_controller import ImportExportController
from app.controllers.label_controller import LabelController
from app.controllers.model_controller import ModelController
from app.controllers.open_controller import OpenController
from app.controllers.playback_controller import PlaybackController
from app.controllers.project_controller import ProjectController
from app.controllers.settings_controller import SettingsController
from app.controllers.source_controller import SourceController
from app.controllers.statistics_controller import MODES, StatisticsController
from app.controllers.suggestion_controller import SuggestionController
from app.dialogs.ask import Ask
from app.errors import explain
from app.jobs.garbage import GarbageCollector
from app.jobs.runner import JobRunner
from app.models.clip_table import ClipTableModel
from app.services.engine_process import EngineProcess
from app.services.folders import cache_folder, log_folder
from app.services.log_file import start_log, stop_log
from app.services.recent import RecentList
from app.services.settings import SettingsFile
from app.services.view_cache import ViewCache
from app.widgets.emotion_swatch import AnswerIcons
from app.window.display import Display
from app.window.main_window import MainWindow
from app.window.options import Options
from app.window.requests import Requests
from app.window.session import Session

logger = logging.getLogger(__name__)


class Studio:
    """The whole program: `window` is what is seen, `open` and `close` are what a caller needs.

    Args:
        starts_engine: Whether the engine is started; without it the window only waits for one.
        ask: Answers questions; tests give their own.
    """

    def __init__(self, *, starts_engine: bool = True, ask: Ask | None = None) -> None:
        self._log = start_log(log_folder())
        self.runner = JobRunner()
        self.settings = SettingsController(SettingsFile())
        self.project = ProjectController()
        self.labels = LabelController(
            self.project, annotator=lambda: self.settings.settings.annotator
        )
        self.engine = EngineController(
            self.runner,
            EngineProcess(cache_folder=cache_folder() / "analyses", log_folder=log_folder()),
        )
        self.analysis = AnalysisController(self.runner, self.engine)
        self.source = SourceController(self.runner, ViewCache(cache_folder() / "views"))
        self.playback = PlaybackController(self.runner)

        icons = AnswerIcons()
        self.clips = ClipTableModel(icons.icon)
        self.annotate = AnnotateController(self.clips, self.labels)
        self.models = ModelController(
            self.runner, self.engine, self.project, self.settings.settings.model
        )
        self.suggestions = SuggestionController(self.project, self.annotate, self.analysis)
        self.statistics = StatisticsController(
            self.runner, self.engine, self.project, self.annotate, self.analysis
        )
        self.window = MainWindow(self.clips, icons)
        self.session = Session(self.window, self.settings, self.project, self.annotate)
        self.recordings = ClipController(self.project, self.runner)
        self.exchange = ImportExportController(self.project, self.runner)
        self.opening = OpenController(self.project, RecentList(), self.recordings.add)
        self.display = Display(
            self.window,
            self.session,
            clips=self.clips,
            project=self.project,
            annotate=self.annotate,
            playback=self.playback,
            source=self.source,
            settings=self.settings,
        )
        self._requests = Requests(
            self.window,
            ask or Ask(self.window),
            opening=self.opening,
            project=self.project,
            clips=self.recordings,
            labels=self.labels,
            exchange=self.exchange,
            annotate=self.annotate,
            models=self.models,
            report=self._report,
        )
        self._starts_engine = starts_engine
        self._is_closed = False
        self._garbage = GarbageCollector()
        self._connect()
        self._options = Options(  # after who listens
            self.window, self.settings, self.playback, self.engine
        )
        self.session.restore_window()

    def open(self, paths: Sequence[Path]) -> None:
        """Open projects or recordings; with none what was open last, else the demo project."""
        if paths:
            self.opening.open(paths)
        else:
            self.opening.open_last_or_demo()
        for note in self.settings.notes:
            self.window.message_bar.show_error(note)

    def show(self) -> None:
        """Show the window; the engine starts once it is painted."""
        self.window.show()
        if self._starts_engine:
            QTimer.singleShot(0, self.engine.start)

    def report_unforeseen(self, error: BaseException) -> None:
        """Log and show an error that nobody foresaw; the window goes on."""
        logger.error("Unforeseen", exc_info=error)
        self.window.show_explanation(explain(error))

    def close(self) -> None:
        """Put everything away; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        self.session.remember_window()
        self.playback.stop()
        self.source.close()
        self.analysis.cancel_all()
        self.engine.stop()
        self.runner.shutdown()
        self._garbage.stop()
        self.project.close()
        stop_log()

    def _connect(self) -> None:
        self._connect_project()
        self._connect_clip()
        self._connect_playback()
        self._connect_engine()

    def _connect_project(self) -> None:
        window, display, actions = self.window, self.display, self.window.actions_
        self.project.project_opened.connect(display.show_project)
        self.project.project_closed.connect(display.show_no_project)
        self.project.changed.connect(display.show_changes)
        for failed in (
            self.project.failed,
            self.labels.failed,
            self.recordings.failed,
            self.exchange.failed,
            self.settings.failed,
            self.opening.failed,
        ):
            failed.connect(display.show_error)
        self.project.read_only_offered.connect(display.offer_read_only)
        self.exchange.finished.connect(window.message_bar.show_hint)
        self.recordings.progressed.connect(window.bottom.adding.show_work)
        self.recordings.finished.connect(display.show_finished)
        self.recordings.finished.connect(self.suggestions.analyse_added)
        self.recordings.missing_found.connect(display.show_missing)
        window.bottom.adding.cancel_requested.connect(self.recordings.cancel)
        window.paths_dropped.connect(self.opening.open)
        window.closing.connect(self.close)
        self.opening.recent_changed.connect(display.show_recent)
        self.opening.demo_made.connect(display.show_welcome)
        display.recent_chosen.connect(lambda path: self.opening.open([path]))
        display.read_only_chosen.connect(
            lambda folder: self.opening.open_project(folder, read_only=True)
        )
        actions.connect("undo", lambda: display.show_step("Undone", self.project.undo()))
        actions.connect("redo", lambda: display.show_step("Done again", self.project.redo()))
        actions.connect("open_demo", self.opening.open_demo)
        actions.connect("close_project", self.project.close)
        display.show_recent(self.opening.recent)

    def _connect_clip(self) -> None:
        window, display, annotate = self.window, self.display, self.annotate
        drawn = window.clip_list.drawn_guesses
        annotate.also_seen_if(lambda clip_id: clip_id in drawn)
        window.clip_list.clip_chosen.connect(annotate.show_clip)
        window.timeline.view_changed.connect(self.session.remember_view_soon)
        window.actions_["hide_suggestions"].toggled.connect(display.show_hidden)
        window.clip_list.selection_changed.connect(display.show_allowed)
        annotate.clip_changed.connect(display.show_clip)
        annotate.labels_changed.connect(display.show_labels)
        annotate.target_changed.connect(display.show_target)
        annotate.suggestion_changed.connect(display.show_suggestion)
        annotate.analysis_changed.connect(display.show_analysis)
        annotate.answered.connect(window.show_saved_label)
        annotate.not_answered.connect(window.show_unsaved)
        window.answer_requested.connect(annotate.answer)
        window.accept_requested.connect(annotate.accept)
        window.actions_.connect("remove_label", annotate.remove_label)
        window.timeline.span_selected.connect(annotate.select_span)
        window.timeline.label_selected.connect(annotate.select_label)
        window.timeline.label_moved.connect(annotate.move_label)
        window.timeline.load_requested.connect(self.source.load)
        self.source.source_opened.connect(display.show_source)
        self.source.source_changed.connect(window.timeline.refresh_source)
        self.source.source_failed.connect(display.show_source_problem)

    def _connect_playback(self) -> None:
        playback, transport, actions = self.playback, self.window.transport, self.window.actions_
        actions.connect("play_pause", playback.toggle)
        actions.connect("play_selection", playback.play_selection)
        actions.connect("to_start", lambda: playback.seek(0.0))
        actions.connect("slower", lambda: playback.change_speed(-1))
        actions.connect("usual_speed", lambda: playback.set_speed(1.0))
        actions.connect("faster", lambda: playback.change_speed(1))
        actions["loop"].toggled.connect(playback.set_loop)
        self.window.timeline.seek_requested.connect(playback.seek)
        transport.speed_chosen.connect(playback.set_speed)
        transport.gain_chosen.connect(playback.set_gain_db)
        transport.channel_chosen.connect(playback.set_channel)
        transport.channel_chosen.connect(self.display.show_channel)
        transport.device_chosen.connect(playback.set_device)
        transport.devices_requested.connect(playback.find_devices)
        playback.position_changed.connect(self.display.show_position)
        playback.playing_changed.connect(transport.set_playing)
        playback.speed_changed.connect(transport.set_speed)
        playback.problem_changed.connect(self.display.show_sound_problem)
        playback.devices_changed.connect(self.display.show_devices)

    def _connect_engine(self) -> None:
        display, strip = self.display, self.window.bottom.analysing
        self.engine.state_changed.connect(display.show_engine)
        for use_model in (
            self.suggestions.use_model,
            self.statistics.use_model,
            display.show_model,
        ):
            self.models.changed.connect(use_model)
            use_model(self.models.in_use)
        self.models.failed.connect(display.show_error)
        self.analysis.queue_changed.connect(display.show_queue)
        self.analysis.analysis_progressed.connect(display.show_analysis_progress)
        self.suggestions.state_changed.connect(self.window.timeline.set_analysis_state)
        strip.cancel_requested.connect(self.analysis.cancel_all)
        actions = self.window.actions_
        actions.connect("analyse_clip", self.suggestions.analyse_clip)
        actions.connect("analyse_all", self.suggestions.analyse_all)
        actions.connect("restart_engine", self.engine.restart)
        self.statistics.state_changed.connect(display.show_statistics)
        for mode in MODES:
            actions.connect(f"statistics_{mode}", partial(self.statistics.choose_mode, mode))
        actions["propagate"].triggered.connect(self.statistics.choose_sharing)
        display.show_statistics(self.statistics.state)

    def _report(self) -> str:
        return self.display.report(self._log.lines)
