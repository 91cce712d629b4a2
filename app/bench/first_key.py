"""A process that opens the window on a project, presses a label key and says when it acted."""

import sys
import time
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication


def main(project: str) -> int:
    """Open, press `1`, print the time when the label was on disk and on screen, close."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    app = QApplication(sys.argv[:1])
    from app.application import Studio

    studio = Studio()
    acted: list[float] = []
    pressed: list[bool] = []

    def on_saved(_label_id: str) -> None:
        acted.append(time.time())
        QTimer.singleShot(0, studio.window.close)
        QTimer.singleShot(0, app.quit)

    def press() -> None:
        focused = QApplication.focusWidget()
        if focused is not None and not pressed:
            pressed.append(True)
            QTest.keyClick(focused, Qt.Key.Key_1)

    studio.window.label_saved.connect(on_saved)
    studio.show()
    studio.open([Path(project)])
    if studio.project.store is None:
        sys.stderr.write(f"{project} cannot be opened\n")
        studio.close()
        return 1
    # A key goes to the window that has the focus: as soon as the system gives it, press.
    app.focusWindowChanged.connect(lambda _: QTimer.singleShot(0, press))
    QTimer.singleShot(60_000, app.quit)
    app.exec()
    studio.close()
    if acted:
        sys.stdout.write(f"acted at {acted[0]:.6f}\n")
    return 0 if acted else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
