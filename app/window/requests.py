"""What menus ask for that needs an answer first: ask, then call a controller."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog

from app.controllers.annotate_controller import AnnotateController
from app.controllers.clip_controller import ClipController
from app.controllers.import_export_controller import ImportExportController
from app.controllers.label_controller import LabelController
from app.controllers.model_controller import ModelController
from app.controllers.open_controller import OpenController
from app.controllers.project_controller import ProjectController
from app.dialogs.ask import Ask, documents_folder
from app.dialogs.clip_fields_dialog import ClipFields
from app.domain.speakers import SpeakerSource
from app.window.main_window import MainWindow

TEXTGRID_SUFFIX = ".textgrid"


class Requests:
    """Connects the actions that open a dialog."""

    def __init__(
        self,
        window: MainWindow,
        ask: Ask,
        *,
        opening: OpenController,
        project: ProjectController,
        clips: ClipController,
        labels: LabelController,
        exchange: ImportExportController,
        annotate: AnnotateController,
        models: ModelController,
        report: Callable[[], str],
    ) -> None:
        self._window = window
        self._ask = ask
        self._opening = opening
        self._project = project
        self._clips = clips
        self._labels = labels
        self._exchange = exchange
        self._annotate = annotate
        self._models = models
        self._report = report
        self._keys_dialog: QDialog | None = None
        for action_id, slot in (
            ("new_project", self._new_project),
            ("open_project", self._open_project),
            ("add_files", self._add_files),
            ("add_folder", self._add_folder),
            ("locate_missing", self._locate_missing),
            ("import_labels", self._import_labels),
            ("import_textgrids", self._import_textgrids),
            ("export_labels", self._export_labels),
            ("export_posteriors", self._export_posteriors),
            ("clip_fields", self._clip_fields),
            ("edit_emotions", self._edit_emotions),
            ("remove_clips", self._remove_clips),
            ("models", self._choose_model),
            ("keys", self._keys),
            ("about", self._about),
            ("copy_report", self._copy_report),
        ):
            window.actions_.connect(action_id, slot)

    def _new_project(self) -> None:
        if (folder := self._ask.new_project(documents_folder())) is not None:
            self._opening.new_project(folder)

    def _open_project(self) -> None:
        if (folder := self._ask.project_to_open()) is not None:
            self._opening.open_project(folder)

    def _add_files(self) -> None:
        if paths := self._ask.recordings():
            self._opening.add_recordings(list(paths))

    def _add_folder(self) -> None:
        if (folder := self._ask.folder_of_recordings()) is not None:
            self._opening.add_recordings([folder])

    def _locate_missing(self) -> None:
        if (folder := self._ask.folder_to_search()) is not None:
            self._clips.locate(folder)

    def _import_labels(self) -> None:
        if (path := self._ask.labels_to_import()) is not None:
            self._exchange.import_labels(path)

    def _import_textgrids(self) -> None:
        if (folder := self._ask.textgrids_to_import()) is not None:
            self._exchange.import_labels(folder)

    def _export_labels(self) -> None:
        store = self._project.store
        if store is None:
            return
        path = self._ask.file_to_write("Export labels", f"{store.name} labels")
        if path is not None:
            # the dialog has asked about a file, not about those in a folder of TextGrids
            overwrite = path.suffix.casefold() != TEXTGRID_SUFFIX
            self._exchange.export_labels(path, overwrite=overwrite)

    def _export_posteriors(self) -> None:
        clip = self._annotate.clip
        analysis = self._annotate.analysis_of(clip.clip_id) if clip is not None else None
        if clip is None or analysis is None:
            return
        stem = f"{Path(clip.path).stem} posteriors"
        path = self._ask.file_to_write("Export posteriors", stem)
        if path is not None:
            self._exchange.export_posteriors(path, clip.path, analysis, overwrite=True)

    def _clip_fields(self) -> None:
        store = self._project.store
        ids = self._window.clip_list.selected_clip_ids()
        if store is None or not ids:
            return
        clips = [clip for clip_id in ids if (clip := store.clip(clip_id)) is not None]
        languages, speakers = {clip.language for clip in clips}, {clip.speaker for clip in clips}
        before = ClipFields(
            language=languages.pop() if len(languages) == 1 else None,
            speaker=speakers.pop() if len(speakers) == 1 else None,
        )
        fields = self._ask.clip_fields(before, tuple(clip.path for clip in clips))
        if fields is None:
            return
        if fields.speaker_source == SpeakerSource.TYPED:
            self._clips.describe(ids, language=fields.language, speaker=fields.speaker)
        else:
            self._clips.name_speakers(ids, fields.speaker_source, language=fields.language)

    def _edit_emotions(self) -> None:
        store = self._project.store
        if store is None:
            return
        used = frozenset(label.answer for label in store.labels())
        wanted = self._ask.emotions(store.emotions(), used)
        if wanted is not None and wanted.emotions != store.emotions():
            self._labels.set_emotions(wanted.emotions, wanted.renames)

    def _remove_clips(self) -> None:
        if ids := self._window.clip_list.selected_clip_ids():
            self._clips.remove(ids)

    def _choose_model(self) -> None:
        chosen = self._ask.model(self._models.models, self._models.in_use.reference)
        if chosen is not None:
            self._models.choose(chosen)
        self._models.refresh()  # for the next time: one may be installed meanwhile

    def _keys(self) -> None:
        from app.dialogs.keys_dialog import KeysDialog

        if self._keys_dialog is not None:
            self._keys_dialog.close()
        rows = [(row.menu, row.keys, row.help) for row in self._window.actions_.rows()]
        self._keys_dialog = KeysDialog(rows, self._window)
        self._keys_dialog.show()

    def _about(self) -> None:
        from app.dialogs.about_dialog import AboutDialog
        from app.services.versions import parts
        from clser_engine.version import program_version

        AboutDialog(program_version(), parts(), self._window).exec()

    def _copy_report(self) -> None:
        QGuiApplication.clipboard().setText(self._report())
        self._window.message_bar.show_hint(
            "The report is in the clipboard; it holds versions, settings and log, but no audio,"
            " names or labels."
        )
