"""How large a dialog opens: as it is best read, but never larger than the screen."""

from PySide6.QtWidgets import QDialog

SCREEN_SHARE = 0.9  # the rest is for the title bar and what the desktop keeps in sight


def open_as_large_as(dialog: QDialog, width: int, height: int) -> None:
    """Give a dialog its first size, less where the screen is smaller, as it is when magnified."""
    room = dialog.screen().availableSize() * SCREEN_SHARE
    dialog.resize(min(width, room.width()), min(height, room.height()))
