"""The order in which the bench measures, and what it measures on."""

import logging
import statistics
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

from PySide6.QtWidgets import QApplication

from app.application import Studio
from app.bench import material as made
from app.bench import measures
from app.bench.__main__ import HOUR_S, LONG_HOURS, NUM_LONG_LABELS, row_of
from app.bench.stage import Stage
from app.domain.labels import Label

Result = TypeVar("Result")
Figures = dict[str, float]
Rows = list[dict[str, object]]

NUM_FRAMES = 330
NUM_KEYS = 50
READING_TIMEOUT_S = 1200.0  # eight hours are read in half a minute where nobody else works
FIRST_CLIP = "short000"


def measure(
    groups: Collection[str], folder: Path, home: Path, *, is_quick: bool
) -> tuple[Figures, Rows, dict[str, object]]:
    """Measure the groups.

    Args:
        groups: Of `window`, `open`, `frames`, `keys`, `long`.
        folder: Where the material is kept.
        home: Folder of this run's settings, projects and caches.
        is_quick: Fewer repetitions.

    Returns:
        Figures, the rows behind them, settings.
    """
    logging.disable(logging.INFO)
    source, _ = made.find_sources()
    run = _Run(folder, home, is_quick=is_quick)
    settings: dict[str, object] = {
        "speech": source,
        "quick": is_quick,
        "groups": list(groups),
        "screen": "offscreen, 1920 x 1080",
        "warm": "the program's files were read before; cold: a first start with empty folders",
    }
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    if "window" in groups:
        run.window()
    if "open" in groups:
        run.opening()
    if "frames" in groups:
        run.hour()
    if "keys" in groups:
        run.keys()
    if "long" in groups:
        run.long()
        settings["labels_8h"] = (
            f"{NUM_LONG_LABELS} on the panes of the {LONG_HOURS} h recording, not in the project"
        )
    return run.figures, run.rows, settings


class _Run:
    """Figures and rows as they come."""

    def __init__(self, folder: Path, home: Path, *, is_quick: bool) -> None:
        self.figures: Figures = {}
        self.rows: Rows = []
        self._folder = folder
        self._home = home
        self._is_quick = is_quick

    def window(self) -> None:
        """How long a start takes."""
        project = made.make_project(self._home / "start" / "Start.clser-project", {}, {})
        cold = self._step("cold start", lambda: measures.window_ms(project, self._home / "first"))
        times = [
            self._step("start", lambda: measures.window_ms(project, self._home / "first"))
            for _ in range(2 if self._is_quick else 7)
        ]
        self._note("window_cold_ms", [cold])
        self._note("window_ms", times)
        self.figures["window_ms"] = statistics.median(times)

    def opening(self) -> None:
        """Opening a recording of ten minutes that was never opened before."""
        ten = self._step("10 min file", lambda: made.join_recording(self._folder, "ten", 600.0))
        stage = self._open("ten", ten, ())
        times = []
        for _ in range(3 if self._is_quick else 7):
            self._show(stage, FIRST_CLIP)
            times.append(measures.first_pixels_ms(stage, "ten", is_warm=False))
            stage.wait(lambda: _is_complete(stage), "the 10 min file")
        self._note("open_10min_first_pixels_ms", times)
        self.figures["open_10min_first_pixels_ms"] = statistics.median(times)
        stage.window.close()

    def hour(self) -> None:
        """Panning and zooming over an hour of speech with posteriors and labels."""
        hour = self._hour()
        analysis = self._step("posteriors of 1 h", lambda: made.analyse(hour))
        stage = self._open("hour", hour, made.labels_of("hour", hour))
        self._show(stage, "hour")
        stage.studio.annotate.keep_analysis("hour", analysis)
        stage.rest(1.0)
        self._frames(stage, "1h")
        stage.window.close()

    def keys(self) -> None:
        """Labelling short recordings."""
        stage = self._open("", None, ())
        self._show(stage, FIRST_CLIP)
        times = self._step("keys", lambda: measures.key_times_ms(stage, NUM_KEYS))
        self._note("key_to_visible_ms", times)
        self.figures["key_to_visible_p95_ms"] = measures.percentile_95(times)
        stage.window.close()

    def long(self) -> None:
        """Opening and panning with eight hours and a hundred thousand labels."""
        hour = self._hour()
        long = self._step(
            f"{LONG_HOURS} h file",
            lambda: made.join_recording(self._folder, "long", LONG_HOURS * HOUR_S),
        )
        analysis = made.repeat(self._step("posteriors", lambda: made.analyse(hour)), LONG_HOURS)
        labels = made.many_labels("long", long.duration_s, NUM_LONG_LABELS)
        stage = self._open("long", long, ())
        self._show(stage, FIRST_CLIP)
        before_mb = measures.resident_mb()
        self._step("first reading of the long file", lambda: self._show(stage, "long"))
        times = []
        for _ in range(3 if self._is_quick else 5):
            self._show(stage, FIRST_CLIP)
            times.append(measures.first_pixels_ms(stage, "long", is_warm=True))
        self._note("open_8h_warm_first_pixels_ms", times)
        self.figures["open_8h_warm_first_pixels_ms"] = statistics.median(times)
        stage.studio.annotate.keep_analysis("long", analysis)
        stage.timeline.set_labels(labels)  # what the panes take, whatever the project takes
        stage.rest(1.0)
        self._frames(stage, "8h_100k_labels")
        self.figures["extra_rss_8h_mb"] = measures.resident_mb() - before_mb
        stage.window.close()

    def _frames(self, stage: Stage, what: str) -> None:
        """Pan and zoom; the figure is by the clock."""
        times, processor_times = self._step(
            f"frames {what}", lambda: measures.frame_times_ms(stage, NUM_FRAMES)
        )
        self._note(f"frame_ms_{what}", times)
        self._note(f"frame_processor_ms_{what}", processor_times)
        self.figures[f"frame_p95_ms_{what}"] = measures.percentile_95(times)

    def _hour(self) -> made.Recording:
        return self._step("1 h file", lambda: made.join_recording(self._folder, "hour", HOUR_S))

    def _open(
        self, clip_id: str, recording: made.Recording | None, labels: tuple[Label, ...]
    ) -> Stage:
        """Open the window on a project with short clips and perhaps a long one."""
        folder = self._home / (clip_id or "short")
        recordings = {clip_id: recording} if recording is not None else {}
        project = made.make_project(folder / "Bench.clser-project", recordings, {clip_id: labels})
        stage = Stage(Studio(starts_engine=False))
        stage.studio.open([project])
        stage.rest(0.5)
        return stage

    def _show(self, stage: Stage, clip_id: str) -> None:
        stage.window.clip_list.choose(clip_id)
        stage.wait(lambda: _is_complete(stage, clip_id), f"the clip {clip_id}", READING_TIMEOUT_S)
        stage.rest(0.3)

    def _note(self, figure: str, values: list[float]) -> None:
        self.rows.append(row_of(figure, values))

    def _step(self, what: str, work: Callable[[], Result]) -> Result:
        sys.stderr.write(f"{what} … ")
        sys.stderr.flush()
        began = time.perf_counter()
        result = work()
        sys.stderr.write(f"{time.perf_counter() - began:.1f} s\n")
        return result


def _is_complete(stage: Stage, clip_id: str = "") -> bool:
    """Whether the recording on screen is read, and is that of a clip where one is named."""
    source, clip = stage.timeline.source, stage.studio.annotate.clip
    if source is None or clip is None or not source.is_complete:
        return False
    return str(source.info.path) == clip.path and clip_id in ("", clip.clip_id)
