"""The person's settings while the program runs; each change is written at once."""

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.errors import SettingsError
from app.services.settings import Settings, SettingsFile


class SettingsController(QObject):
    """Owns the settings.

    Args:
        file: Where they are kept.
        parent: Owner.

    Signals:
        changed: `Settings`, after each change.
        failed: One sentence; the settings hold until the program ends.
    """

    changed = Signal(object)
    failed = Signal(str)

    def __init__(self, file: SettingsFile, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._file = file
        self._settings = file.load()
        self.notes = file.notes

    @property
    def settings(self) -> Settings:
        """The settings as they are."""
        return self._settings

    def change(self, **values: Any) -> None:  # as many types as there are settings
        """Set some of them."""
        settings = replace(self._settings, **values)
        if settings == self._settings:
            return
        self._settings = settings
        try:
            self._file.save(settings)
        except SettingsError as error:
            self.failed.emit(str(error))
        self.changed.emit(settings)
