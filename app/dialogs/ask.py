"""Questions to the person, each a function that returns the answer or None for no answer.

The window gets one `Ask`; tests give it one that answers by itself.
"""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QStandardPaths
from PySide6.QtWidgets import QFileDialog, QWidget

from app.dialogs.clip_fields_dialog import ClipFields, ClipFieldsDialog
from app.dialogs.emotions_dialog import EmotionsDialog, EmotionSet
from app.dialogs.models_dialog import ModelsDialog
from clser_engine.client import InstalledModel
from clser_engine.labels import Emotion

PROJECT_SUFFIX = ".clser-project"
AUDIO_FILTER = (
    "Recordings (*.wav *.flac *.mp3 *.ogg *.opus *.oga *.aif *.aiff *.aifc *.au *.caf *.w64 *.rf64"
    " *.m4a *.mp4 *.aac *.wma *.webm *.amr *.3gp *.mov *.mkv);;All files (*)"
)
LABEL_FILTER = "Labels (*.csv *.json *.TextGrid);;All files (*)"
FORMAT_FILTERS = ("CSV (*.csv)", "JSON (*.json)", "TextGrid, one for each clip (*.TextGrid)")


def documents_folder() -> Path:
    """Return where people keep their documents; not every system has made that folder."""
    documents = QStandardPaths.StandardLocation.DocumentsLocation
    folder = Path(QStandardPaths.writableLocation(documents))
    return folder if folder.is_dir() else Path.home()


class Ask:
    """Asks by Qt's dialogs.

    Args:
        parent: The window above which they open.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        self._parent = parent
        self._last_folder: Path | None = None

    def project_to_open(self) -> Path | None:
        """Ask for a project folder."""
        return self._folder("Open a project")

    def new_project(self, start: Path) -> Path | None:
        """Ask where a new project shall be."""
        name, _ = QFileDialog.getSaveFileName(
            self._parent,
            "New project",
            str(start / f"My project{PROJECT_SUFFIX}"),
            f"Projects (*{PROJECT_SUFFIX})",
        )
        if not name:
            return None
        path = Path(name)
        return path if path.suffix == PROJECT_SUFFIX else path.with_name(path.name + PROJECT_SUFFIX)

    def recordings(self) -> tuple[Path, ...]:
        """Ask for recordings."""
        names, _ = QFileDialog.getOpenFileNames(
            self._parent, "Add recordings", self._start(), AUDIO_FILTER
        )
        return tuple(self._remembered(Path(name)) for name in names)

    def folder_of_recordings(self) -> Path | None:
        """Ask for a folder of recordings."""
        return self._folder("Add a folder of recordings")

    def folder_to_search(self) -> Path | None:
        """Ask for a folder in which missing recordings may be."""
        return self._folder("Search this folder for missing recordings")

    def labels_to_import(self) -> Path | None:
        """Ask for a file of labels."""
        name, _ = QFileDialog.getOpenFileName(
            self._parent, "Import labels", self._start(), LABEL_FILTER
        )
        return self._remembered(Path(name)) if name else None

    def textgrids_to_import(self) -> Path | None:
        """Ask for a folder of TextGrids."""
        return self._folder("Import a folder of TextGrids")

    def file_to_write(self, title: str, stem: str) -> Path | None:
        """Ask where to write a file; its suffix says the format.

        The dialog gives the name the suffix of the format that is chosen, unless another one was
        typed, and asks before it takes a file that is there.

        Args:
            title: Of the dialog.
            stem: Name to begin with, without a suffix.
        """
        dialog = QFileDialog(self._parent, title, self._start())
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(FORMAT_FILTERS)
        dialog.setDefaultSuffix(_suffix_of(FORMAT_FILTERS[0]))
        dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(_suffix_of(chosen)))
        dialog.selectFile(stem.replace(".", "_"))  # Qt takes what follows a dot for a suffix
        if not dialog.exec():
            return None
        return self._remembered(Path(dialog.selectedFiles()[0]))

    def clip_fields(self, fields: ClipFields, paths: Sequence[str]) -> ClipFields | None:
        """Ask for language and speaker of some clips, which have these files."""
        dialog = ClipFieldsDialog(fields, paths, self._parent)
        return dialog.fields() if dialog.exec() else None

    def emotions(self, emotions: Sequence[Emotion], used: frozenset[str]) -> EmotionSet | None:
        """Ask for the emotion set of a project."""
        dialog = EmotionsDialog(emotions, used, self._parent)
        if not dialog.exec():
            return None
        return EmotionSet(emotions=dialog.emotions(), renames=dialog.renames())

    def model(self, models: Sequence[InstalledModel], in_use: str) -> str | None:
        """Ask which model shall hear the clips of the project; None for no other than now.

        Args:
            models: Those that are installed.
            in_use: Reference of the one that hears them now.
        """
        dialog = ModelsDialog(models, in_use, self._parent)
        match dialog.exec():
            case ModelsDialog.FOLDER:
                folder = self._folder("Open a model")
                return None if folder is None else str(folder)
            case ModelsDialog.USE:
                return dialog.reference
            case _:
                return None

    def _folder(self, title: str) -> Path | None:
        name = QFileDialog.getExistingDirectory(self._parent, title, self._start())
        if not name:
            return None
        self._last_folder = Path(name)
        return self._last_folder

    def _start(self) -> str:
        """Return where a dialog begins: where the last one ended, at first among the documents."""
        if self._last_folder is None or not self._last_folder.is_dir():
            return str(documents_folder())
        return str(self._last_folder)

    def _remembered(self, path: Path) -> Path:
        self._last_folder = path.parent
        return path


def _suffix_of(name_filter: str) -> str:
    """Return the suffix of a filter like `CSV (*.csv)`, without its dot."""
    return name_filter.rpartition("*.")[2].rstrip(")")
