"""The engine as the program starts it, with the model that is shipped."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from clser_engine.errors import Cancelled
from clser_engine.resources import resource_path
from clser_engine.runtime import RunContext

COMMAND = ("-P", "-m", "clser_engine.cli.main", "serve")
TIMEOUT_S = 60.0


@pytest.fixture
def process(start_process):
    # The arguments that `start` adds come after the sub-command.
    return start_process(command=COMMAND)


@pytest.fixture
def client(process):
    client = process.introduce()
    for state in client.watch_state(RunContext()):
        assert state.kind in ("starting", "ready", "busy"), state.text
        if state.kind == "ready":
            break
    yield client
    client.close()


@pytest.fixture
def hour(tmp_path):
    """One hour of the demo's speech."""
    samples, rate = soundfile.read(resource_path("demo", "en_all.flac"), dtype="float32")
    path = tmp_path / "hour.wav"
    soundfile.write(path, np.resize(samples, 3600 * rate), rate, subtype="PCM_U8")
    return path


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")
def test_demo_is_analysed_without_loading_torch(client, process):
    path = resource_path("demo", "en_1_anger.flac")

    result = client.analyze(path, RunContext())

    np.testing.assert_allclose(result.analysis.posteriors.values.sum(axis=1), 1, atol=1e-5)
    assert result.analysis.posteriors.frame_rate_hz >= 25
    maps = Path(f"/proc/{process.popen.pid}/maps").read_text()
    assert "onnxruntime" in maps
    assert "libtorch" not in maps


def test_analysis_of_an_hour_is_cancelled_in_the_middle(client, hour):
    outcome, stages = [], set()
    context = RunContext(lambda stage, done, total: stages.add(stage))

    def analyse():
        try:
            client.analyze(hour, context)
        except BaseException as error:
            outcome.append(type(error))

    thread = threading.Thread(target=analyse)
    thread.start()
    deadline = time.monotonic() + TIMEOUT_S
    while "analyse" not in stages:
        assert time.monotonic() < deadline
        time.sleep(0.01)

    context.cancel()
    thread.join()
    for state in client.watch_state(RunContext()):
        if state.kind == "ready":
            break

    assert outcome == [Cancelled]


def test_project_of_the_demo_is_scored(client):
    paths = sorted(resource_path("demo").glob("en_?_*.flac"))
    hashes = [client.analyze(path, RunContext()).sha256 for path in paths]

    scores = client.score_project(hashes, RunContext()).utterances

    known = sum(score.is_known for score in scores.values())
    assert known >= 3  # speech made by a machine is not all like what the model knows
    assert {score.statistics for score in scores.values()} == {f"project ({known} clips)"}
    for score in scores.values():
        assert score.posterior.sum() == pytest.approx(1, abs=1e-5)
