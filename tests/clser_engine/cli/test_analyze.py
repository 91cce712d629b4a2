"""Tests of clser_engine.cli.analyze with a model that is quick to load."""

import json
import logging
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from clser_engine.audio.read import AudioReader
from clser_engine.cli.main import main
from clser_engine.formats.analysis_json import read_analysis
from clser_engine.formats.labels_textgrid import write_labels
from clser_engine.formats.rows import LabelRow
from clser_engine.inference import predictor
from clser_engine.types import Analysis, GroupSummary, ModelId, Posteriors, UtterancePosterior


def make_utterance(level, *, limit, statistics):
    return UtterancePosterior(
        emotion="anger" if level > limit else "neutral",
        posterior=np.array([0.5, 0.5], np.float32),
        confidence=0.5,
        statistics=statistics,
        is_known=bool(level < 0.92),
    )


class LevelPredictor:
    """Calls a loud recording angry; really reads it."""

    device = "CPU"
    notice = ""
    card = SimpleNamespace(kind="encoder")  # one recording at a time

    def analyze(self, path, context):
        with AudioReader(path) as reader:
            level = float(np.abs(reader.read(0, 10**6)).mean())
            duration_s = reader.info.duration_s
        context.report("frames", 1, 2)
        utterance = make_utterance(level, limit=0.25, statistics="none")
        return Analysis(
            duration_s=duration_s,
            model=ModelId(name="level", sha256="00"),
            posteriors=Posteriors(
                classes=("anger", "neutral"),
                frame_rate_hz=25.0,
                values=np.full((round(duration_s * 25), 2), 0.5, np.float32),
            ),
            utterance=utterance,
            functionals=np.array([level], np.float32),
        )

    def score_project(self, functionals, *, statistics, speakers, propagate):
        limit = functionals[:, 0].mean()
        words = f"project ({len(functionals)} clips)"
        utterances = [make_utterance(row[0], limit=limit, statistics=words) for row in functionals]
        notices = (f"{statistics}, {speakers}, {propagate}",)
        summary = GroupSummary(statistics="project", clips=3, words=words, notices=notices)
        return predictor.ProjectScores(utterances=utterances, summary=summary, checks=[])


@pytest.fixture(autouse=True)
def quick_model(monkeypatch):
    monkeypatch.setattr(
        predictor, "load_predictor", lambda model, runtime, device: LevelPredictor()
    )
    root = logging.getLogger()
    level = root.level
    yield
    for handler in [h for h in root.handlers if h.get_name() == "clser"]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


@pytest.fixture
def make_wav(tmp_path):
    def make(name, level=0.5):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.full(8000, level), 8000)
        return path

    return make


def analyze(tmp_path, *arguments):
    return main(["analyze", *map(str, arguments), "--out", str(tmp_path / "out")])


def results(tmp_path):
    return sorted(path.name for path in (tmp_path / "out").iterdir())


def test_files_and_folders_get_one_json_each(tmp_path, make_wav, capsys):
    loud, soft = make_wav("loud.wav", 0.9), make_wav("folder/below/soft.flac", 0.01)
    (tmp_path / "folder" / "notes.txt").write_text("x")

    assert analyze(tmp_path, loud, tmp_path / "folder") == 0

    assert results(tmp_path) == ["loud.json", "soft.json"]
    analysis, path = read_analysis(tmp_path / "out" / "soft.json")
    assert (path, analysis.utterance.emotion) == (str(soft), "neutral")
    captured = capsys.readouterr()
    assert captured.out == f"{loud}: anger (50%)\n{soft}: neutral (50%)\n"
    assert captured.err == ""


def test_other_formats_lie_beside_it(tmp_path, make_wav):
    assert analyze(tmp_path, make_wav("a.wav"), "--format", "csv, TextGrid,json,csv") == 0

    assert results(tmp_path) == ["a.TextGrid", "a.csv", "a.json"]


def test_one_bad_file_fails_alone_with_one_line(tmp_path, make_wav, capsys):
    (tmp_path / "empty.wav").touch()

    assert analyze(tmp_path, tmp_path / "gone.wav", tmp_path / "empty.wav", make_wav("a.wav")) == 1

    assert results(tmp_path) == ["a.json"]
    gone, empty = capsys.readouterr().err.splitlines()
    assert gone.startswith(f"clser: {tmp_path / 'gone.wav'} does not exist; ")
    assert empty.startswith(f"clser: {tmp_path / 'empty.wav'} is empty (0 bytes); ")


def test_an_unexpected_error_stops_only_its_recording(
    tmp_path, make_wav, capsys, caplog, monkeypatch
):
    bad, good = make_wav("bad.wav"), make_wav("good.wav")
    really = LevelPredictor.analyze

    def fail_once(self, path, context):
        if path == bad:
            raise RuntimeError("kernel")
        return really(self, path, context)

    monkeypatch.setattr(LevelPredictor, "analyze", fail_once)

    assert analyze(tmp_path, bad, good) == 1

    assert results(tmp_path) == ["good.json"]
    assert capsys.readouterr().err == f"clser: {bad} met an unexpected RuntimeError; see the log.\n"
    caplog.clear()


def test_recordings_of_one_name_do_not_overwrite_each_other(tmp_path, make_wav, capsys):
    first, second = make_wav("x/a.wav"), make_wav("y/a.wav")

    assert analyze(tmp_path, first, second) == 0

    assert results(tmp_path) == ["a.json", "a_2.json"]
    assert read_analysis(tmp_path / "out" / "a_2.json")[1] == str(second)
    assert capsys.readouterr().err == (
        f"clser: note: {second} shares its name with another recording; "
        "its results are called a_2.\n"
    )


def test_a_later_run_replaces_results_but_nothing_made_by_hand(tmp_path, make_wav, capsys):
    recording = make_wav("a.wav", 0.9)
    mine = LabelRow(path="a.wav", answer="sadness", duration_s=1.0)
    [by_hand] = write_labels(tmp_path / "out", [mine], overwrite=False)
    before = by_hand.read_bytes()

    assert analyze(tmp_path, recording, "--format", "json,textgrid") == 1
    make_wav("a.wav", 0.01)
    assert analyze(tmp_path, recording, "--format", "json,textgrid") == 1

    assert by_hand.read_bytes() == before
    assert f"clser: {by_hand} exists already and was left as it is" in capsys.readouterr().err
    assert read_analysis(tmp_path / "out" / "a.json")[0].utterance.emotion == "neutral"


def test_project_statistics_rest_on_all_recordings(tmp_path, make_wav):
    paths = [make_wav(f"{i}.wav", level) for i, level in enumerate([0.01, 0.02, 0.1])]

    assert analyze(tmp_path, *paths, "--statistics", "project") == 0

    utterances = [read_analysis(tmp_path / "out" / f"{i}.json")[0].utterance for i in range(3)]
    assert [u.emotion for u in utterances] == ["neutral", "neutral", "anger"]
    assert {u.statistics for u in utterances} == {"project (3 clips)"}


def test_speakers_are_found_in_the_paths_and_notices_are_told(tmp_path, make_wav, capsys):
    paths = [make_wav(name) for name in ("anna_1.wav", "ben_2.wav", "noise.wav")]

    code = analyze(
        tmp_path, *paths, "--statistics", "auto", "--propagate",
        "--speaker-pattern", r"([a-z]+)_[0-9]",
    )  # fmt: skip

    assert code == 0
    told = capsys.readouterr().err
    assert "clser: note: project (3 clips)\n" in told
    assert "clser: note: auto, ['anna', 'ben', ''], True\n" in told


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("(", "no regular expression: '(' (missing ), unterminated subpattern at position 0)"),
        ("a(b)(c)", "'a(b)(c)' has 2 parts in brackets, expected one: the speaker's name"),
    ],
)
def test_a_bad_speaker_pattern_is_wrong_usage(tmp_path, make_wav, capsys, pattern, sentence):
    assert analyze(tmp_path, make_wav("a.wav"), "--speaker-pattern", pattern) == 2

    assert sentence in capsys.readouterr().err


def test_what_is_unknown_is_said_so(tmp_path, make_wav, capsys):
    paths = [make_wav(f"{i}.wav", level) for i, level in enumerate([0.1, 0.95])]

    analyze(tmp_path, *paths, "--statistics", "project")

    assert capsys.readouterr().out.endswith("1.wav: don't know, anger? (50%)\n")


def test_json_is_one_object_a_recording(tmp_path, make_wav, capsys):
    good, gone = make_wav("a.wav"), tmp_path / "gone.wav"

    assert analyze(tmp_path, good, gone, "--json") == 1

    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {
        "path": str(good),
        "results": [str(tmp_path / "out" / "a.json")],
        "emotion": "anger",
        "confidence": 0.5,
        "statistics": "none",
        "is_known": True,
        "ood_score": 0.0,
        "duration_s": 1.0,
    }
    assert second["path"] == str(gone)
    assert second["error"].startswith(f"{gone} does not exist")


def test_a_folder_without_recordings_is_named(tmp_path, capsys):
    (tmp_path / "empty").mkdir()

    assert analyze(tmp_path, tmp_path / "empty") == 1

    assert capsys.readouterr().err == (
        f"clser: {tmp_path / 'empty'} holds no recordings; "
        "name another folder or the files themselves.\n"
    )


def test_a_folder_of_results_that_cannot_be_made_is_named(tmp_path, make_wav, capsys):
    (tmp_path / "out").touch()

    assert analyze(tmp_path, make_wav("a.wav")) == 1

    assert capsys.readouterr().err == (
        f"clser: The folder {tmp_path / 'out'} cannot be made because the system says "
        "'File exists'; name another one with --out.\n"
    )


def test_a_recording_that_was_cut_off_is_noted(tmp_path, make_wav, capsys):
    path = make_wav("a.flac")
    soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, 80000), 8000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    assert analyze(tmp_path, path) == 0

    assert f"clser: note: {path} claims to last 10.0 s but only " in capsys.readouterr().err


def start(tmp_path, *arguments):
    command = [sys.executable, "-m", "clser_engine.cli.main", "analyze", *arguments]
    return subprocess.Popen(
        [*command, "--out", tmp_path / "out"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_what_decoders_print_goes_to_the_log(tmp_path, home):
    path = tmp_path / "a.mp3"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 160000), 16000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with start(tmp_path, path) as process:
        _, errors = process.communicate(timeout=120)

    assert process.returncode == 0
    assert [line for line in errors.splitlines() if not line.startswith("clser: note: ")] == []
    assert "Xing stream size off" in (home / "log" / "clser.log").read_text("utf-8")


def test_an_interruption_keeps_what_is_done(tmp_path, make_wav):
    paths = [make_wav(f"{number:03}.wav") for number in range(400)]

    with start(tmp_path, *paths) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert errors == "clser: interrupted\n"
    done = results(tmp_path)
    assert 1 <= len(done) < 400
    assert {name[-5:] for name in done} == {".json"}  # no half-written file lies about
    for name in done:
        read_analysis(tmp_path / "out" / name)
