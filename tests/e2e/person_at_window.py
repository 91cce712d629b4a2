"""The real window, and a person at its keys."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication

from app.application import Studio

TIMEOUT_MS = 60_000


class Window:
    """The real window, with a person at its keys."""

    def __init__(self, qtbot, **options):
        self.studio = Studio(**options)
        self.window = self.studio.window
        self._qtbot = qtbot
        self.studio.show()
        self.window.activateWindow()
        self.wait(lambda: QApplication.activeWindow() is self.window)

    def wait(self, condition, timeout_ms=TIMEOUT_MS):
        self._qtbot.waitUntil(condition, timeout=timeout_ms)

    def open(self, *paths):
        self.studio.open(paths)
        QTest.qWait(50)  # a person's hand is slower than that
        self.wait(lambda: not self.studio.recordings.is_busy)

    def key(self, key, modifier=Qt.KeyboardModifier.NoModifier):
        QTest.keyClick(self.window, key, modifier)

    def button(self, text):
        found = [b for b in self.window.findChildren(QAbstractButton) if b.text() == text]
        return next((button for button in found if button.isVisible()), None)

    @property
    def message(self):
        return self.window.message_bar.text

    @property
    def labels(self):
        return self.studio.project.store.labels()


def check_sentence(text, path):
    """A person reads one sentence, in the program's own words, that names the file."""
    assert text.startswith(str(path)), text
    assert text.endswith("."), text
    assert "\n" not in text
    for word in ("Traceback", "Error", "Errno", "libsndfile", "NoneType", "0x"):
        assert word not in text.removeprefix(str(path)), text
