"""Every audio fixture through `clser analyze` and the window's importer: it opens, or one sentence.

`python tests/e2e/test_fixtures.py` prints the counts by outcome.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from app.controllers.clip_controller import ClipController
from app.controllers.project_controller import ProjectController
from app.jobs.runner import JobRunner
from clser_engine.audio.ffmpeg_source import has_ffmpeg
from clser_engine.audio.read import probe_audio
from clser_engine.errors import AudioError

SHARED = Path(__file__).resolve().parents[3] / "shared"


def audio_fixtures(shared):
    """Return the rows of the table for audio, by path."""
    root = shared / "fixtures"
    with open(root / "fixtures.csv", encoding="utf-8", newline="") as table:
        return {root / row["path"]: row for row in csv.DictReader(table) if row["kind"] == "audio"}


def analyze_all(paths, out, environment=None):
    """Run one `clser analyze` over all; return the process and its report by path."""
    command = [sys.executable, "-m", "clser_engine.cli.main", "analyze", "--json", "--out", out]
    finished = subprocess.run(
        [*command, *paths],
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        cwd=Path(__file__).resolve().parents[2],
        check=False,
        timeout=900,
    )
    reports = [json.loads(line) for line in finished.stdout.splitlines()]
    return finished, {Path(report["path"]): report for report in reports}


def facts_of(path):
    """Return decoder, rate, channels and frames as the table has them, or a sentence."""
    try:
        info = probe_audio(path)
    except AudioError as error:
        return str(error)
    return info.decoder, str(info.sample_rate_hz), str(info.channels), str(info.num_frames)


def outcome_of(row, facts):
    """Return a few words for one fixture."""
    listed = {"yes": "decodes yes", "no": "decodes no", "empty": "empty"}.get(
        row["decodes"], "not tried with libsndfile"
    )
    if isinstance(facts, str):
        return f"{listed}: one sentence"
    expected = (row["samplerate"], row["channels"], row["frames"])
    exact = ", rate, channels and frames as listed" if facts[1:] == expected else ""
    return f"{listed}: opens by {facts[0]}{exact}"


@pytest.fixture
def fixtures(shared):
    return audio_fixtures(shared)


def check_facts(fixtures):
    facts = {path: facts_of(path) for path in fixtures}
    for path, row in fixtures.items():
        if row["decodes"] == "yes":
            assert facts[path][1:] == (row["samplerate"], row["channels"], row["frames"]), path
    return facts


def check_run(finished, reports, facts):
    assert finished.returncode == 1
    assert "Traceback" not in finished.stderr
    assert all(line.startswith("clser: ") for line in finished.stderr.splitlines())
    assert reports.keys() == facts.keys()
    for path, report in reports.items():
        if isinstance(facts[path], str):
            assert report["error"] == facts[path]
            assert report["error"].endswith(".")
            assert "\n" not in report["error"]
        else:
            assert "error" not in report, report
            [result] = report["results"]
            assert json.loads(Path(result).read_text("utf-8"))["path"] == str(path)


@pytest.mark.slow
def test_every_audio_fixture_opens_or_says_why(fixtures, tmp_path):
    facts = check_facts(fixtures)

    finished, reports = analyze_all(fixtures, tmp_path / "out")

    check_run(finished, reports, facts)
    opened = [path for path in facts if not isinstance(facts[path], str)]
    assert len(list((tmp_path / "out").iterdir())) == len(opened)
    if has_ffmpeg():
        assert len(opened) >= 180


@pytest.mark.slow
def test_without_ffmpeg_the_same_files_open_that_libsndfile_reads(fixtures, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    facts = check_facts(fixtures)

    finished, reports = analyze_all(fixtures, tmp_path / "out", {"PATH": str(tmp_path)})

    check_run(finished, reports, facts)
    sentences = [fact for fact in facts.values() if isinstance(fact, str)]
    assert any("installing ffmpeg may open it" in sentence for sentence in sentences)


@pytest.fixture
def runner(qapp):
    runner = JobRunner()
    yield runner
    assert runner.shutdown() == []


@pytest.mark.slow
def test_every_audio_fixture_goes_through_the_importer_of_the_window(
    qtbot, runner, fixtures, tmp_path
):
    project = ProjectController()
    project.create(tmp_path / "a.clser-project")
    importer = ClipController(project, runner)

    importer.add(list(fixtures))
    qtbot.waitUntil(lambda: not importer.is_busy, timeout=120_000)

    clips = {Path(clip.path): clip for clip in project.store.clips()}
    project.close()
    assert clips.keys() == fixtures.keys()
    for path, clip in clips.items():
        facts = facts_of(path)
        if isinstance(facts, str):
            assert clip.problem == facts
        else:
            _, rate, channels, frames = facts
            assert (str(clip.sample_rate_hz), str(clip.channels)) == (rate, channels)
            assert clip.duration_s == int(frames) / int(rate)
            assert clip.problem == ""


def main():
    fixtures = audio_fixtures(SHARED)
    with tempfile.TemporaryDirectory() as out:
        finished, reports = analyze_all(fixtures, out)
    counts = Counter(outcome_of(row, facts_of(path)) for path, row in fixtures.items())
    for outcome, count in sorted(counts.items()):
        print(f"{count:4} {outcome}")
    analysed = sum("error" not in report for report in reports.values())
    print(
        f"{len(fixtures)} files: {analysed} analysed, {len(reports) - analysed} one sentence each,"
    )
    print(f"{finished.stderr.count('Traceback')} tracebacks, exit code {finished.returncode}")


if __name__ == "__main__":
    main()
