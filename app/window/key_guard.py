"""Keys where Qt's shortcuts are not enough: text fields, buttons with focus, other keyboards."""

import sys
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

TEXT_FIELDS = (QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox)
ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
ARROWS = (
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
)
MAC_DIGITS = {18: 1, 19: 2, 20: 3, 21: 4, 23: 5, 22: 6, 26: 7, 28: 8, 25: 9}
FIRST_DIGIT_ON_LINUX = 10  # X11 and Wayland: evdev's KEY_1 (2) plus 8
FIRST_DIGIT_ON_WINDOWS = 2


def physical_digit(scan_code: int, virtual_key: int, platform: str = sys.platform) -> int | None:
    """Return the digit on a US keyboard at the key that was pressed, 1 to 9, or None.

    Args:
        scan_code: What the system calls the key's place.
        virtual_key: What macOS calls it, where scan codes are absent.
        platform: As `sys.platform`.
    """
    if platform == "darwin":
        return MAC_DIGITS.get(virtual_key)
    first = FIRST_DIGIT_ON_WINDOWS if platform == "win32" else FIRST_DIGIT_ON_LINUX
    digit = scan_code - first + 1
    return digit if 1 <= digit <= 9 else None


class KeyGuard(QObject):
    """Watches the keys of one window.

    Single-letter keys do nothing while text is typed; a button or slider that got the focus by Tab
    keeps the keys that work it; and digits answer by their place, so that the upper row works
    without Shift on a French keyboard.

    Args:
        window: The window whose keys are watched.
        digit_pressed: Gets a digit pressed by place; says whether it means something.
    """

    def __init__(self, window: QWidget, digit_pressed: Callable[[int], bool]) -> None:
        super().__init__(window)
        self._window = window
        self._digit_pressed = digit_pressed
        app = QApplication.instance()
        if app is not None:
            app.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind not in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
            return False
        if not isinstance(event, QKeyEvent) or not isinstance(watched, QWidget):
            return False
        if watched.window() is not self._window:
            return False
        if kind == QEvent.Type.ShortcutOverride:
            if _keeps(watched, event):
                event.accept()
                return True
            return False
        return self._is_digit_by_place(watched, event)

    def _is_digit_by_place(self, watched: QWidget, event: QKeyEvent) -> bool:
        if isinstance(watched, TEXT_FIELDS) or event.isAutoRepeat():
            return False
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        if Qt.Key.Key_0 <= event.key() <= Qt.Key.Key_9:
            return False  # the shortcut itself has seen it
        digit = physical_digit(event.nativeScanCode(), event.nativeVirtualKey())
        return digit is not None and self._digit_pressed(digit)


def _keeps(widget: QWidget, event: QKeyEvent) -> bool:
    key = event.key()
    if isinstance(widget, TEXT_FIELDS):
        return key in ENTER or key in ARROWS or bool(event.text() and event.text().isprintable())
    if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
        return False
    if isinstance(widget, QAbstractButton):
        return key == Qt.Key.Key_Space
    if isinstance(widget, QComboBox):
        return key in (Qt.Key.Key_Space, Qt.Key.Key_Up, Qt.Key.Key_Down)
    if isinstance(widget, QAbstractSlider):
        return key in ARROWS
    return False
