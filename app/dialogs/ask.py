"""Questions to the person, each a function that returns the answer or None for no answer.

The window gets one `Ask`; tests give it one that answers by itself.
"""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from app.dialogs.clip_fields_dialog import ClipFields, ClipFieldsDialog
from app.dialogs.emotions_dialog import EmotionsDialog, EmotionSet
from clser_engine.labels import Emotion

PROJECT_SUFFIX = ".clser-project"
AUDIO_FILTER = (
    "Recordings (*.wav *.flac *.mp3 *.ogg *.opus *.oga *.aif *.aiff *.aifc *.au *.caf *.w64 *.rf64"
    " *.m4a *.mp4 *.aac *.wma *.webm *.amr *.3gp *.mov *.mkv);;All files (*)"
)
LABEL_FILTER = "Labels (*.csv *.json *.TextGrid);;All files (*)"
FORMAT_FILTERS = ("CSV (*.csv)", "JSON (*.json)", "TextGrid, one for each clip (*.TextGrid)")


class Ask:
    """Asks by Qt's dialogs.

    Args:
        parent: The window above which they open.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        self._parent = parent

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
        names, _ = QFileDialog.getOpenFileNames(self._parent, "Add recordings", "", AUDIO_FILTER)
        return tuple(map(Path, names))

    def folder_of_recordings(self) -> Path | None:
        """Ask for a folder of recordings."""
        return self._folder("Add a folder of recordings")

    def folder_to_search(self) -> Path | None:
        """Ask for a folder in which missing recordings may be."""
        return self._folder("Search this folder for missing recordings")

    def labels_to_import(self) -> Path | None:
        """Ask for a file of labels."""
        name, _ = QFileDialog.getOpenFileName(self._parent, "Import labels", "", LABEL_FILTER)
        return Path(name) if name else None

    def file_to_write(self, title: str, suggestion: str) -> Path | None:
        """Ask where to write a file; its suffix says the format."""
        name, chosen = QFileDialog.getSaveFileName(
            self._parent, title, suggestion, ";;".join(FORMAT_FILTERS)
        )
        if not name:
            return None
        path = Path(name)
        suffix = chosen.rpartition("*")[2].rstrip(")")
        return path if path.suffix else path.with_name(path.name + suffix)

    def clip_fields(self, fields: ClipFields, num_clips: int) -> ClipFields | None:
        """Ask for language and speaker of some clips."""
        dialog = ClipFieldsDialog(fields, num_clips, self._parent)
        return dialog.fields() if dialog.exec() else None

    def emotions(self, emotions: Sequence[Emotion], used: frozenset[str]) -> EmotionSet | None:
        """Ask for the emotion set of a project."""
        dialog = EmotionsDialog(emotions, used, self._parent)
        if not dialog.exec():
            return None
        return EmotionSet(emotions=dialog.emotions(), renames=dialog.renames())

    def _folder(self, title: str) -> Path | None:
        name = QFileDialog.getExistingDirectory(self._parent, title)
        return Path(name) if name else None
