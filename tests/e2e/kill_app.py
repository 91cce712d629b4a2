"""Kills the window at random moments of a scripted labelling run, and looks for lost labels.

The child is the real window, offscreen, on a project of the demo recordings; real key events label,
undo, redo and move on. When the window reports a label as saved, the child writes it to a pipe,
from which another process writes it to the disk. After each kill the project must open without a
question and hold exactly what was reported; only the one step during which the window was killed
may be there as well, and taking that back must give exactly what was reported.

Usage: python tests/e2e/kill_app.py --kills 100 --out FILE.json [--seed 0] [--engine-every 10]
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE)]

from kill_store import labels_in, replay  # noqa: E402

from app.domain.clips import Clip  # noqa: E402
from app.domain.edits import Edit  # noqa: E402
from app.domain.ids import new_id  # noqa: E402
from app.services.project_store import ProjectStore  # noqa: E402
from clser_engine.resources import resource_path  # noqa: E402

START_TIMEOUT_S = 60.0
ENGINE_EXIT_S = 5.0
WHEN = ("starting", "any", "inside", "opening", "any")
"""While the program loads, at any moment, inside a transaction, while the project opens."""


def make_project(folder: Path) -> None:
    """Make a project of the demo recordings."""
    paths = sorted(str(path) for path in resource_path("demo").glob("*.flac"))
    clips = tuple(Clip(clip_id=new_id(), path=path) for path in paths)
    with ProjectStore.create(folder) as store:
        store.apply(Edit(name="Add recordings", added_clips=clips))


def kill_once(
    folder: Path, home: Path, rng: random.Random, *, when: str, engine: bool
) -> dict[str, object]:
    """Let the window label, kill it, and compare what is there with what it reported."""
    with ProjectStore.open(folder) as store:
        before = labels_in(store)
    record = home / "record"
    record.unlink(missing_ok=True)
    record.touch()
    environment = {
        **os.environ,
        "CLSER_HOME": str(home),
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONFAULTHANDLER": "1",  # says where, should the window crash by itself
    }
    command = [sys.executable, HERE / "kill_driver.py", folder, str(rng.randrange(2**31))]
    command += (["engine"] if engine else []) + (["inside"] if when == "inside" else [])
    child = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    recorder = subprocess.Popen(
        [sys.executable, HERE / "kill_recorder.py", record], stdin=child.stdout
    )
    child.stdout.close()
    try:
        exit_code = wait_for(child, record, when, rng)
    finally:
        child.kill()
        child.wait()
        recorder.wait()

    said, phase, steps = replay(record, before)
    start_s = time.perf_counter()
    with ProjectStore.open(folder) as store:
        open_s = time.perf_counter() - start_s
        unsaid = labels_in(store) != said
        if unsaid:
            take_back(store, phase)
        there = labels_in(store)
    return {
        "phase": phase,
        "steps": steps,
        "unsaid_step": unsaid,
        "lost": len(said - there),
        "strange": len(there - said),
        "open_s": round(open_s, 4),
        "ended_by_itself": exit_code not in (None, -signal.SIGKILL),
        "exit_code": exit_code,
        "when": when,
        "engine": engine,
    }


def wait_for(child: subprocess.Popen, record: Path, when: str, rng: random.Random) -> int | None:
    """Wait for the moment of the kill; return how the child ended if it has by then."""
    started_s = time.monotonic()
    if when == "starting":
        time.sleep(rng.uniform(0.0, 2.0))
    else:
        awaited = b"phase opening" if when == "opening" else b"phase idle"
        while awaited not in record.read_bytes() and child.poll() is None:
            if time.monotonic() - started_s > START_TIMEOUT_S:
                raise SystemExit("The window was not ready in time.")
            time.sleep(0.005)
        if when == "inside":  # it kills itself
            child.wait(START_TIMEOUT_S)
        elif when == "opening":
            time.sleep(rng.uniform(0.0, 0.1))
        else:
            time.sleep(rng.uniform(0.0, 2.0))
    return child.poll()


def take_back(store: ProjectStore, phase: str) -> None:
    """Take back the one step that the window was in the middle of."""
    doing = phase.removeprefix("committing-")
    if doing == "undoing":
        store.redo()
    elif doing in ("labelling", "accepting", "committing", "redoing", "removing"):
        store.undo()


def engines_of(home: Path) -> list[psutil.Process]:
    """Return the processes that were started with our home folder and still run."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("CLSER_HOME") == str(home):
                found.append(process)
        except psutil.Error:
            continue
    return found


def main() -> int:
    """Run as told on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine-every", type=int, default=10, help="0: never start the engine")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()

    rng = random.Random(arguments.seed)
    rows = []
    with tempfile.TemporaryDirectory() as parent:
        home = Path(parent)
        folder = home / "kill.clser-project"
        make_project(folder)
        for number in range(arguments.kills):
            every = arguments.engine_every
            engine = every > 0 and number % every == every - 1
            row = kill_once(folder, home, rng, when=WHEN[number % len(WHEN)], engine=engine)
            rows.append(row)
            if sys.stderr.isatty():
                print(f"{number + 1} / {arguments.kills}", end="\r", file=sys.stderr)
        _, left = psutil.wait_procs(engines_of(home), timeout=ENGINE_EXIT_S)
    figures = {
        "kills": len(rows),
        "labels_lost": sum(row["lost"] for row in rows),
        "labels_strange": sum(row["strange"] for row in rows),
        "ended_by_itself": sum(row["ended_by_itself"] for row in rows),
        "steps_recorded": sum(row["steps"] for row in rows),
        "open_max_s": max(row["open_s"] for row in rows),
        "processes_left_after_5s": len(left),
    }
    phases = dict(Counter(row["phase"] for row in rows).most_common())
    print(json.dumps({"figures": figures, "phases": phases}, indent=1))
    if arguments.out is not None:
        result = {
            "bench": "kill_app",
            "figures": figures,
            "phases": phases,
            "rows": rows,
            "settings": {"seed": arguments.seed, "engine_every": arguments.engine_every},
        }
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    bad = ("labels_lost", "labels_strange", "ended_by_itself", "processes_left_after_5s")
    return 1 if any(figures[name] for name in bad) else 0


if __name__ == "__main__":
    sys.exit(main())
