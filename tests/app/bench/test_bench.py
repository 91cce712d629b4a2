"""Tests of app.bench: it measures through the window, and says what it measured."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from PySide6.QtWidgets import QWidget

from app.bench import material, measures
from app.bench.__main__ import HEAVY_MODULES, environment, main, row_of
from app.bench.stage import BenchError, PaintWatch
from app.services.project_store import ProjectStore


def test_a_watch_ends_when_everything_is_painted(qtbot):
    widgets = [QWidget(), QWidget()]
    for widget in widgets:
        qtbot.addWidget(widget)
        with qtbot.waitExposed(widget):
            widget.show()

    watch = PaintWatch(widgets)
    for widget in widgets:
        widget.update()

    watch.wait_until_painted(5.0)


def test_a_watch_gives_up_when_something_is_not_painted(qtbot):
    shown, forgotten = QWidget(), QWidget()
    for widget in (shown, forgotten):
        qtbot.addWidget(widget)
    with qtbot.waitExposed(shown):
        shown.show()
    watch = PaintWatch([shown, forgotten])
    shown.update()

    with pytest.raises(BenchError, match="1 panes in vain"):
        watch.wait_until_painted(0.2)


def test_a_row_holds_median_and_p95():
    row = row_of("frame_ms", [float(number) for number in range(1, 102)])

    assert row["median"] == 51.0
    assert row["p95"] == 96.0
    assert (row["least"], row["most"], row["count"]) == (1.0, 101.0, 101)


def test_a_joined_recording_is_as_long_as_asked_and_made_once(tmp_path):
    first = material.join_recording(tmp_path, "joined", 20.0)
    made_at = first.path.stat().st_mtime_ns
    again = material.join_recording(tmp_path, "joined", 20.0)

    assert soundfile.info(first.path).duration == 20.0
    assert again.path.stat().st_mtime_ns == made_at
    assert again.stretches == first.stretches
    assert all(0.0 <= start < end <= 20.0 for _, start, end in first.stretches)


def test_without_corpora_it_says_that_it_shows_the_demo(monkeypatch):
    monkeypatch.setattr(material, "CORPORA", ())

    words, sources = material.find_sources()

    assert "demo" in words
    assert sources


def test_a_project_for_the_bench_can_be_opened(tmp_path):
    recording = material.join_recording(tmp_path, "joined", 5.0)
    labels = material.many_labels("joined", 5.0, 100)

    folder = material.make_project(
        tmp_path / "Bench.clser-project", {"joined": recording}, {"joined": labels}
    )

    with ProjectStore.open(folder) as store:
        assert len(store.clips()) == material.NUM_SHORT_CLIPS + 1
        assert len(store.labels_of("joined")) == 100


def test_posteriors_are_read_as_the_engine_wrote_them(tmp_path):
    path = tmp_path / "a.json"
    content = {
        "classes": ["anger", "sadness"],
        "frame_rate_hz": 25.0,
        "posteriors": [[0.25, 0.75], [0.5, 0.5]],
    }
    path.write_text(json.dumps(content))

    analysis = material.read_analysis(path, 0.08)

    np.testing.assert_array_equal(analysis.posteriors.values, content["posteriors"])
    assert analysis.utterance.emotion == "sadness"
    assert len(material.repeat(analysis, 3).posteriors.values) == 6


def test_the_environment_names_what_matters():
    found = environment()

    assert found["cores"]
    assert "PySide6-Essentials" in found["versions"]


def test_a_window_that_never_acts_is_an_error(tmp_path):
    (tmp_path / "home").mkdir()

    with pytest.raises(BenchError, match="never acted"):
        measures.window_ms(tmp_path / "no.clser-project", tmp_path / "home")


@pytest.mark.slow
def test_the_bench_writes_its_figures(tmp_path):
    out = tmp_path / "bench.json"
    command = [sys.executable, "-m", "app.bench", "--out", str(out), "--quick", "--only", "keys"]

    began = time.perf_counter()
    subprocess.run([*command, "--only", "window"], check=True, capture_output=True)

    result = json.loads(out.read_text())
    assert set(result) >= {"bench", "figures", "rows", "settings", "environment", "seconds"}
    assert {"window_ms", "key_to_visible_p95_ms", "gui_torch_imported"} <= set(result["figures"])
    assert result["figures"]["gui_torch_imported"] == 0
    assert 0 < result["seconds"] <= time.perf_counter() - began
    assert "corpora" in result["settings"]["speech"] or "demo" in result["settings"]["speech"]


def test_the_heavy_modules_are_not_loaded_by_the_bench_itself():
    code = (
        f"import sys, app.bench.session; sys.exit(any(m in sys.modules for m in {HEAVY_MODULES}))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_wrong_usage_is_said(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--only", "nothing", "--out", "x.json"])

    assert ended.value.code == 2
    assert "nothing" in capsys.readouterr().err
