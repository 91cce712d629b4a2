"""Playing through the window: keys, the cursor on the time axis, and what is said without sound."""

import threading
import time

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox

from app.errors import PlaybackError

Key = Qt.Key
SHIFT = Qt.KeyboardModifier.ShiftModifier
RATE_HZ = 16_000


class ClockOutput:
    """A device that asks for what its clock says was played, whenever it is looked at."""

    sample_rate_hz = RATE_HZ

    def __init__(self, device, fill):
        self._fill = fill
        self._started_s = None
        self._frames = 0
        self._lock = threading.Lock()

    def start(self):
        self._started_s = time.monotonic()
        _ = self.time_s

    def close(self):
        self._started_s = None

    @property
    def time_s(self):
        if self._started_s is None:
            return 0.0
        now_s = time.monotonic() - self._started_s
        with self._lock:
            while self._frames < now_s * RATE_HZ + 160:
                self._fill(np.empty((160, 2), np.float32), self._frames / RATE_HZ)
                self._frames += 160
        return now_s


@pytest.fixture
def with_sound(opened):
    opened.studio.playback._open_device = ClockOutput
    return opened


def test_space_plays_from_the_first_moment_and_pauses(with_sound):
    playback = with_sound.studio.playback
    with_sound.key(Key.Key_Space, widget=with_sound.window.focusWidget())
    assert playback.is_playing
    assert with_sound.button("Play or pause").text() == "▮▮"
    with_sound.wait_until(lambda: playback.position_s > 0.1)

    with_sound.key(Key.Key_Space, widget=with_sound.window.focusWidget())

    assert not playback.is_playing
    assert with_sound.window.timeline.axis.playhead_s == playback.position_s
    assert with_sound.button("Play or pause").text() == "▶"


def test_shift_space_plays_the_selection(with_sound):
    waveform = with_sound.window.timeline.waveform
    left = waveform.width() - waveform.plot_width
    with_sound.drag(waveform, left + waveform.plot_width // 2, waveform.width() - 30)
    span, playback = with_sound.studio.annotate.span, with_sound.studio.playback

    with_sound.key(Key.Key_Space, SHIFT)
    with_sound.wait_until(lambda: not playback.is_playing)

    assert playback.position_s == span.end_s


def test_a_click_on_the_waveform_moves_the_cursor(with_sound):
    waveform = with_sound.window.timeline.waveform
    centre = waveform.rect().center()
    with_sound.click(waveform, pos=centre)

    middle_s = (centre.x() - (waveform.width() - waveform.plot_width)) / waveform.plot_width
    assert with_sound.studio.playback.position_s == pytest.approx(middle_s, abs=0.02)


def test_another_clip_stops_the_sound(with_sound):
    with_sound.key(Key.Key_Space)

    with_sound.key(Key.Key_Down)

    assert not with_sound.studio.playback.is_playing
    assert with_sound.studio.playback.position_s == 0.0


def test_clips_play_by_themselves_when_that_is_wished(with_sound):
    with_sound.window.actions_["auto_play"].trigger()

    with_sound.key(Key.Key_1)

    assert with_sound.studio.playback.is_playing


def test_without_a_device_the_window_says_so_and_labels_on(opened):
    def refuse(device, fill):
        raise PlaybackError("Nothing can be played because there is no sound device; connect one.")

    opened.studio.playback._open_device = refuse
    opened.key(Key.Key_Space)
    opened.wait_until(lambda: "no sound device" in opened.window.message_bar.text)

    opened.key(Key.Key_1)

    assert not opened.studio.playback.is_playing
    assert len(opened.labels_on_disk) == 1


def test_speed_keys_show_in_the_box(opened):
    opened.key(Key.Key_L)
    opened.key(Key.Key_L)
    opened.key(Key.Key_J)

    [box] = [b for b in opened.window.findChildren(QComboBox) if "Speed" in b.accessibleName()]
    assert box.currentText() == "×1.25"
    opened.key(Key.Key_K)
    assert box.currentText() == "×1"


def test_the_channel_that_is_chosen_is_heard_and_seen(driver, tmp_path, qtbot):
    """The voice is on the left in the first half, on the right in the second."""
    folder = tmp_path / "stereo"
    folder.mkdir()
    tone = 0.5 * np.sin(np.arange(RATE_HZ) * 0.2)
    silence = np.zeros_like(tone)
    left, right = np.concatenate([tone, silence]), np.concatenate([silence, tone])
    soundfile.write(folder / "two.wav", np.stack([left, right], axis=1), RATE_HZ)
    driver.open(folder)
    timeline, playback = driver.window.timeline, driver.studio.playback
    timeline.set_visible_span(0.2, 1.8)
    driver.drag(timeline.waveform, 300, 400)
    selected = timeline.selected_span
    playback.seek(0.5)
    box = next(
        box
        for box in driver.window.findChildren(QComboBox)
        if box.accessibleName() == "Channel to hear and see"
    )

    with qtbot.waitSignal(driver.studio.source.source_completed):
        driver.key(Key.Key_Down, widget=box)

    def loudness():
        return np.nan_to_num(timeline.source.envelope(0.0, 2.0, 4).rms)

    assert box.currentText() == "Left"
    assert loudness()[0] > 0.3
    assert loudness()[3] == pytest.approx(0.0, abs=1e-3)
    with qtbot.waitSignal(driver.studio.source.source_completed):
        driver.key(Key.Key_Down, widget=box)
    assert box.currentText() == "Right"
    assert loudness()[0] == pytest.approx(0.0, abs=1e-3)
    assert loudness()[3] > 0.3
    assert timeline.selected_span == selected
    assert timeline.axis.playhead_s == 0.5
    assert (timeline.axis.start_s, timeline.axis.end_s) == (0.2, 1.8)
