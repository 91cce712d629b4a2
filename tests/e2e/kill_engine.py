"""Kills the engine under the window, again and again, and measures what the window notices.

    python tests/e2e/kill_engine.py --kills 20 --out kills.json

The window (offscreen, with the engine and model that are shipped) has a project of recordings
open: the shared corpora where they are, else the demo recordings, joined to files of minutes. The
engine is killed while it starts, while it analyses and while it waits, each at a random moment.
A timer of 5 ms in the window's event loop measures the longest stall; on a machine that is busy
with other programs `longest_own_work_ms` says how much of it was the window. Exit code 0 only if
every recording was analysed in the end, nothing blocked for over 100 ms and no process is left.
"""

import argparse
import json
import os
import random
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

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_RATE_HZ = 16_000
HEARTBEAT_MS = 5
MAX_STALL_MS = 100.0
LEFT_AFTER_S = 5.0
TIMEOUT_S = 900.0
PHASES = ("starting", "analysing", "analysing", "waiting")
LATEST_S = {"starting": 0.8, "analysing": 2.5, "waiting": 0.5}  # after the phase began


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill the engine under the window.")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=20.0, help="length of each recording")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="clser-kill-engine-") as folder:
        os.environ["CLSER_HOME"] = str(Path(folder) / "home")
        figures = run(Path(folder), args.kills, args.minutes, random.Random(args.seed))
    print(json.dumps(figures, indent=1))
    if args.out is not None:
        args.out.write_text(json.dumps(figures, indent=1) + "\n")
    return 0 if figures["passed"] else 1


def run(folder: Path, kills: int, minutes: float, rng: random.Random) -> dict:
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from app.application import Studio

    files = write_recordings(folder / "audio", max(3, kills), minutes)
    app = QApplication([sys.argv[0]])
    studio = Studio()
    studio.window.resize(1920, 1080)
    studio.show()
    # One recording is on screen before anything is measured, so that only kills are.
    studio.opening.open(files[:1])
    killer = Killer(studio, files[1:], kills, rng)
    heartbeat = QTimer(interval=HEARTBEAT_MS, timerType=Qt.TimerType.PreciseTimer)
    heartbeat.timeout.connect(killer.on_heartbeat)
    killer.ended = app.exit  # unlike quit, it leaves the window open
    heartbeat.start()
    QTimer.singleShot(int(TIMEOUT_S * 1000), app.exit)
    app.exec()
    heartbeat.stop()
    engines = engine_processes()
    closing = time.monotonic()
    studio.close()
    close_s = time.monotonic() - closing
    _, left = psutil.wait_procs(engines, timeout=LEFT_AFTER_S)
    return killer.figures(close_s=close_s, left=len(left) + len(engine_processes()))


class Killer:
    """Steps through its script at each heartbeat; never waits itself."""

    def __init__(self, studio, files, kills, rng):
        self._studio, self._files, self._kills, self._rng = studio, list(files), kills, rng
        self._script = self._steps()
        self._until = lambda: True
        self._last_beat_s = None
        self._last_own_s = 0.0
        self._stalls_ms = []
        self._own_ms = []
        self._longest = (0.0, 0.0, 0.0)  # ms, when it ended, own work in it
        self._killed = []
        self._opened = self._ready = self._failed = 0
        self._has_ended = False
        self._started_s = time.monotonic()
        studio.analysis.analysis_ready.connect(self._on_ready)
        studio.analysis.analysis_failed.connect(self._on_failed)

    def on_heartbeat(self):
        now_s, own_s = time.monotonic(), time.thread_time()
        if self._last_beat_s is not None:
            self._stalls_ms.append((now_s - self._last_beat_s) * 1000 - HEARTBEAT_MS)
            self._own_ms.append((own_s - self._last_own_s) * 1000)
            if self._stalls_ms[-1] == max(self._stalls_ms[-1], self._longest[0]):
                self._longest = (self._stalls_ms[-1], now_s, self._own_ms[-1])
        self._last_beat_s, self._last_own_s = now_s, own_s
        if self._has_ended or not self._until():
            return
        try:
            self._until = next(self._script)
        except StopIteration:
            self._has_ended = True
            self.ended()

    def _steps(self) -> Iterator:
        """Yield what to wait for before the next step."""
        self._opened = 1
        yield lambda: self._ready == 1 and self._is_idle()
        self._stalls_ms.clear()
        self._own_ms.clear()
        self._longest = (0.0, 0.0, 0.0)
        for number in range(self._kills):
            phase = PHASES[number % len(PHASES)]
            if phase == "waiting":
                yield self._is_idle
            elif phase == "analysing":
                if self._is_done():
                    self._open_next()
                yield lambda: self._studio.engine.status.kind == "busy"
            else:
                yield lambda: bool(engine_processes())
            moment = time.monotonic() + self._rng.uniform(0.0, LATEST_S[phase])
            yield lambda moment=moment: time.monotonic() >= moment
            yield lambda: bool(engine_processes())
            self._kill(phase)
            # Else the state from before the death would pass for that of the next phase.
            yield lambda: self._studio.engine.status.kind in ("restarted", "failed")
        yield self._is_idle

    def _open_next(self):
        self._opened += 1
        self._studio.recordings.add([self._files.pop(0)])

    def _kill(self, phase):
        for process in engine_processes():
            self._killed.append(
                {
                    "aimed_at": phase,
                    "state": self._studio.engine.status.kind,
                    "at_s": round(time.monotonic() - self._started_s, 2),
                }
            )
            process.kill()

    def _is_idle(self):
        return self._is_done() and self._studio.engine.status.kind == "ready"

    def _is_done(self):
        return self._ready + self._failed >= self._opened

    def _on_ready(self, clip_id, analysis):
        self._ready += 1

    def _on_failed(self, clip_id, sentence):
        self._failed += 1
        print(sentence, file=sys.stderr)

    def figures(self, *, close_s, left):
        stalls = np.array(self._stalls_ms or [np.inf])
        figures = {
            "kills": len(self._killed),
            "recordings": self._opened,
            "analyses_finished": self._ready,
            "analyses_failed": self._failed,
            "longest_stall_ms": round(float(stalls.max()), 1),
            # What the window's own thread computed at a stretch: the rest was other programs' turn.
            "longest_own_work_ms": round(max(self._own_ms, default=np.inf), 1),
            "longest_stall_at_s": round(self._longest[1] - self._started_s, 2),
            "own_work_in_longest_stall_ms": round(self._longest[2], 1),
            "stall_p999_ms": round(float(np.quantile(stalls, 0.999)), 1),
            "close_s": round(close_s, 2),
            "processes_left_after_5_s": left,
            "kills_by_aim": dict(Counter(kill["aimed_at"] for kill in self._killed)),
            "kills_by_state": dict(Counter(kill["state"] for kill in self._killed)),
            "seconds": round(time.monotonic() - self._started_s, 1),
            "load": os.getloadavg()[0],
            "rows": self._killed,
        }
        figures["passed"] = (
            len(self._killed) >= self._kills
            and self._ready == self._opened
            and figures["longest_stall_ms"] <= MAX_STALL_MS
            and left == 0
        )
        return figures


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


def write_recordings(folder: Path, count: int, minutes: float) -> list[Path]:
    """Join real speech to recordings of the given length, each a different one."""
    folder.mkdir()
    sources = find_speech()
    wanted = int(minutes * 60 * SAMPLE_RATE_HZ)
    paths, position = [], 0
    for number in range(count):
        parts, size = [], 0
        while size < wanted:
            samples, rate = soundfile.read(
                sources[position % len(sources)], dtype="float32", always_2d=True
            )
            position += 1
            if rate != SAMPLE_RATE_HZ:
                import soxr

                samples = soxr.resample(samples, rate, SAMPLE_RATE_HZ)
            parts.append(samples[:, 0])
            size += len(samples)
        path = folder / f"joined_{number:02d}.wav"
        soundfile.write(path, np.concatenate(parts)[:wanted], SAMPLE_RATE_HZ)
        paths.append(path)
    return paths


def find_speech() -> list[Path]:
    corpora = ROOT.parent / "shared" / "corpora"
    for folder in (corpora / "emodb", corpora, ROOT / "resources" / "demo"):
        found = sorted(path for path in folder.rglob("*.flac"))
        if found:
            return found
    raise SystemExit("There is no speech to join: neither ../shared/corpora nor resources/demo.")


if __name__ == "__main__":
    sys.exit(main())
