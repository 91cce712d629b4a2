"""Tests of app.services.playback_output: without a library, without a device, and on a real one."""

import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from app.errors import PlaybackError
from app.services.playback import Playback, PlayRequest
from app.services.playback_output import PortAudioOutput, output_devices
from clser_engine.runtime import RunContext

RECORD_HZ = 44_100


class PortAudioError(Exception):
    pass


def stand_in(monkeypatch, **members):
    library = SimpleNamespace(PortAudioError=PortAudioError, **members)
    monkeypatch.setitem(sys.modules, "sounddevice", library)


def test_a_missing_library_is_said_in_one_sentence(monkeypatch):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])

    with pytest.raises(PlaybackError) as raised:
        output_devices()

    assert str(raised.value) == (
        "Nothing can be played because the PortAudio library is missing; install it (on Debian: apt"
        " install libportaudio2) and start the program again."
    )


def test_no_device_is_said_in_one_sentence(monkeypatch):
    def query(device, kind):
        raise PortAudioError("Error querying device -1")

    stand_in(monkeypatch, query_devices=query)

    with pytest.raises(PlaybackError) as raised:
        PortAudioOutput("", lambda block, heard_at_s: None)

    assert str(raised.value) == (
        "Nothing can be played because there is no sound device; connect one and play again."
    )


def test_a_device_that_is_gone_is_named(monkeypatch):
    def query(device, kind):
        raise ValueError(f"No output device matching {device!r}")

    stand_in(monkeypatch, query_devices=query)

    with pytest.raises(PlaybackError) as raised:
        PortAudioOutput("USB headset", lambda block, heard_at_s: None)

    assert str(raised.value) == (
        "The sound device USB headset is not there; connect it or choose another one."
    )


def test_a_device_that_refuses_says_why(monkeypatch):
    def refuse(**_arguments):
        raise PortAudioError("Error opening OutputStream: Device unavailable [PaErrorCode -9985]")

    stand_in(
        monkeypatch,
        query_devices=lambda device, kind: {"default_samplerate": 48e3, "max_output_channels": 2},
        OutputStream=refuse,
    )

    with pytest.raises(PlaybackError) as raised:
        PortAudioOutput("", lambda block, heard_at_s: None)

    assert str(raised.value) == (
        "The sound device (the system's own) cannot be opened: Error opening OutputStream: Device"
        " unavailable; close what else uses it or choose another one."
    )


def test_devices_are_listed_anew_each_time_once_each(monkeypatch):
    calls = []
    facts = [
        {"name": "Speakers", "max_output_channels": 2},
        {"name": "Microphone", "max_output_channels": 0},
        {"name": "Speakers", "max_output_channels": 2},
    ]
    stand_in(
        monkeypatch,
        query_devices=lambda: facts,
        _terminate=lambda: calls.append("terminate"),
        _initialize=lambda: calls.append("initialize"),
    )

    assert output_devices() == ("Speakers",)
    assert calls == ["terminate", "initialize"]


class Monitor:
    """Records what the default sink plays, with the time at which the first sound came."""

    def __init__(self):
        command = ["parec", "--raw", "--format=float32le", f"--rate={RECORD_HZ}", "--channels=1"]
        self._process = subprocess.Popen(
            [*command, "--latency-msec=5", "-d", "@DEFAULT_MONITOR@"], stdout=subprocess.PIPE
        )
        self._chunks = []
        self.times = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        rest = b""
        while data := self._process.stdout.read1(4096):
            data = rest + data
            rest = data[len(data) // 4 * 4 :]
            chunk = np.frombuffer(data[: len(data) // 4 * 4], np.float32)
            self.times.append((time.monotonic(), sum(map(len, self._chunks)) + len(chunk)))
            self._chunks.append(chunk)

    def stop(self):
        self._process.terminate()
        self._thread.join(timeout=5.0)
        self._process.stdout.close()
        self._process.wait(timeout=5.0)
        return np.concatenate(self._chunks)


@pytest.fixture
def monitor():
    try:
        info = subprocess.run(
            ["pactl", "info"], capture_output=True, timeout=10, check=False, text=True
        )
    except FileNotFoundError:
        pytest.skip("needs PulseAudio's pactl and parec")
    if info.returncode:
        pytest.skip("needs a PulseAudio server with a null sink: pactl info says there is none")
    try:
        output_devices()
    except PlaybackError as error:
        pytest.skip(str(error))
    monitor = Monitor()
    yield monitor
    if monitor._thread.is_alive():
        monitor.stop()


def test_on_a_real_device_pitch_and_cursor_are_right(tmp_path, monitor):
    times = np.arange(16_000 * 9) / 16_000
    samples = 0.4 * np.sin(2 * np.pi * 440 * times)
    samples[int(16_000 * 6.0) :] *= -1.0  # a seam that can be found again
    samples[int(16_000 * 6.0) - 800 : int(16_000 * 6.0)] = 0.0
    path = tmp_path / "tone.wav"
    soundfile.write(path, samples, 16_000)
    playback = Playback(PlayRequest(path=path, start_s=0.0, end_s=9.0, speed=1.5))
    thread = threading.Thread(target=playback.run, args=(RunContext(),))
    positions = []

    thread.start()
    while thread.is_alive():
        positions.append((time.monotonic(), playback.position_s()))
        time.sleep(0.005)
    thread.join()
    heard = monitor.stop()

    # the sink needs a while to wake; what is heard before and after the seam is compared
    loud = np.abs(heard) > 0.05
    quiet = np.convolve(loud, np.ones(600), "valid") == 0
    first = int(np.argmax(loud))
    last = len(loud) - int(np.argmax(loud[::-1]))
    seam = first + RECORD_HZ // 2 + int(np.argmax(quiet[first + RECORD_HZ // 2 : last])) + 600
    before = heard[seam - RECORD_HZ - 2000 : seam - 2000]
    size = 1 << 20
    spectrum = np.abs(np.fft.rfft(before * np.hanning(len(before)), size))
    assert int(np.argmax(spectrum)) * RECORD_HZ / size == pytest.approx(440, rel=0.01)

    seam_end = seam + int(np.argmax(loud[seam:]))
    arrived_s = next(at for at, count in monitor.times if count >= seam_end)
    passed_s = next(at for at, position_s in positions if position_s >= 6.0)
    assert passed_s == pytest.approx(arrived_s, abs=0.045)
