"""Kills a process that labels, at random moments, and looks for labels that were lost.

A child process opens a project, labels, undoes and redoes; after each step that the store says is
saved it writes the step to a pipe, from which another process writes it to the disk. The child is
killed at a random moment; then the project must open without a question and hold exactly what was
recorded. Only the step during which it was killed may be there without having been recorded, and
then taking that one step back must give exactly what was recorded.

Usage: python tests/e2e/kill_store.py --kills 100 [--out FILE.json] [--seed 0]
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from app.domain.clips import Clip  # noqa: E402
from app.domain.edits import Edit  # noqa: E402
from app.domain.ids import new_id  # noqa: E402
from app.domain.labels import Label, Origin  # noqa: E402
from app.services.project_store import ProjectStore  # noqa: E402

NUM_CLIPS = 50


def make_project(folder: Path) -> None:
    """Make a project with some clips and no label."""
    clips = tuple(Clip(clip_id=new_id(), path=f"/recordings/{n}.wav") for n in range(NUM_CLIPS))
    with ProjectStore.create(folder) as store:
        store.apply(Edit(name="Add", added_clips=clips))


def say(*words: str) -> None:
    """Write a line to the recorder at once."""
    os.write(1, (" ".join(words) + "\n").encode())


def label_until_killed(folder: Path, seed: int) -> None:
    """Label, undo and redo for ever; say each step once the store has it."""
    rng = random.Random(seed)
    say("phase", "opening")
    store = ProjectStore.open(folder)
    while True:
        doing = rng.choices(["label", "bulk", "undo", "redo", "close"], [10, 1, 3, 2, 0.3])[0]
        say("phase", doing)
        if doing == "close":
            store.close()
            say("phase", "opening")
            store = ProjectStore.open(folder)
            continue
        if doing in ("label", "bulk"):
            clips = store.clips() if doing == "bulk" else [rng.choice(store.clips())]
            changes = store.apply(Edit(name="Label", added_labels=make_labels(clips)))
        elif doing == "undo":
            changes = store.undo() if store.undo_name == "Label" else None
        else:
            changes = store.redo()
        if changes is not None:
            gone, come = changes.edit.removed_labels, changes.edit.added_labels
            say(
                "step", *(f"-{label.label_id}" for label in gone), *(f"+{c.label_id}" for c in come)
            )
        say("phase", "idle")
        time.sleep(rng.random() * 0.004)


def make_labels(clips) -> tuple[Label, ...]:
    """Return a new label for each clip."""
    values = {"answer": "anger", "origin": Origin.HAND, "annotator": "me", "created_at": ""}
    return tuple(Label(label_id=new_id(), clip_id=clip.clip_id, **values) for clip in clips)


def replay(record: Path, labels: set[str]) -> tuple[set[str], str, int]:
    """Return the labels after the recorded steps, the phase of the kill, the number of steps."""
    phase, steps = "starting", 0
    for line in record.read_text(encoding="ascii").splitlines(keepends=True):
        if not line.endswith("\n"):
            break  # cut off by the kill
        kind, *words = line.split()
        if kind == "phase":
            phase = words[0]
            continue
        steps += 1
        labels = labels - {word[1:] for word in words if word[0] == "-"}
        labels = labels | {word[1:] for word in words if word[0] == "+"}
    return labels, phase, steps


def labels_in(store: ProjectStore) -> set[str]:
    """Return the ids of all labels."""
    return {label.label_id for label in store.labels()}


def kill_once(folder: Path, record: Path, rng: random.Random) -> dict[str, object]:
    """Let a child label, kill it, and compare what is there with what was said."""
    with ProjectStore.open(folder) as store:
        before = labels_in(store)
    record.unlink(missing_ok=True)
    record.touch()
    command = [sys.executable, __file__, "--label", folder, "--seed", str(rng.randrange(2**31))]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    recorder = subprocess.Popen(
        [sys.executable, HERE / "kill_recorder.py", record], stdin=child.stdout
    )
    child.stdout.close()
    if rng.random() < 0.2:
        time.sleep(rng.uniform(0.0, 0.6))
    else:
        while b"phase idle" not in record.read_bytes() and child.poll() is None:
            time.sleep(0.005)
        time.sleep(rng.uniform(0.0, 1.5))
    child.kill()
    child.wait()
    recorder.wait()

    said, phase, steps = replay(record, before)
    start_s = time.perf_counter()
    with ProjectStore.open(folder) as store:
        open_s = time.perf_counter() - start_s
        there = labels_in(store)
        unsaid = there != said
        if unsaid and phase in ("label", "bulk", "redo"):
            store.undo()
        elif unsaid and phase == "undo":
            store.redo()
        there = labels_in(store)
    return {
        "phase": phase,
        "steps": steps,
        "unsaid_step": unsaid,
        "lost": len(said - there),
        "strange": len(there - said),
        "open_s": round(open_s, 4),
    }


def main() -> int:
    """Run as told on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--label", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.label is not None:
        label_until_killed(arguments.label, arguments.seed)

    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent, "kill.clser-project")
        make_project(folder)
        record = Path(parent, "record")
        rows = [kill_once(folder, record, rng) for _ in range(arguments.kills)]
    result = {
        "bench": "kill_store",
        "figures": {
            "kills": len(rows),
            "labels_lost": sum(row["lost"] for row in rows),
            "labels_strange": sum(row["strange"] for row in rows),
            "steps_recorded": sum(row["steps"] for row in rows),
            "open_max_s": max(row["open_s"] for row in rows),
        },
        "phases": dict(Counter(row["phase"] for row in rows).most_common()),
        "rows": rows,
        "settings": {"seed": arguments.seed},
    }
    print(json.dumps({key: result[key] for key in ("figures", "phases")}, indent=1))
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    figures = result["figures"]
    return 1 if figures["labels_lost"] or figures["labels_strange"] else 0


if __name__ == "__main__":
    sys.exit(main())
