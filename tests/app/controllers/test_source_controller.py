"""Tests of app.controllers.source_controller."""

import numpy as np
import pytest
import soundfile

from app.controllers.source_controller import SourceController
from app.jobs.runner import JobRunner
from app.services import peaks as peaks_module
from app.services.view_cache import ViewCache

TIMEOUT_MS = 10_000


@pytest.fixture
def runner(qapp):
    runner = JobRunner()
    yield runner
    assert runner.shutdown() == []


@pytest.fixture
def controller(runner, tmp_path):
    return SourceController(runner, ViewCache(tmp_path / "views"))


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "noise.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 16000 * 30), 16000)
    return path


def test_a_recording_is_opened_then_read(qtbot, controller, recording):
    with qtbot.waitSignals(
        [controller.source_opened, controller.source_completed], timeout=TIMEOUT_MS, order="strict"
    ):
        controller.open(str(recording))

    assert controller.source.is_complete
    assert controller.source.duration_s == 30.0


def test_a_second_opening_needs_no_reading(qtbot, controller, recording, monkeypatch):
    with qtbot.waitSignal(controller.source_completed, timeout=TIMEOUT_MS):
        controller.open(str(recording))
    monkeypatch.setattr(peaks_module.AudioSource, "build", None)

    with qtbot.waitSignal(controller.source_completed, timeout=TIMEOUT_MS):
        controller.open(str(recording))


def test_what_cannot_be_opened_is_one_sentence(qtbot, controller, tmp_path):
    path = tmp_path / "no.wav"
    path.write_bytes(b"this is no sound")

    with qtbot.waitSignal(controller.source_failed, timeout=TIMEOUT_MS) as failed:
        controller.open(str(path))

    assert failed.args[0] == str(path)
    assert "no.wav" in failed.args[1]
    assert "\n" not in failed.args[1]
    assert controller.source is None


def test_the_newest_recording_wins(qtbot, controller, recording, tmp_path):
    other = tmp_path / "other.wav"
    soundfile.write(other, np.zeros(16000), 16000)
    opened = []
    controller.source_opened.connect(opened.append)

    controller.open(str(recording))
    with qtbot.waitSignal(controller.source_completed, timeout=TIMEOUT_MS):
        controller.open(str(other))

    assert [source.info.path for source in opened] == [other]


def test_closing_stops_the_reading(qtbot, controller, recording, runner, monkeypatch):
    monkeypatch.setattr(peaks_module, "BUILD_BLOCK_S", 0.1)
    with qtbot.waitSignal(controller.source_opened, timeout=TIMEOUT_MS):
        controller.open(str(recording))

    with qtbot.assertNotEmitted(controller.source_completed):
        controller.close()
        qtbot.waitUntil(lambda: runner.names == [], timeout=TIMEOUT_MS)

    assert controller.source is None


def test_what_a_view_lacks_is_loaded(qtbot, controller, recording):
    with qtbot.waitSignal(controller.source_completed, timeout=TIMEOUT_MS):
        controller.open(str(recording))
    source = controller.source
    assert source.samples(1.0, 1.1) is None

    with qtbot.waitSignal(controller.source_changed, timeout=TIMEOUT_MS):
        controller.load(source, source.wanted(1.0, 1.1, 1000))

    assert source.samples(1.0, 1.1) is not None


def test_wishes_for_a_recording_that_is_closed_are_ignored(controller, runner, recording, qtbot):
    with qtbot.waitSignal(controller.source_completed, timeout=TIMEOUT_MS):
        controller.open(str(recording))
    source = controller.source
    wanted = source.wanted(1.0, 1.1, 1000)
    qtbot.waitUntil(lambda: runner.names == [], timeout=TIMEOUT_MS)
    controller.close()

    controller.load(source, wanted)

    assert runner.names == []


def test_a_recording_that_vanishes_while_it_is_read_is_one_sentence(
    qtbot, controller, recording, monkeypatch
):
    def vanish(self, context):
        recording.unlink()
        return build(self, context)

    build = peaks_module.AudioSource.build
    monkeypatch.setattr(peaks_module.AudioSource, "build", vanish)

    with qtbot.waitSignal(controller.source_failed, timeout=TIMEOUT_MS) as failed:
        controller.open(str(recording))

    assert "noise.wav" in failed.args[1]
