"""One function per figure; each returns the numbers that the figure is made of."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.bench.stage import BenchError, PaintWatch, Stage, move_mouse, turn_wheel
from app.services.folders import cache_folder

FRAME_S = 1 / 60  # events come as fast as a screen shows them
ZOOM_STEPS = 22  # an hour down to two seconds
DRAG_STEPS = 30
REST_S = 0.2  # now and then the hand rests: what is finer is loaded
WARM_UP_FRAMES = 10
ACTED = "acted at "  # what the process that was started says, with the time


def window_ms(project: Path, home: Path) -> float:
    """Return the milliseconds from a process's start until its first key is acted upon.

    Raises:
        BenchError: If the key was never acted upon.
    """
    environment = {**os.environ, "CLSER_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    began = time.time()
    done = subprocess.run(
        [sys.executable, "-m", "app.bench.first_key", str(project)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(ACTED)]
    if not lines:
        raise BenchError(f"The window never acted upon a key: {done.stderr.strip()[-2000:]}")
    return 1000 * (float(lines[0].removeprefix(ACTED)) - began)


def first_pixels_ms(stage: Stage, clip_id: str, *, is_warm: bool) -> float:
    """Return the milliseconds from choosing a clip until some of its waveform is on screen."""
    if not is_warm:
        stage.studio.source.close()
        shutil.rmtree(cache_folder() / "views", ignore_errors=True)
    clip = stage.studio.project.store.clip(clip_id) if stage.studio.project.store else None
    if clip is None:
        raise BenchError(f"The project has no clip {clip_id}.")
    timeline = stage.timeline

    def shows_it(_: object) -> bool:
        source = timeline.source
        return (
            source is not None
            and str(source.info.path) == clip.path
            and source.peaks.frames_done > 0
        )

    watch = PaintWatch([timeline.waveform], shows_it)
    began = time.perf_counter()
    stage.window.clip_list.choose(clip_id)
    watch.wait_until_painted()
    return 1000 * (time.perf_counter() - began)


def frame_times_ms(stage: Stage, count: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds of `count` frames while panning and zooming over a recording.

    Returns:
        By the clock, and of processor time in the thread that draws: what the clock would say on
        a machine that does nothing else.
    """
    times: list[float] = []
    processor_times: list[float] = []
    for act in _hand(stage):
        began, processor_began = time.perf_counter(), time.thread_time()
        milliseconds = stage.frame_ms(act)
        if milliseconds is not None:
            times.append(milliseconds)
            processor_times.append(1000 * (time.thread_time() - processor_began))
        if len(times) >= count + WARM_UP_FRAMES:
            break
        stage.rest(max(FRAME_S - (time.perf_counter() - began), 0.0))
    return times[WARM_UP_FRAMES:], processor_times[WARM_UP_FRAMES:]


def key_times_ms(stage: Stage, count: int) -> list[float]:
    """Return the milliseconds from a label key until the label is on disk and painted."""
    window = stage.window
    saved: list[str] = []
    window.label_saved.connect(saved.append)
    times = []
    for number in range(count):
        key = (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_4)[number % 4]
        seen = len(saved)
        watch = PaintWatch([window.clip_list.table.viewport()], partial(_has_more, saved, seen))
        began = time.perf_counter()
        press_key(window, key)
        watch.wait_until_painted(10.0)
        times.append(1000 * (time.perf_counter() - began))
        stage.rest(0.05)
    window.label_saved.disconnect(saved.append)
    return times


def _has_more(saved: list[str], seen: int, _: QWidget) -> bool:
    return len(saved) > seen


def press_key(window: QWidget, key: Qt.Key) -> None:
    """Press and release a key where the focus is."""
    target = QApplication.focusWidget() or window
    QTest.keyClick(target, key)


def resident_mb() -> float:
    """Return the memory that this process holds, in MB."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    import resource  # not on Windows, where /proc is not either

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def percentile_95(values: list[float]) -> float:
    """Return the 95th percentile."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def _hand(stage: Stage) -> Iterator[Callable[[], object]]:
    """Yield what a hand does, without end: zoom in, drag, zoom out, pan, use keys."""
    pane = stage.timeline.waveform
    stage.timeline.zoom_fit()
    stage.rest(REST_S)
    width = pane.width()
    place = 0
    while True:
        place += 1
        x = width * (0.25 + 0.5 * (place * 0.37 % 1.0))
        for _ in range(ZOOM_STEPS):
            yield lambda: turn_wheel(pane, x, 1)  # noqa: B023  # used before the next round
        stage.rest(REST_S)
        move_mouse(pane, x, QEvent.Type.MouseButtonPress)
        for step in range(1, DRAG_STEPS + 1):
            to = x + 12 * step * (1 if place % 2 else -1)
            yield lambda: move_mouse(pane, to, QEvent.Type.MouseMove)  # noqa: B023
        move_mouse(pane, x, QEvent.Type.MouseButtonRelease)
        for step in range(ZOOM_STEPS):
            yield lambda: turn_wheel(pane, x, -1)  # noqa: B023
            if step % 4 == 3:
                yield lambda: turn_wheel(pane, x, 1, shift=True)  # noqa: B023
        stage.rest(REST_S)
        stage.timeline.set_visible_span(0.0, stage.timeline.axis.duration_s / 4)
        for _ in range(DRAG_STEPS // 2):
            yield lambda: stage.timeline.pan(0.05)
        stage.timeline.zoom_fit()
