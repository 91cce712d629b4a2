"""`clser analyze` with the model that ships, as a program of its own, on every kind of input."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).resolve().parents[2]


def analyze(out, *arguments):
    command = [sys.executable, "-m", "clser_engine.cli.main", "analyze", "--out", out, *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
        timeout=240,
    )


def check_result(file, duration_s):
    content = json.loads(file.read_text("utf-8"))
    rows = np.array(content["posteriors"])
    assert content["frame_rate_hz"] >= 25
    assert rows.shape[1] == len(content["classes"])
    assert len(rows) == pytest.approx(duration_s * content["frame_rate_hz"], abs=2)
    np.testing.assert_allclose(rows.sum(axis=1), 1.0, rtol=0, atol=1e-5)
    utterance = content["utterance"]
    assert utterance["emotion"] in content["classes"]
    assert 0.0 <= utterance["confidence"] <= 1.0
    assert sum(utterance["posterior"]) == pytest.approx(1.0, abs=1e-5)
    assert content["duration_s"] == pytest.approx(duration_s, abs=0.001)


def test_recordings_of_every_kind_are_analysed(tmp_path):
    rng = np.random.default_rng(0)
    kinds = {
        "eight_bit": (8000, 1, "PCM_U8", 0.3),
        "many_channels": (192000, 8, "PCM_24", 0.3),
        "over_full_scale": (44100, 2, "FLOAT", 900.0),
        "silent": (16000, 1, "PCM_16", 0.0),
    }
    paths = []
    for name, (rate, channels, subtype, level) in kinds.items():
        paths.append(tmp_path / f"{name}.wav")
        noise = rng.uniform(-level, level, (2 * rate, channels))
        soundfile.write(paths[-1], noise, rate, subtype=subtype)

    paths.append(tmp_path / "one_sample.wav")
    soundfile.write(paths[-1], [0.5], 16000)

    finished = analyze(tmp_path / "out", *paths)

    assert finished.stderr == ""
    assert finished.returncode == 0
    for name in kinds:
        check_result(tmp_path / "out" / f"{name}.json", 2.0)
    check_result(tmp_path / "out" / "one_sample.json", 1 / 16000)


def test_recordings_with_nothing_to_analyse_get_one_sentence_each(tmp_path):
    samples = {"nan": np.full(16000, np.nan), "none": np.zeros(0)}
    paths = []
    for name, values in samples.items():
        paths.append(tmp_path / f"{name}.wav")
        soundfile.write(paths[-1], values, 16000, subtype="FLOAT")
    (tmp_path / "text.wav").write_text("no audio at all")
    (tmp_path / "empty.wav").touch()
    (tmp_path / "folder").mkdir()
    paths += [tmp_path / name for name in ("text.wav", "empty.wav", "folder", "gone.wav")]

    finished = analyze(tmp_path / "out", *paths)

    assert finished.returncode == 1
    lines = finished.stderr.splitlines()
    assert len(lines) == len(paths)
    for path in paths:
        [line] = [line for line in lines if line.startswith(f"clser: {path} ")]
        assert line.endswith(".")
    assert not list((tmp_path / "out").iterdir())


def test_a_recording_of_emodb_is_analysed(tmp_path, shared):
    path = shared / "corpora" / "emodb" / "wav" / "03a01Fa.flac"

    finished = analyze(tmp_path, path)

    assert (finished.returncode, finished.stderr) == (0, "")
    check_result(tmp_path / "03a01Fa.json", soundfile.info(path).duration)


def test_the_demo_is_analysed_with_the_statistics_of_all(tmp_path):
    finished = analyze(
        tmp_path,
        ROOT / "resources" / "demo",
        "--statistics",
        "project",
        "--format",
        "json,textgrid",
    )

    assert finished.returncode == 0
    results = sorted(path.name for path in tmp_path.iterdir())
    assert len(results) == 26
    utterances = [
        json.loads(path.read_text("utf-8"))["utterance"] for path in tmp_path.glob("*.json")
    ]
    known = sum(utterance["is_known"] for utterance in utterances)
    assert known >= 8  # speech made by a machine is not all like what the model knows
    assert {utterance["statistics"] for utterance in utterances} == {f"project ({known} clips)"}
    assert finished.stderr.startswith(f"clser: note: adapted to {known} clips of this project\n")


def test_both_runtimes_give_the_same_numbers(tmp_path):
    demo = ROOT / "resources" / "demo"

    for runtime in ("onnx", "torch"):
        done = analyze(tmp_path / runtime, demo, "--runtime", runtime)
        assert done.returncode == 0, done.stderr

    files = sorted((tmp_path / "onnx").glob("*.json"))
    assert files
    for file in files:
        of_onnx = json.loads(file.read_text("utf-8"))
        of_torch = json.loads((tmp_path / "torch" / file.name).read_text("utf-8"))
        for key in ("posteriors", "functionals"):
            np.testing.assert_allclose(of_onnx[key], of_torch[key], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(
            of_onnx["utterance"]["posterior"], of_torch["utterance"]["posterior"], atol=1e-4
        )
