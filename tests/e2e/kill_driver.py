"""Labels in the real window with key events until it is killed; the child of `kill_app.py`.

With `inside` it kills itself at a random instruction of a random transaction, or just after it: a
commit takes a millisecond, which a kill from outside seldom meets.

Usage: python kill_driver.py PROJECT SEED [engine] [inside]
"""

import os
import random
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))


def say(*words: str) -> None:
    """Write a line to the recorder at once."""
    os.write(1, (" ".join(words) + "\n").encode())


def main() -> int:
    """Open the window on a project and press keys for ever."""
    project, seed = Path(sys.argv[1]), int(sys.argv[2])
    say("phase", "starting")
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    from app.application import Studio
    from app.services.project_store import ProjectStore

    app = QApplication(sys.argv[:1])
    rng = random.Random(seed)
    phase = "opening"
    steps_left = rng.randrange(1, 25) if "inside" in sys.argv else -1

    def enter(name: str) -> None:
        nonlocal phase
        phase = name
        say("phase", name)

    writing = ProjectStore._writing

    @contextmanager
    def told(store, doing):
        before = phase
        say("phase", "committing" if before in ANSWERING else f"committing-{before}")
        nonlocal steps_left
        steps_left -= 1
        with writing(store, doing) as connection:
            if steps_left == 0:
                kill_after(connection, rng.randrange(80))
            yield connection
        if steps_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        say("phase", before)

    ProjectStore._writing = told
    studio = Studio(starts_engine="engine" in sys.argv)
    window = studio.window
    latest = None

    def on_changed(changes) -> None:
        nonlocal latest
        latest = changes.edit
        if phase in ("undoing", "redoing", "removing"):
            say_step(latest)

    def on_saved(label_id: str) -> None:
        assert label_id in {label.label_id for label in studio.project.store.labels()}
        if latest is not None and label_id in {label.label_id for label in latest.added_labels}:
            say_step(latest)

    studio.project.changed.connect(on_changed)
    window.label_saved.connect(on_saved)
    enter("opening")
    window.resize(1280, 800)
    studio.show()
    studio.open([project])
    ctrl, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    none = Qt.KeyboardModifier.NoModifier
    keys = [
        *((5, "labelling", getattr(Qt.Key, f"Key_{digit}"), none) for digit in range(1, 5)),
        (2, "labelling", Qt.Key.Key_X, none),
        (2, "labelling", Qt.Key.Key_U, none),
        (2, "accepting", Qt.Key.Key_Return, none),
        (3, "moving", Qt.Key.Key_Down, none),
        (3, "moving", Qt.Key.Key_Up, none),
        (5, "undoing", Qt.Key.Key_Z, ctrl),
        (4, "redoing", Qt.Key.Key_Z, ctrl | shift),
        (2, "removing", Qt.Key.Key_Delete, none),
    ]

    def press() -> None:
        nonlocal latest
        _, doing, key, modifiers = rng.choices(keys, [row[0] for row in keys])[0]
        if doing == "undoing" and (studio.project.store.undo_name or "Add").startswith("Add"):
            doing, key, modifiers = "labelling", Qt.Key.Key_1, none
        latest = None
        enter(doing)
        QTest.keyClick(app.focusWidget() or window, key, modifiers)
        enter("idle")
        QTimer.singleShot(rng.randrange(12), press)

    window.activateWindow()
    enter("idle")
    QTimer.singleShot(0, press)
    return app.exec()


def kill_after(connection, instructions: int) -> None:
    """Kill this process when SQLite has done some more of its instructions."""

    def count() -> int:
        nonlocal instructions
        instructions -= 1
        if instructions < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    connection.connection.driver_connection.set_progress_handler(count, 1)


ANSWERING = ("labelling", "accepting")


def say_step(edit) -> None:
    """Say which labels went and came."""
    gone = [f"-{label.label_id}" for label in edit.removed_labels]
    come = [f"+{label.label_id}" for label in edit.added_labels]
    if gone or come:
        say("step", *gone, *come)


if __name__ == "__main__":
    sys.exit(main())
