"""Light or dark: the system's choice, or the person's."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from app.views.pane_colours import contrast, mix, text_on

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
GROUPS = (QPalette.ColorGroup.Active, QPalette.ColorGroup.Inactive, QPalette.ColorGroup.Disabled)
TEXTS = (
    (Role.WindowText, Role.Window),
    (Role.Text, Role.Base),
    (Role.ButtonText, Role.Button),
    (Role.ToolTipText, Role.ToolTipBase),
    (Role.PlaceholderText, Role.Base),
    (Role.Link, Role.Window),
    (Role.LinkVisited, Role.Window),
)
MIN_CONTRAST = 4.5  # WCAG 2.2, AA
STEPS = 40
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
        follow_system()
    else:
        own = dark_palette() if theme == "dark" else app.style().standardPalette()
        app.setPalette(readable(own, own))


def follow_system() -> None:
    """Take the system's palette as it is now, corrected where its texts lack contrast."""
    QApplication.setPalette(QPalette())
    QApplication.setPalette(readable(QApplication.palette(), QPalette()))


def readable(palette: QPalette, corrected: QPalette) -> QPalette:
    """Return `corrected` with every text of a palette at a contrast of at least 4.5.

    Roles that read well are left alone, so that an empty `corrected` goes on following the system.
    """
    for group in GROUPS:
        for text_role, ground_role in TEXTS:
            text, ground = palette.color(group, text_role), palette.color(group, ground_role)
            if text.alpha() < 255:
                text = mix(ground, text, text.alphaF())
            if contrast(text, ground) < MIN_CONTRAST:
                corrected.setColor(group, text_role, _away(text, ground))
        text = palette.color(group, Role.HighlightedText)
        ground = palette.color(group, Role.Highlight)
        if contrast(text, ground) < MIN_CONTRAST:
            corrected.setColor(group, Role.Highlight, _away(ground, text))
    return corrected


def _away(colour: QColor, other: QColor) -> QColor:
    """Return a colour moved just so far towards black or white that it stands out from another."""
    goal = text_on(other)
    steps = (mix(colour, goal, step / STEPS) for step in range(STEPS + 1))
    return next(moved for moved in steps if contrast(moved, other) >= MIN_CONTRAST)


def dark_palette() -> QPalette:
    """Return colours for a dark window."""
    palette = QPalette()
    for role, colour in DARK.items():
        palette.setColor(role, QColor(colour))
    for role in TEXT_ROLES:
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(DARK_DISABLED))
    return palette
