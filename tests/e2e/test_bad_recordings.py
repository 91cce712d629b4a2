"""Every kind of bad input through `clser analyze`, through the engine and through the window.

One table says for each file whether it is used and which sentence a person reads; `{path}` stands
for the file. The files are made here, the engine and the model are those that ship.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import Qt

from app.models.clip_table import Column
from app.services.engine_child import EngineChild
from app.services.engine_process import engine_command
from clser_engine.client import EngineClient
from clser_engine.errors import AudioError, BundleError
from clser_engine.runtime import RunContext
from tests.e2e.person_at_window import check_sentence

ROOT = Path(__file__).resolve().parents[2]
RATE_HZ = 16_000

EMPTY = "{path} is empty (0 bytes); copy it again from where it came."
DAMAGED = (
    "{path} cannot be read as audio: it is damaged or no recording, so copy it again or convert it"
    " to WAV."
)
NO_SAMPLES = "{path} holds no audio (0 samples); record or export it again."
NO_SOUND = "which is no sound; repair it in an audio editor or export it again."
ENDS_EARLY = (
    "{path} claims to last 2.0 s but only SECONDS s could be read; if more is missed, copy it"
    " again from where it came."
)


class Case(NamedTuple):
    """A file and what is said of it.

    `sentence` refuses it, `notice` does not; with `heard_only` it is drawn and played, and not
    analysed because of a sample like that.
    """

    name: str
    make: Callable[[Path], object]
    sentence: str = ""
    notice: str = ""
    heard_only: str = ""


def noise(seconds=1.0, channels=1, rate_hz=RATE_HZ, level=0.2):
    shape = (int(seconds * rate_hz), channels)
    return np.random.default_rng(0).uniform(-level, level, shape)


def write(rate_hz=RATE_HZ, subtype="PCM_16", **kind):
    return lambda path: soundfile.write(path, noise(rate_hz=rate_hz, **kind), rate_hz, subtype)


def write_samples(samples):
    return lambda path: soundfile.write(path, samples, RATE_HZ, "FLOAT")


def write_bytes(data):
    return lambda path: path.write_bytes(data)


def write_cut(share, seconds=2.0):
    def make(path):
        soundfile.write(path, noise(seconds), RATE_HZ)
        data = path.read_bytes()
        path.write_bytes(data[: int(share * len(data))])

    return make


def write_broken_mp3(path):
    """Write an MP3 whose middle is overwritten: mpg123 complains of it on standard error."""
    soundfile.write(path, noise(2.0), RATE_HZ, format="MP3")
    data = bytearray(path.read_bytes())
    third = len(data) // 3
    data[third : 2 * third] = np.random.default_rng(1).bytes(third)
    path.write_bytes(data)


def with_one(value):
    samples = noise()[:, 0]
    samples[4000] = value
    return samples


CASES = (
    Case("empty.wav", write_bytes(b""), EMPTY),
    Case("text.wav", write_bytes(b"This is a note and no recording.\n" * 40), DAMAGED),
    Case("picture.mp3", write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(4000)), DAMAGED),
    Case("random.flac", write_bytes(np.random.default_rng(2).bytes(4000)), DAMAGED),
    Case("header_cut.wav", write_cut(30 / 64044), DAMAGED),
    Case("zero_length.wav", write_samples(np.zeros(0)), NO_SAMPLES),
    Case("early_end.wav", write_cut(0.5), notice=ENDS_EARLY.replace("SECONDS", "1.0")),
    Case("early_flac.flac", write_cut(0.5), notice=ENDS_EARLY.replace("SECONDS", "0.8")),
    Case("broken.mp3", write_broken_mp3, notice=ENDS_EARLY.replace("SECONDS", "0.6")),
    Case("nan.wav", write_samples(np.full(RATE_HZ, np.nan)), heard_only="nan"),
    Case("one_nan.wav", write_samples(with_one(np.nan)), heard_only="nan"),
    Case("infinite.wav", write_samples(with_one(np.inf)), heard_only="inf"),
    Case("one_sample.wav", write_samples(np.full(1, 0.5))),
    Case("silent.wav", write_samples(np.zeros(RATE_HZ))),
    Case("fast.wav", write(rate_hz=192_000)),
    Case("channels.wav", write(channels=8)),
    Case("eight_bit.wav", write(rate_hz=8_000, subtype="PCM_U8")),
    Case(
        "pipe.wav", os.mkfifo, "{path} is a pipe or device, not a file; record it to a file first."
    ),
)


@pytest.fixture
def paths(tmp_path):
    """The file of each case, in a folder whose name has marks and spaces in it."""
    folder = tmp_path / "böse <Eingaben> & 100 %"
    folder.mkdir()
    for case in CASES:
        case.make(folder / case.name)
    return {case: folder / case.name for case in CASES}


def analyze(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "clser_engine.cli.main", "analyze", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
        timeout=240,
        **options,
    )


def refusal_of(case, path):
    """Return what refuses the analysis of a file, empty for nothing."""
    if case.heard_only:
        at_s = "0.000" if case.name == "nan.wav" else "0.250"
        return f"{path} has {case.heard_only} for a sample at {at_s} s, {NO_SOUND}"
    return case.sentence.format(path=path)


def test_the_command_line(paths, tmp_path):
    missing = tmp_path / "missing.wav"

    done = analyze("--json", "--out", tmp_path / "out", missing, *paths.values())

    assert done.returncode == 1
    said = done.stderr.splitlines()
    results = {Path(row["path"]): row for row in map(json.loads, done.stdout.splitlines())}
    [line] = [line for line in said if str(missing) in line]
    assert (
        line == f"clser: {missing} does not exist; it may have been moved or renamed, so check its"
        " name."
    )
    said.remove(line)
    for case, path in paths.items():
        lines = [line for line in said if str(path) in line]
        if refusal := refusal_of(case, path):
            check_sentence(refusal, path)
            assert lines == [f"clser: {refusal}"]
            assert results[path] == {"path": str(path), "error": refusal}
        else:
            notice = case.notice.format(path=path)
            assert lines == ([f"clser: note: {notice}"] if notice else [])
            assert results[path]["emotion"]
        said = [line for line in said if line not in lines]
    assert said == []


def test_the_engine(paths, tmp_path):
    with running_engine(tmp_path, tmp_path / "cache") as client:
        for case, path in paths.items():
            if refusal := refusal_of(case, path):
                with pytest.raises(AudioError) as raised:
                    client.analyze(path, RunContext())
                assert str(raised.value) == refusal
            else:
                analysis = client.analyze(path, RunContext()).analysis
                assert np.isfinite(analysis.posteriors.values).all()
                assert np.isfinite(analysis.utterance.posterior).all()
        with pytest.raises(AudioError) as raised:
            client.analyze(tmp_path / "missing.wav", RunContext())
        assert "missing.wav cannot be read" in str(raised.value)


@contextmanager
def running_engine(folder, cache):
    """Start the engine that ships; give its client."""
    child = EngineChild([*engine_command(), "--cache", str(cache)], folder / "engine.log")
    client = EngineClient(child.introduce(RunContext()), child.token)
    try:
        client.handshake(60)
        yield client
    finally:
        client.close()
        child.end(5)
    assert "Traceback" not in (folder / "engine.log").read_text(errors="replace")


def test_the_engine_without_a_cache_and_with_a_damaged_one(tmp_path):
    path, cache = tmp_path / "talk.wav", tmp_path / "cache"
    soundfile.write(path, noise(), RATE_HZ)
    cache.write_text("a file is in the way")
    with running_engine(tmp_path, cache) as client:
        first = client.analyze(path, RunContext())
        assert not client.analyze(path, RunContext()).from_cache

    cache.unlink()
    with running_engine(tmp_path, cache) as client:
        client.analyze(path, RunContext())
        [entry] = cache.rglob("*.npz")
        for size in (0, 10, entry.stat().st_size // 2, entry.stat().st_size - 1):
            entry.write_bytes(entry.read_bytes()[:size])
            again = client.analyze(path, RunContext())
            assert not again.from_cache
            assert client.analyze(path, RunContext()).from_cache
            np.testing.assert_array_equal(
                again.analysis.posteriors.values, first.analysis.posteriors.values
            )


def test_the_engine_while_a_recording_grows_and_goes(tmp_path):
    path = tmp_path / "talk.wav"
    soundfile.write(path, noise(2.0), RATE_HZ)
    whole = path.read_bytes()
    with running_engine(tmp_path, tmp_path / "cache") as client:
        path.write_bytes(whole[: len(whole) // 2])
        half = client.analyze(path, RunContext())
        path.write_bytes(whole)
        full = client.analyze(path, RunContext())
        path.unlink()
        with pytest.raises(AudioError, match=r"talk\.wav cannot be read"):
            client.analyze(path, RunContext())

    assert half.analysis.duration_s == pytest.approx(1.0, abs=0.01)
    assert full.analysis.duration_s == 2.0
    assert half.sha256 != full.sha256


def test_a_damaged_model(tmp_path):
    bundle = tmp_path / "mine.clser-model"
    shutil.copytree(ROOT / "resources" / "models" / "default.clser-model", bundle)
    graph = bundle / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:1000])
    path = tmp_path / "talk.wav"
    soundfile.write(path, noise(), RATE_HZ)
    sentence = f"{graph} is damaged (its SHA-256 is not the card's); install the model again."

    done = analyze("--model", bundle, "--out", tmp_path / "out", path)
    assert (done.returncode, done.stderr) == (1, f"clser: {sentence}\n")

    with running_engine(tmp_path, tmp_path / "cache") as client:
        with pytest.raises(BundleError) as raised:
            client.analyze(path, RunContext(), model=str(bundle))
        assert str(raised.value) == sentence
        assert client.analyze(path, RunContext()).analysis.duration_s == 1.0


def test_the_program_keeps_the_terminal_clean(paths, home):
    """The window in a process of its own, as a person starts it, closed once all is read."""
    script = """
import sys
from PySide6.QtCore import QTimer
import app.application
from app.__main__ import main

class Studio(app.application.Studio):
    def __init__(self):
        super().__init__(starts_engine=False)
        self.timer = QTimer(interval=100)
        self.timer.timeout.connect(self._look)
        self.timer.start()

    def _look(self):
        store = self.project.store
        if store is not None and len(store.clips()) > 1 and not self.recordings.is_busy:
            print(sum(bool(clip.problem) for clip in store.clips()), flush=True)
            self.window.close()

app.application.Studio = Studio
sys.exit(main(sys.argv[1:]))
"""
    folder = next(iter(paths.values())).parent
    done = subprocess.run(
        [sys.executable, "-c", script, folder],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(sum(bool(c.sentence) for c in CASES if c.name != "pipe.wav"))
    assert done.stderr == ""
    assert "Illegal Audio-MPEG-Header" in (home / "log" / "native.log").read_text()


def test_the_window(paths, tmp_path, window, caplog):
    person = window()
    heard = {}
    person.studio.analysis.analysis_ready.connect(lambda clip_id, _: heard.setdefault(clip_id, ""))
    person.studio.analysis.analysis_failed.connect(heard.setdefault)
    missing = tmp_path / "missing.wav"

    person.open(missing, *paths.values())

    assert person.message == (
        f"Added {len(CASES)} recordings."
        f" {missing} does not exist; choose a file or folder that does."
    )
    store = person.studio.project.store
    clips = {Path(clip.path): clip for clip in store.clips()}
    for case, path in paths.items():
        clip = clips[path]
        assert person.window.clip_list.choose(clip.clip_id)
        row = person.studio.clips.row_of(clip.clip_id)
        label, length = (
            person.studio.clips.index(row, column).data()
            for column in (Column.LABEL, Column.LENGTH)
        )
        task = person.window.annotate
        if case.sentence:
            assert task.text == case.sentence.format(path=path)
            assert label == "cannot be read"
            assert not person.window.actions_["play_pause"].isEnabled()
        else:
            person.wait(lambda clip_id=clip.clip_id: clip_id in heard)
            assert heard[clip.clip_id] == refusal_of(case, path)
            assert task.text == ""
            assert task.notice == case.notice.format(path=path)
            assert length.startswith("! ") == bool(case.notice)
            if case.heard_only:
                assert str(path) in person.window.label_bar.suggestion_text
    # what can be drawn can be labelled, also where the model refuses it
    refused = next(case for case in CASES if case.heard_only)
    person.window.clip_list.choose(clips[paths[refused]].clip_id)
    person.key(Qt.Key.Key_1)
    assert len(person.labels) == 1
    assert [r for r in caplog.records if r.levelname == "ERROR"] == []
