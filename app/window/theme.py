"""Light or dark: the system's choice, or the person's."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

SCHEMES = {
    "system": Qt.ColorScheme.Unknown,
    "light": Qt.ColorScheme.Light,
    "dark": Qt.ColorScheme.Dark,
}
Role = QPalette.ColorRole
DARK = {
    Role.Window: "#2B2B2B",
    Role.WindowText: "#E8E8E8",
    Role.Base: "#1E1E1E",
    Role.AlternateBase: "#262626",
    Role.Text: "#E8E8E8",
    Role.Button: "#383838",
    Role.ButtonText: "#E8E8E8",
    Role.BrightText: "#FFFFFF",
    Role.Light: "#4A4A4A",
    Role.Midlight: "#424242",
    Role.Mid: "#232323",
    Role.Dark: "#1A1A1A",
    Role.Shadow: "#000000",
    Role.Highlight: "#2F6FA8",
    Role.HighlightedText: "#FFFFFF",
    Role.Link: "#7FB8EA",
    Role.LinkVisited: "#B79CE0",
    Role.ToolTipBase: "#383838",
    Role.ToolTipText: "#E8E8E8",
    Role.PlaceholderText: "#A0A0A0",
    Role.Accent: "#2F6FA8",
}
DARK_DISABLED = "#8C8C8C"
TEXT_ROLES = (Role.WindowText, Role.Text, Role.ButtonText)


def set_theme(theme: str) -> None:
    """Use the light or dark scheme, or follow the system.

    Where the desktop cannot be asked for a scheme, colours of our own stand in.
    """
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        return
    hints, wanted = QGuiApplication.styleHints(), SCHEMES[theme]
    hints.setColorScheme(wanted)
    follows = theme == "system" or hints.colorScheme() == wanted
    if follows:
        app.setPalette(QPalette())
    else:
        app.setPalette(dark_palette() if theme == "dark" else app.style().standardPalette())


def dark_palette() -> QPalette:
    """Return colours for a dark window."""
    palette = QPalette()
    for role, colour in DARK.items():
        palette.setColor(role, QColor(colour))
    for role in TEXT_ROLES:
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(DARK_DISABLED))
    return palette
