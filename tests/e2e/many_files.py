"""Opens a folder of very many recordings, some of them broken, and measures what a person notices.

    python tests/e2e/many_files.py --files 10000 --broken 50 --out many.json

The window (offscreen, with the engine and model that are shipped) opens the folder. While the
recordings come in, the script labels clips by key and presses Cancel, opens the folder again to
the end, lets the engine begin with all of them, presses that Cancel too, begins again, and closes
the window in the middle. Then it opens the project anew and compares. A timer of 5 ms in the
window's event loop measures the longest stall; on a machine that is busy with other programs
`longest_own_work_ms` says how much of it was the window. Exit code 0 only if nothing stalled for
over 100 ms, every broken file has its sentence, and no clip or label is lost.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import psutil
import soundfile

SAMPLE_RATE_HZ = 16_000
HEARTBEAT_MS = 5
MAX_STALL_MS = 100.0
MAX_CLOSE_S = 2.0
MAX_GROWTH_MIB = 300.0
TIMEOUT_S = 1500.0
BREAKS = ("empty", "text", "cut", "header", "noise")


def main() -> int:
    parser = argparse.ArgumentParser(description="Open very many recordings in the window.")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--broken", type=int, default=50)
    parser.add_argument("--analyse-s", type=float, default=20.0, help="how long the engine works")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="clser-many-files-") as folder:
        os.environ["CLSER_HOME"] = str(Path(folder) / "home")
        figures = run(Path(folder), args.files, args.broken, args.analyse_s)
    print(json.dumps(figures, indent=1))
    if args.out is not None:
        args.out.write_text(json.dumps(figures, indent=1) + "\n")
    return 0 if figures["passed"] else 1


def run(folder: Path, files: int, broken: int, analyse_s: float) -> dict:
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from app.application import Studio
    from app.services.project_store import ProjectStore

    names = write_recordings(folder / "many", files, broken)
    write_wav(folder / "a_first.wav", 0, seconds=1.0)
    app = QApplication([sys.argv[0]])
    studio = Studio()
    studio.window.resize(1920, 1080)
    studio.show()
    studio.window.activateWindow()
    # One recording is on screen before anything is measured, so that only the many are.
    studio.opening.open([folder / "a_first.wav"])
    person = Person(studio, folder / "many", analyse_s)
    heartbeat = QTimer(interval=HEARTBEAT_MS, timerType=Qt.TimerType.PreciseTimer)
    heartbeat.timeout.connect(person.on_heartbeat)
    person.ended = app.exit  # unlike quit, it leaves the window open
    heartbeat.start()
    QTimer.singleShot(int(TIMEOUT_S * 1000), app.exit)
    app.exec()
    heartbeat.stop()
    project = studio.project.store.folder
    engines = engine_processes()
    closing_s = time.monotonic()
    studio.window.close()
    close_s = time.monotonic() - closing_s
    _, left = psutil.wait_procs(engines, timeout=5.0)
    with ProjectStore.open(project) as store:
        problems = {Path(clip.path).name: clip.problem for clip in store.clips() if clip.problem}
        kept = {label.clip_id for label in store.labels()}
        num_clips = len(store.clips())
    figures = {"files": files, "broken": broken, **person.figures()}
    figures |= {
        "clips_kept": num_clips,
        "sentences": len(problems),
        "sentences_missing": sorted(names - problems.keys())[:5],
        "sentences_wrong": sorted(problems.keys() - names)[:5],
        "labels_reported_saved": len(person.labelled),
        "labels_lost": len(person.labelled - kept),
        "close_s": round(close_s, 2),
        "processes_left_after_5_s": len(left) + len(engine_processes()),
        "load": os.getloadavg()[0],
    }
    figures["passed"] = (
        person.has_ended
        and num_clips == files + 1
        and problems.keys() == names
        and not figures["labels_lost"]
        and figures["longest_stall_ms"] <= MAX_STALL_MS
        and figures["window_growth_mib"] <= MAX_GROWTH_MIB
        and close_s <= MAX_CLOSE_S
        and not figures["processes_left_after_5_s"]
    )
    return figures


class Person:
    """Steps through its script at each heartbeat; never waits itself."""

    def __init__(self, studio, folder, analyse_s):
        self._studio, self._folder, self._analyse_s = studio, folder, analyse_s
        self._script = self._steps()
        self._until = lambda: True
        self._last = None  # time and own work at the last heartbeat
        self._step = ""
        self._stalls = []  # ms, own ms, step
        self._seconds = Counter()
        self._seen = {"adding": set(), "analysing": set()}
        self._next_label_s = np.inf
        self._sizes = []
        self._analysed = self._cancelled = 0
        self.labelled = set()
        self.has_ended = False
        studio.annotate.answered.connect(self._on_answered)
        studio.analysis.analysis_ready.connect(self._on_ready)

    def on_heartbeat(self):
        now_s, own_s = time.monotonic(), time.thread_time()
        if self._last is not None and self._step:
            stall_ms = (now_s - self._last[0]) * 1000 - HEARTBEAT_MS
            self._stalls.append((stall_ms, (own_s - self._last[1]) * 1000, self._step))
            self._seconds[self._step] += now_s - self._last[0]
        self._last = now_s, own_s
        if self.has_ended:
            return
        for name, seen in self._seen.items():
            strip = getattr(self._studio.window.bottom, name)
            seen.add(strip.text.split("   ")[0])
        if now_s >= self._next_label_s:
            self._next_label_s = now_s + 0.5
            self._sizes.append(psutil.Process().memory_info().rss / 2**20)
            self._label_one()
        if not self._until():
            return
        try:
            self._until = next(self._script)
        except StopIteration:
            self.has_ended = True
            self.ended()

    def _steps(self) -> Iterator:
        """Yield what to wait for before the next step."""
        studio, bottom = self._studio, self._studio.window.bottom
        yield lambda: studio.engine.status.kind == "ready" and self._analysed == 1
        self._start_rss = psutil.Process().memory_info().rss / 2**20
        self._step, self._next_label_s = "open until Cancel", time.monotonic()
        studio.window.paths_dropped.emit((self._folder,))
        yield lambda: "Reading recordings" in self._seen["adding"]
        moment = time.monotonic() + 1.0
        yield lambda: time.monotonic() > moment
        self._press_cancel(bottom.adding)
        self._step = "after Cancel"
        self._pressed_s = time.monotonic()
        yield lambda: not studio.recordings.is_busy
        self._cancel_ms = (time.monotonic() - self._pressed_s) * 1000
        moment_2 = time.monotonic() + 0.5
        yield lambda: time.monotonic() > moment_2
        self._step = ""  # one step by the person's own wish, with a figure of its own
        folder = studio.project.store.folder
        studio.project.close()
        opening_s = time.monotonic()
        studio.opening.open_project(folder)
        self._open_ms = (time.monotonic() - opening_s) * 1000
        yield lambda: True
        self._last = None
        self._step = "open again to the end"
        studio.window.paths_dropped.emit((self._folder,))
        yield lambda: not studio.recordings.is_busy
        self._step = "analyse"
        studio.window.actions_["analyse_all"].trigger()
        begun_s, before = time.monotonic(), self._analysed
        yield lambda: time.monotonic() > begun_s + self._analyse_s
        self._rate = (self._analysed - before) / (time.monotonic() - begun_s)
        self._press_cancel(bottom.analysing)
        self._step = "after Cancel of the analysis"
        pressed_s = time.monotonic()
        yield lambda: not bottom.analysing.text and studio.engine.status.kind == "ready"
        self._cancel_analysis_ms = (time.monotonic() - pressed_s) * 1000
        self._step = "analyse again until closed"
        studio.window.actions_["analyse_all"].trigger()
        moment_3 = time.monotonic() + 2.0
        yield lambda: time.monotonic() > moment_3

    def _press_cancel(self, strip):
        from PySide6.QtWidgets import QAbstractButton

        if strip.text:  # else the work was done before
            strip.findChild(QAbstractButton).click()
            self._cancelled += 1

    def _label_one(self):
        """Press the number key 1, which labels the clip on screen and goes to the next."""
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        if self._studio.annotate.clip is not None:
            QTest.keyClick(self._studio.window, Qt.Key.Key_1)

    def _on_answered(self, label_id, _is_whole_clip):
        self.labelled.add(self._studio.project.store.label(label_id).clip_id)

    def _on_ready(self, _clip_id, _analysis):
        self._analysed += 1

    def figures(self):
        stalls = sorted(self._stalls, reverse=True)
        by_step = {}
        for stall_ms, own_ms, step in self._stalls:
            longest = by_step.setdefault(step, [0.0, 0.0])
            longest[0] = round(max(longest[0], stall_ms), 1)
            longest[1] = round(max(longest[1], own_ms), 1)
        return {
            "longest_stall_ms": round(stalls[0][0], 1),
            "longest_own_work_ms": round(max(own for _, own, _ in stalls), 1),
            "stall_p999_ms": round(float(np.quantile([s[0] for s in stalls], 0.999)), 1),
            "longest_stall_and_own_work_ms_by_step": by_step,
            "longest": [[round(ms, 1), round(own, 1), step] for ms, own, step in stalls[:12]],
            "seconds_by_step": {step: round(s, 1) for step, s in self._seconds.items()},
            "progress_shown": sorted(self._seen["adding"] | self._seen["analysing"]),
            "cancels_pressed": self._cancelled,
            "open_project_of_all_ms": round(self._open_ms, 1),
            "cancel_ms": round(self._cancel_ms, 1),
            "cancel_analysis_ms": round(self._cancel_analysis_ms, 1),
            "analyses_per_s": round(self._rate, 1),
            "window_rss_mib": round(max(self._sizes)),
            "window_growth_mib": round(max(self._sizes) - self._start_rss),
        }


def engine_processes() -> list[psutil.Process]:
    """Engines that this process started and that still run."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if "serve" in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
        except psutil.Error:
            continue
    return found


def write_recordings(folder: Path, files: int, broken: int) -> set[str]:
    """Write short recordings, each a different one; return the names of the broken ones."""
    folder.mkdir()
    step = files // broken
    names = set()
    for number in range(files):
        path = folder / f"clip_{number:05d}.wav"
        write_wav(path, number + 1, seconds=0.5)
        if number % step == step // 2 and len(names) < broken:
            break_file(path, BREAKS[len(names) % len(BREAKS)], number)
            names.add(path.name)
    return names


def write_wav(path: Path, seed: int, *, seconds: float) -> None:
    samples = np.random.default_rng(seed).uniform(-0.2, 0.2, int(seconds * SAMPLE_RATE_HZ))
    soundfile.write(path, samples, SAMPLE_RATE_HZ)


def break_file(path: Path, kind: str, seed: int) -> None:
    data = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "text": b"This is a note and no recording.\n",
            "cut": data[:30],
            "header": data[:44],
            "noise": np.random.default_rng(seed).bytes(4000),
        }[kind]
    )


if __name__ == "__main__":
    sys.exit(main())
