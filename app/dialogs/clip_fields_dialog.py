"""Language and speaker of some clips."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QWidget,
)

from app.domain.speakers import SpeakerSource, speakers_in_words

SPACE_PX = 8
VARIOUS = "various; type to set one for all"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFields:
    """What can be set of many clips at once; None means that the clips differ and stay as they are.

    Args:
        language: BCP 47 tag, empty for unknown.
        speaker: Name, empty for unknown.
        speaker_source: What gives each clip its speaker instead.
    """

    language: str | None
    speaker: str | None
    speaker_source: SpeakerSource = SpeakerSource.TYPED


class ClipFieldsDialog(QDialog):
    """Asks for language and speaker.

    Args:
        fields: What the clips have.
        paths: Their files, which may tell the speaker by their names.
        parent: Owner.
    """

    def __init__(
        self, fields: ClipFields, paths: Sequence[str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Language and speaker")
        self._before = fields
        self._paths = paths
        clips = "1 clip" if len(paths) == 1 else f"{len(paths):,} clips"
        self._language = self._make_field(fields.language, "Language", "for example de or sw")
        self._speaker = self._make_field(fields.speaker, "Speaker", "a name or number")
        self._source = QComboBox(self)
        self._source.setAccessibleName("Where the speaker's name is taken from")
        self._source.addItems([source.value for source in SpeakerSource])
        self._source.currentIndexChanged.connect(self._show_speakers)
        self._found = QLabel(self)
        self._found.setAccessibleName("Speakers that the names tell")
        self._found.setMinimumWidth(340)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QFormLayout(self)
        layout.setContentsMargins(2 * SPACE_PX, 2 * SPACE_PX, 2 * SPACE_PX, 2 * SPACE_PX)
        layout.addRow(QLabel(f"For {clips}:"))
        layout.addRow("&Language", self._language)
        layout.addRow("&Speaker", self._speaker)
        layout.addRow("&Take it from", self._source)
        layout.addRow("", self._found)
        layout.addRow(buttons)

    def fields(self) -> ClipFields:
        """Return what was typed; None where differing values were left alone."""
        return ClipFields(
            language=_typed(self._language, self._before.language),
            speaker=_typed(self._speaker, self._before.speaker),
            speaker_source=self._chosen,
        )

    @property
    def _chosen(self) -> SpeakerSource:
        return list(SpeakerSource)[self._source.currentIndex()]

    @Slot()
    def _show_speakers(self) -> None:
        is_typed = self._chosen == SpeakerSource.TYPED
        self._speaker.setEnabled(is_typed)
        self._found.setText("" if is_typed else speakers_in_words(self._paths, self._chosen))

    def _make_field(self, value: str | None, name: str, example: str) -> QLineEdit:
        field = QLineEdit(value or "", self)
        field.setAccessibleName(name)
        field.setPlaceholderText(VARIOUS if value is None else example)
        field.setMinimumWidth(260)
        return field


def _typed(field: QLineEdit, before: str | None) -> str | None:
    text = field.text().strip()
    return None if before is None and not text else text
