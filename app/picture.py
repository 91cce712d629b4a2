"""A picture of the window, drawn without a display: where there is none, and for the README.

python -m app.picture RECORDING_OR_PROJECT OUT.png [--theme dark] [--scale 2]
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import AppError

if TYPE_CHECKING:
    from app.application import Studio
    from app.services.engine_process import EngineStatus

SIZE_PX = (1366, 768)
TIMEOUT_MS = 120_000  # the engine loads its model first, on a slow disk perhaps
POLL_MS = 100
SETTLE_MS = 300  # fine tiles are asked for once the view rests


def draw_window(
    project_or_audio: Path | Sequence[Path],
    out_png: Path,
    theme: str = "light",
    scale: float = 1.0,
    *,
    size_px: tuple[int, int] = SIZE_PX,
    clip_name: str = "",
) -> None:
    """Draw the window with a project or recordings open; call it once in a process of its own.

    The person's settings, projects and lock files are left alone: a project is only looked at, and
    recordings are put into a project that is thrown away.

    Args:
        project_or_audio: A project, or recordings and folders of them.
        out_png: The picture.
        theme: `light` or `dark`.
        scale: 2 for 200 %.
        size_px: Size of the window before scaling.
        clip_name: File name without its ending of the clip to show; the first one if empty.

    Raises:
        AppError: If nothing could be shown, or the picture cannot be written.
    """
    paths = [project_or_audio] if isinstance(project_or_audio, Path) else list(project_or_audio)
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ["QT_SCALE_FACTOR"] = f"{scale:g}"
    with tempfile.TemporaryDirectory(prefix="clser-picture-", ignore_cleanup_errors=True) as home:
        os.environ["CLSER_HOME"] = home
        from PySide6.QtWidgets import QApplication

        from app.application import Studio
        from app.window.theme import set_theme

        app = QApplication(["clser-studio"])  # held until the picture is drawn
        studio = Studio()
        try:
            set_theme(theme)
            studio.window.resize(*size_px)
            studio.window.annotate.share_out(studio.window.width())
            studio.show()
            _open(studio, [path.absolute() for path in paths])
            _wait_until_drawn(studio, clip_name)
            picture = studio.window.grab()
        finally:
            studio.close()
        del app
    if not picture.save(str(out_png), "PNG"):
        raise AppError(f"The picture could not be written to {out_png}; choose another place.")


def _open(studio: "Studio", paths: list[Path]) -> None:
    from app.controllers.open_controller import is_project

    failures: list[str] = []
    studio.project.failed.connect(failures.append)
    if is_project(paths[0]):
        studio.project.open(paths[0], read_only=True)
    else:
        studio.opening.open(paths)
    if studio.project.store is None:
        raise AppError(failures[0] if failures else f"{paths[0]} could not be opened.")


def _wait_until_drawn(studio: "Studio", clip_name: str) -> None:
    """Run the event loop until clips, recording and posteriors are on screen."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(TIMEOUT_MS, loop.quit)
    missing = {"recording", "suggestion", "statistics"}
    poll = QTimer(interval=POLL_MS)
    poll.timeout.connect(lambda: settle("statistics") if studio.statistics.is_settled else None)

    def settle(part: str) -> None:
        missing.discard(part)
        if not missing:
            poll.stop()
            studio.window.message_bar.dismiss()
            QTimer.singleShot(SETTLE_MS, loop.quit)

    def choose() -> None:
        store = studio.project.store
        for clip in store.clips() if store is not None else ():
            if Path(clip.path).stem == clip_name:
                studio.window.clip_list.choose(clip.clip_id)

    studio.source.source_completed.connect(lambda: settle("recording"))
    studio.source.source_failed.connect(lambda *_: settle("recording"))

    def on_queue_changed(done: int, total: int) -> None:
        if done == total:
            settle("suggestion")
            poll.start()

    def on_engine_state_changed(status: "EngineStatus") -> None:
        if status.kind == "failed":
            settle("suggestion")
            settle("statistics")

    studio.analysis.queue_changed.connect(on_queue_changed)
    studio.engine.state_changed.connect(on_engine_state_changed)
    studio.recordings.finished.connect(lambda _: choose())
    choose()
    loop.exec()


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the window from the command line; exit code 1 with one sentence if that fails."""
    parser = argparse.ArgumentParser(
        prog="python -m app.picture",
        description="Draw the window with a project or recordings open, without a display.",
        epilog="example: python -m app.picture resources/demo window.png --theme dark",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PROJECT | AUDIO")
    parser.add_argument("out", type=Path, metavar="OUT.png")
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--scale", type=float, default=1.0, help="2 for 200 %%")
    parser.add_argument("--size", default="1366x768", metavar="WIDTHxHEIGHT")
    parser.add_argument("--clip", default="", metavar="NAME", help="clip to show")
    given = parser.parse_args(arguments)
    width, _, height = given.size.partition("x")
    size_px = SIZE_PX
    with suppress(ValueError):
        size_px = (int(width), int(height))
    try:
        draw_window(
            given.paths, given.out, given.theme, given.scale, size_px=size_px, clip_name=given.clip
        )
    except AppError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
