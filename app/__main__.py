"""`clser-studio [PROJECT | AUDIO…]`: opens the window."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

USAGE = """\
examples:
  clser-studio                         open what was open last, or the demo project
  clser-studio Talk.clser-project      open a project
  clser-studio recordings/ more.wav    label recordings; the files stay where they are
"""
NO_DISPLAY = (
    "The window cannot be opened because there is no display; run this on a desktop, or analyse"
    " without a window: clser analyze RECORDING --out FOLDER."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the window and stay until it is closed.

    Args:
        arguments: Command line without the program's name; the process's own if None.

    Returns:
        Exit code: 0 when the window was closed, 1 when it could not be opened.
    """
    parser = argparse.ArgumentParser(
        prog="clser-studio",
        description="See, hear and label the expression of emotion in recorded voices.",
        epilog=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="PROJECT | AUDIO")
    paths = parser.parse_args(arguments).paths
    if not has_display():
        sys.stderr.write(NO_DISPLAY + "\n")
        return 1
    return _run(paths)


def _run(paths: list[Path]) -> int:
    from PySide6.QtWidgets import QApplication, QMessageBox

    app = QApplication(sys.argv[:1])
    app.setApplicationName("clser-studio")
    app.setApplicationDisplayName("CLSER Studio")
    try:
        from app.application import Studio
        from app.services.folders import log_folder
        from app.services.native_messages import divert_native_messages

        studio = Studio()
        divert_native_messages(log_folder())
    except Exception as error:
        sys.excepthook(type(error), error, error.__traceback__)
        QMessageBox.critical(
            None,
            "CLSER Studio",
            f"The program cannot start ({error}); install it again with"
            " bash packaging/start.sh --setup-only.",
        )
        return 1
    sys.excepthook = lambda kind, error, trace: studio.report_unforeseen(error)
    studio.show()
    studio.open(paths)
    try:
        return app.exec()
    finally:
        studio.close()


def has_display() -> bool:
    """Whether a window can be shown: Qt ends the process where it finds no display."""
    if sys.platform in ("win32", "darwin") or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


if __name__ == "__main__":
    sys.exit(main())
