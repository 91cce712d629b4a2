"""What the program is, made of which parts, under which licences."""

from collections.abc import Sequence
from html import escape

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from app.dialogs.first_size import open_as_large_as
from app.services.versions import Part


def about_as_html(version: str, parts: Sequence[Part]) -> str:
    """Return the text of the dialog."""
    rows = "".join(
        f"<tr><td>{escape(part.name)}&nbsp;&nbsp;</td><td>{escape(part.version)}&nbsp;&nbsp;</td>"
        f"<td>{escape(part.licence)}</td></tr>"
        for part in parts
    )
    return (
        f"<h2>CLSER Studio {escape(version)}</h2>"
        "<p>Shows and labels the expression of emotion in recorded voices, in any language. It"
        " speaks of the expression in a voice, never of what a person feels.</p>"
        "<p>Nothing leaves this computer: no recording, no label, no statistics of use.</p>"
        "<p>The program is under the Apache License 2.0. The weights of the default model were"
        " trained on corpora for non-commercial use and are under CC BY-NC-SA 4.0; Engine, Models…"
        " names the corpora.</p>"
        f"<h3>Parts</h3><table>{rows}</table>"
    )


class AboutDialog(QDialog):
    """Shows versions and licences."""

    def __init__(self, version: str, parts: Sequence[Part], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About CLSER Studio")
        text = QTextBrowser(self)
        text.setAccessibleName("About the program")
        text.setHtml(about_as_html(version, parts))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(text)
        layout.addWidget(buttons)
        open_as_large_as(self, 560, 520)
