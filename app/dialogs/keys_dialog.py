"""The list of keys, made from the action table."""

from collections.abc import Sequence
from html import escape

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from app.dialogs.first_size import open_as_large_as

KeyRow = tuple[str, tuple[str, ...], str]
"""Menu title, keys in portable text, and the sentence that says what they do."""


def keys_as_html(rows: Sequence[KeyRow]) -> str:
    """Return a table of keys, grouped by menu."""
    parts, last_menu = [], ""
    for menu, keys, help_text in rows:
        if not keys:
            continue
        title = menu.partition("/")[0].replace("&", "")
        if title != last_menu:
            parts.append(f"<tr><td colspan='2'><h3>{escape(title)}</h3></td></tr>")
            last_menu = title
        shown = " &nbsp;or&nbsp; ".join(f"<b>{escape(_native(key))}</b>" for key in keys)
        parts.append(f"<tr><td>{shown}&nbsp;&nbsp;&nbsp;</td><td>{escape(help_text)}</td></tr>")
    return f"<table cellpadding='2'>{''.join(parts)}</table>"


class KeysDialog(QDialog):
    """Shows every key; it may stay open beside the window."""

    def __init__(self, rows: Sequence[KeyRow], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        text = QTextBrowser(self)
        text.setAccessibleName("List of keys")
        text.setHtml(keys_as_html(rows))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(text)
        layout.addWidget(buttons)
        open_as_large_as(self, 640, 640)


def _native(key: str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
