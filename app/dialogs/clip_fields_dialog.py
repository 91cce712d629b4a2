"""Language and speaker of some clips."""

from dataclasses import dataclass

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QLineEdit, QWidget

SPACE_PX = 8
VARIOUS = "various; type to set one for all"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFields:
    """What can be set of many clips at once; None means that the clips differ and stay as they are.

    Args:
        language: BCP 47 tag, empty for unknown.
        speaker: Name, empty for unknown.
    """

    language: str | None
    speaker: str | None


class ClipFieldsDialog(QDialog):
    """Asks for language and speaker."""

    def __init__(self, fields: ClipFields, num_clips: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Language and speaker")
        self._before = fields
        clips = "1 clip" if num_clips == 1 else f"{num_clips:,} clips"
        self._language = self._make_field(fields.language, "Language", "for example de or sw")
        self._speaker = self._make_field(fields.speaker, "Speaker", "a name or number")
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
        layout.addRow(buttons)

    def fields(self) -> ClipFields:
        """Return what was typed; None where differing values were left alone."""
        return ClipFields(
            language=_typed(self._language, self._before.language),
            speaker=_typed(self._speaker, self._before.speaker),
        )

    def _make_field(self, value: str | None, name: str, example: str) -> QLineEdit:
        field = QLineEdit(value or "", self)
        field.setAccessibleName(name)
        field.setPlaceholderText(VARIOUS if value is None else example)
        field.setMinimumWidth(260)
        return field


def _typed(field: QLineEdit, before: str | None) -> str | None:
    text = field.text().strip()
    return None if before is None and not text else text
