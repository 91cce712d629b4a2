"""Tests of `clser bench speed`: that it measures what it says, not how fast this machine is."""

import json
import os
import time

import pytest

from clser_engine.audio.read import find_recordings
from clser_engine.cli.main import main
from clser_engine.evaluation import encoder_speed
from clser_engine.evaluation.speed import median_cpu_s, one_core, read_recordings
from clser_engine.inference.devices import GraphicsCards
from clser_engine.resources import resource_path
from clser_engine.runtime import RunContext


@pytest.fixture(scope="module")
def samples():
    return read_recordings(find_recordings(resource_path("demo"))[:2])


def test_the_compact_model_is_measured_on_one_core(tmp_path, capsys):
    out = tmp_path / "speed.json"

    assert main(["bench", "speed", "--only", "compact", "--quick", "--out", str(out)]) == 0

    result = json.loads(out.read_text())
    figures = result["figures"]
    assert set(figures) == {
        "compact_rtf_1core",
        "compact_rtf_1core_together",
        "compact_rtf_1core_long",
        "compact_max_diff_to_torch",
        "compact_bundle_mb",
    }
    assert 0 < figures["compact_rtf_1core"] < 1
    assert figures["compact_max_diff_to_torch"] < 1e-4
    assert 1 < figures["compact_bundle_mb"] <= 10
    assert result["settings"]["quick"] is True
    assert result["settings"]["model"].startswith("default@")
    assert len(result["rows"]) == 4
    assert "compact_rtf_1core " in capsys.readouterr().out


def test_an_encoder_is_compared_with_torch_and_the_pipeline(samples):
    figures, rows = encoder_speed.measure_on_processor(samples, 1, True, RunContext())

    rtf = {row["what"]: row["rtf"] for row in rows}
    assert figures["base_rtf_1core"] == rtf["onnxruntime float32"]
    assert figures["ratio_to_pipeline_cpu"] == pytest.approx(
        rtf["pipeline of transformers"] / rtf["onnxruntime float32"]
    )
    assert figures["cpu_speedup_over_torch_fp32"] == pytest.approx(
        rtf["torch float32"] / rtf["onnxruntime float32"]
    )
    assert figures["base_max_diff_to_torch"] < 1e-4
    assert figures["base_graph_int8_mb"] < figures["base_graph_mb"]


def test_what_runs_on_a_card_runs_without_one_too(samples):
    figures, rows = encoder_speed.measure_on_card("large", samples, "cpu", True, RunContext())

    assert figures["gpu_audio_s_per_s_large"] > 0
    assert figures["ratio_to_pipeline_gpu_large"] > 0
    assert "mfu_large" not in figures  # nobody knows the peak of this processor
    assert rows[0]["gflop_per_audio_s"] > 0
    model = encoder_speed.build_model("base", quick=True)
    share = encoder_speed.end_to_end_share(lambda: iter(samples), model, "cpu", 2)
    assert 0 < share <= 1


def test_windows_are_full_and_as_many_as_asked(samples):
    windows = encoder_speed.windows_of(samples, 7)
    assert [len(window) for window in windows] == [160_000] * 7


def test_one_core_is_given_back_afterwards(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = os.sched_getaffinity(0)
    with one_core():
        assert len(os.sched_getaffinity(0)) == 1
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert os.sched_getaffinity(0) == before
    assert "OMP_NUM_THREADS" not in os.environ


def test_waiting_is_no_processor_time():
    calls = []

    def wait():
        calls.append(1)
        time.sleep(0.05)

    assert median_cpu_s(wait, 3, RunContext(), "wait") < 0.05
    assert len(calls) == 4


def test_what_cannot_be_measured_is_named(tmp_path, monkeypatch, capsys):
    empty = tmp_path / "empty"
    empty.mkdir()
    out = ["--out", str(tmp_path / "speed.json")]
    monkeypatch.setattr(
        "clser_engine.inference.devices.find_cards",
        lambda: GraphicsCards(names=(), reason="none here"),
    )

    assert main(["bench", "speed", "--only", "cards", *out]) == 1
    assert main(["bench", "speed", "--runs", "0", *out]) == 1
    assert main(["bench", "speed", "--recordings", str(empty), *out]) == 1

    assert capsys.readouterr().err.splitlines() == [
        "clser: There is no graphics card to measure: none here.",
        "clser: Bad runs: got 0, expected at least 1.",
        "clser: No recordings to measure with: name a folder that holds some.",
    ]
