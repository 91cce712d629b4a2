"""Light or dark: the system's choice, or the person's."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

SCHEMES = {
    "system": Qt.ColorScheme.Unknown,
    "light": Qt.ColorScheme.Light,
    "dark": Qt.ColorScheme.Dark,
}


def set_theme(theme: str) -> None:
    """Use the light or dark scheme, or follow the system."""
    QGuiApplication.styleHints().setColorScheme(SCHEMES[theme])
