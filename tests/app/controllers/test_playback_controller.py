"""Tests of app.controllers.playback_controller, with a device whose time follows the clock."""

import threading
import time
from itertools import pairwise

import numpy as np
import pytest
import soundfile

from app.controllers.playback_controller import PlaybackController
from app.domain.time_span import TimeSpan
from app.errors import PlaybackError
from app.jobs.runner import JobRunner

RATE_HZ = 16_000
TIMEOUT_MS = 10_000


class ClockOutput:
    """A device that asks for what its clock says was played, whenever it is looked at."""

    sample_rate_hz = RATE_HZ

    def __init__(self, device, fill):
        self.device = device
        self._fill = fill
        self._started_s = None
        self._frames = 0
        self._lock = threading.Lock()
        self.is_closed = False

    def start(self):
        self._started_s = time.monotonic()
        _ = self.time_s

    def close(self):
        self.is_closed = True

    @property
    def time_s(self):
        if self._started_s is None:
            return 0.0
        now_s = time.monotonic() - self._started_s
        with self._lock:
            while self._frames < now_s * RATE_HZ + 160 and not self.is_closed:
                self._fill(np.empty((160, 2), np.float32), self._frames / RATE_HZ)
                self._frames += 160
        return now_s


@pytest.fixture
def outputs():
    return []


@pytest.fixture
def playback(qapp, tmp_path, outputs):
    def open_device(device, fill):
        outputs.append(ClockOutput(device, fill))
        return outputs[-1]

    runner = JobRunner()
    playback = PlaybackController(runner, open_device=open_device, list_devices=lambda: ("A", "B"))
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(RATE_HZ), RATE_HZ)
    playback.set_clip(str(path), 1.0)
    yield playback
    playback.stop()
    assert runner.shutdown() == []


def test_playing_moves_the_cursor_to_the_end_and_stops(qtbot, playback):
    positions = []
    playback.position_changed.connect(positions.append)
    started_s = time.monotonic()

    with qtbot.waitSignals(
        [playback.playing_changed, playback.playing_changed], timeout=TIMEOUT_MS
    ):
        playback.toggle()

    assert time.monotonic() - started_s > 0.5
    assert positions == sorted(positions)
    assert len(positions) > 5
    assert playback.position_s == 1.0
    assert not playback.is_playing


def test_pause_keeps_the_cursor_and_play_goes_on_there(qtbot, playback, outputs):
    playback.toggle()
    qtbot.waitUntil(lambda: playback.position_s > 0.2, timeout=TIMEOUT_MS)
    playback.toggle()
    paused_s = playback.position_s
    assert 0.2 < paused_s < 0.6
    qtbot.waitUntil(lambda: outputs[0].is_closed, timeout=TIMEOUT_MS)
    assert playback.position_s == paused_s

    playback.toggle()
    qtbot.waitUntil(lambda: len(outputs) == 2, timeout=TIMEOUT_MS)

    assert playback.position_s >= paused_s


def test_at_the_end_play_begins_again(qtbot, playback):
    playback.seek(1.0)

    playback.toggle()

    assert playback.position_s == 0.0
    assert playback.is_playing


def test_the_selection_alone_is_played(qtbot, playback):
    playback.set_span(TimeSpan(0.3, 0.5))
    positions = []
    playback.position_changed.connect(positions.append)

    playback.play_selection()
    qtbot.waitUntil(lambda: not playback.is_playing, timeout=TIMEOUT_MS)

    assert min(positions) == 0.3
    assert max(positions) == 0.5


def test_a_loop_over_the_selection_goes_on_until_stopped(qtbot, playback):
    playback.set_span(TimeSpan(0.3, 0.4))
    playback.set_loop(True)
    positions = []
    playback.position_changed.connect(positions.append)

    playback.toggle()
    qtbot.waitUntil(
        lambda: sum(b < a - 0.05 for a, b in pairwise(positions)) >= 2,
        timeout=TIMEOUT_MS,
    )

    assert playback.is_playing
    assert all(0.3 <= position <= 0.4 for position in positions[1:])


def test_seeking_while_it_plays_goes_on_from_there(qtbot, playback):
    playback.toggle()
    qtbot.waitUntil(lambda: playback.position_s > 0.05, timeout=TIMEOUT_MS)

    playback.seek(0.7)

    assert playback.position_s == 0.7
    assert playback.is_playing
    qtbot.waitUntil(lambda: not playback.is_playing, timeout=TIMEOUT_MS)
    assert playback.position_s == 1.0


def test_a_click_while_paused_moves_the_cursor_only(playback, outputs):
    playback.seek(0.4)

    assert playback.position_s == 0.4
    assert outputs == []


@pytest.mark.parametrize(("steps", "speed"), [(1, 1.25), (9, 2.0), (-9, 0.5)])
def test_speed_goes_in_steps_within_its_limits(qtbot, playback, steps, speed):
    with qtbot.waitSignal(playback.speed_changed) as changed:
        playback.change_speed(steps)

    assert changed.args == [speed]


def test_another_device_takes_over_while_it_plays(qtbot, playback, outputs):
    playback.toggle()
    qtbot.waitUntil(lambda: len(outputs) == 1, timeout=TIMEOUT_MS)

    playback.set_device("B")
    qtbot.waitUntil(lambda: len(outputs) == 2, timeout=TIMEOUT_MS)

    assert outputs[1].device == "B"
    qtbot.waitUntil(lambda: outputs[0].is_closed, timeout=TIMEOUT_MS)


def test_devices_are_found_in_the_background(qtbot, playback):
    with qtbot.waitSignal(playback.devices_changed, timeout=TIMEOUT_MS) as found:
        playback.find_devices()

    assert found.args == [("A", "B")]


def test_without_a_device_there_is_a_sentence_and_the_button_comes_back(qtbot, tmp_path):
    def refuse(device, fill):
        raise PlaybackError("Nothing can be played because there is no sound device.")

    runner = JobRunner()
    playback = PlaybackController(runner, open_device=refuse)
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(100), RATE_HZ)
    playback.set_clip(str(path), 0.5)

    with qtbot.waitSignal(playback.problem_changed, timeout=TIMEOUT_MS) as problem:
        playback.toggle()
    qtbot.waitUntil(lambda: not playback.is_playing, timeout=TIMEOUT_MS)

    assert problem.args == ["Nothing can be played because there is no sound device."]
    assert playback.position_s == 0.0
    assert runner.shutdown() == []


def test_without_a_recording_nothing_happens(playback, outputs):
    playback.set_clip(None, 0.0)

    playback.toggle()

    assert not playback.is_playing
    assert playback.duration_s is None
