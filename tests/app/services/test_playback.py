"""Tests of app.services.playback: with an output whose clock and callback the test drives."""

import threading
import time
from itertools import chain, pairwise

import numpy as np
import pytest
import soundfile

from app.errors import PlaybackError
from app.services.playback import MIX, Playback, PlayRequest, Ring, render
from clser_engine.audio.read import AudioReader
from clser_engine.errors import AudioError, Cancelled
from clser_engine.runtime import RunContext

OUT_HZ = 48_000
BLOCK = 480


class FakeOutput:
    """A device whose time passes when the test asks for blocks; `latency_s` after it is heard."""

    latency_s = 0.1

    def __init__(self, device, fill, *, channels=2, blocks_at_once=1):
        self.device = device
        self.fill = fill
        self.sample_rate_hz = OUT_HZ
        self.channels = channels
        self.blocks_at_once = blocks_at_once
        self.frames = 0
        self.heard = []
        self.is_started = False
        self.is_closed = False

    @property
    def time_s(self):
        """Passing: each look at the clock lets the device ask for another block."""
        if self.is_started and not self.is_closed:
            for _ in range(self.blocks_at_once):
                self.pull()
        return self.frames / OUT_HZ

    def start(self):
        self.is_started = True

    def close(self):
        self.is_closed = True

    def pull(self):
        block = np.full((BLOCK, self.channels), np.nan, np.float32)
        self.fill(block, self.frames / OUT_HZ + self.latency_s)
        self.frames += BLOCK
        self.heard.append(block)


@pytest.fixture
def outputs():
    return []


@pytest.fixture
def open_device(outputs):
    def open_device(device, fill):
        outputs.append(FakeOutput(device, fill))
        return outputs[-1]

    return open_device


def write(path, samples, rate_hz=16_000):
    soundfile.write(path, samples, rate_hz, subtype="FLOAT")
    return path


def tone(frequency_hz, seconds, rate_hz=16_000):
    return 0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * rate_hz)) / rate_hz)


def request_for(path, **fields):
    return PlayRequest(**({"path": path, "start_s": 0.0, "end_s": 2.0} | fields))


def play(playback, outputs, *, until=lambda: False, timeout_s=20.0):
    """Run in a thread as the window does, and let the device's time pass from here."""
    context, errors = RunContext(), []

    def work():
        try:
            playback.run(context)
        except (Exception, Cancelled) as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    deadline = time.monotonic() + timeout_s
    while thread.is_alive() and time.monotonic() < deadline:
        if outputs and outputs[-1].is_started:
            _ = outputs[-1].time_s
        if until():
            context.cancel()
        time.sleep(0.0005)
    thread.join(timeout=2.0)
    assert not thread.is_alive()
    return errors


def rendered(path, **fields):
    with AudioReader(path) as reader:
        chunks = [samples for _, samples in render(reader, request_for(path, **fields), OUT_HZ)]
    return np.concatenate(chunks)


def strongest_hz(samples):
    size = 1 << 20
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size))
    return int(np.argmax(spectrum)) * OUT_HZ / size


def test_the_ring_gives_back_what_was_written_in_order():
    ring, random = Ring(100), np.random.default_rng(0)
    sent, got = [], []
    for number in random.integers(1, 70, 200):
        samples = random.normal(size=int(number)).astype(np.float32)
        sent.append(samples[: ring.write(samples)])
        block = np.empty((int(random.integers(1, 70)), 2), np.float32)
        count = ring.read_into(block, 0.5)
        assert not block[count:].any()
        assert (block[:, 0] == block[:, 1]).all()
        got.append(block[:count, 0])

    sent, got = np.concatenate(sent), np.concatenate(got)
    np.testing.assert_allclose(got, 0.5 * sent[: len(got)])


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 44_100, 48_000, 192_000])
def test_any_sample_rate_is_played_at_its_pitch(tmp_path, rate_hz):
    path = write(tmp_path / "a.wav", tone(440, 1.0, rate_hz), rate_hz)

    samples = rendered(path, end_s=1.0)

    assert len(samples) == pytest.approx(OUT_HZ, abs=5)
    assert strongest_hz(samples) == pytest.approx(440, rel=0.005)


def test_speed_keeps_the_pitch_within_one_per_cent(tmp_path):
    path = write(tmp_path / "a.wav", tone(440, 3.0))

    samples = rendered(path, end_s=3.0, speed=1.5)

    assert len(samples) == pytest.approx(2 * OUT_HZ, abs=5)
    assert strongest_hz(samples) == pytest.approx(440, rel=0.01)


@pytest.mark.parametrize(("channel", "level"), [(0, 0.2), (1, 0.6), (MIX, 0.4), (7, 0.6)])
def test_a_channel_or_the_mix_is_played(tmp_path, channel, level):
    stereo = np.stack([np.full(16_000, 0.2), np.full(16_000, 0.6)], axis=1)
    path = write(tmp_path / "a.wav", stereo)

    samples = rendered(path, end_s=1.0, channel=channel)

    assert samples[len(samples) // 2] == pytest.approx(level, abs=0.01)


@pytest.mark.parametrize("damage", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("channel", [MIX, 1])
def test_what_is_no_sound_is_silence(tmp_path, damage, channel):
    samples = np.zeros((1600, 2))
    samples[400:800] = damage
    samples[800:, 0] = -damage
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, 16_000, subtype="FLOAT")

    assert not rendered(path, end_s=0.1, channel=channel).any()


def test_a_loop_goes_on_from_its_start(tmp_path):
    path = write(tmp_path / "a.wav", tone(440, 1.0))
    with AudioReader(path) as reader:
        chunks = render(reader, request_for(path, start_s=0.5, end_s=0.8, loop_from_s=0.2), OUT_HZ)
        begins = [begin for begin, _ in (next(chunks) for _ in range(40)) if begin is not None]

    assert begins[:3] == [0.5, 0.2, 0.2]


def test_all_is_heard_once_and_nothing_is_lost(tmp_path, outputs, open_device):
    ramp = np.linspace(-0.9, 0.9, 2 * OUT_HZ)  # longer than what is buffered
    path = write(tmp_path / "a.wav", ramp, OUT_HZ)
    playback = Playback(request_for(path, end_s=2.0), open_device=open_device)

    assert play(playback, outputs) == []

    heard = np.concatenate(outputs[0].heard)[:, 0]
    np.testing.assert_allclose(heard[: len(ramp)], ramp, atol=1e-6)
    assert not heard[len(ramp) :].any()
    assert playback.is_complete
    assert playback.num_gaps == 0
    assert outputs[0].is_closed
    assert playback.position_s() == 2.0


def test_gain_is_heard_at_once(tmp_path, outputs, open_device):
    path = write(tmp_path / "a.wav", np.full(16_000, 0.25))
    playback = Playback(request_for(path, end_s=1.0), gain_db=6.0206, open_device=open_device)

    def soften():
        if outputs and outputs[0].frames > OUT_HZ // 2:
            playback.set_gain_db(-6.0206)
        return False

    play(playback, outputs, until=soften)

    heard = np.concatenate(outputs[0].heard)[:, 0]
    assert heard[OUT_HZ // 4] == pytest.approx(0.5, rel=0.01)
    assert heard[OUT_HZ * 3 // 4] == pytest.approx(0.125, rel=0.01)


@pytest.mark.parametrize("speed", [1.0, 1.5, 0.5])
def test_the_cursor_follows_the_clock_of_the_device(tmp_path, outputs, open_device, speed):
    path = write(tmp_path / "a.wav", tone(200, 2.0))
    playback = Playback(request_for(path, start_s=0.2, speed=speed), open_device=open_device)
    errors_s = []

    def compare():
        if outputs and outputs[0].frames > OUT_HZ // 4:
            position_s = playback.position_s()
            now_s = outputs[0].frames / OUT_HZ
            expected_s = 0.2 + (now_s - FakeOutput.latency_s) * speed
            if expected_s < 1.9:
                errors_s.append(abs(position_s - expected_s))
        return False

    play(playback, outputs, until=compare)

    assert len(errors_s) > 20
    assert max(errors_s) < 0.045


def test_the_cursor_jumps_back_with_the_loop(tmp_path, outputs, open_device):
    path = write(tmp_path / "a.wav", tone(200, 2.0))
    request = request_for(path, start_s=0.5, end_s=1.0, loop_from_s=0.5)
    playback = Playback(request, open_device=open_device)
    positions = []

    def enough():
        positions.append(playback.position_s())
        return bool(outputs) and outputs[0].frames > 2.3 * OUT_HZ

    errors = play(playback, outputs, until=enough)

    assert isinstance(errors[0], Cancelled)
    assert min(positions) >= 0.5
    assert max(positions) <= 1.0
    jumps = sum(later < earlier - 0.3 for earlier, later in pairwise(positions))
    assert jumps >= 3


def test_cancelling_stops_at_once_and_closes_the_device(tmp_path, outputs, open_device):
    path = write(tmp_path / "a.wav", tone(200, 2.0))
    playback = Playback(request_for(path), open_device=open_device)

    [error] = play(playback, outputs, until=lambda: bool(outputs) and outputs[0].frames > 4800)

    assert isinstance(error, Cancelled)
    assert outputs[0].is_closed
    assert not playback.is_complete


def test_a_late_feeder_is_counted_and_heard_as_silence(tmp_path, outputs, open_device):
    path = write(tmp_path / "a.wav", np.full(32_000, 0.5))
    playback = Playback(request_for(path), open_device=open_device)

    def starve():
        if outputs and outputs[0].frames < 2 * OUT_HZ and outputs[0].is_started:
            for _ in range(200):
                outputs[0].pull()
        return False

    play(playback, outputs, until=starve)

    assert playback.num_gaps > 0
    assert np.isfinite(np.concatenate(outputs[0].heard)).all()


def test_a_device_that_refuses_is_said_and_nothing_is_left_open(tmp_path):
    def refuse(device, fill):
        raise PlaybackError("The sound device X is not there; connect it or choose another one.")

    path = write(tmp_path / "a.wav", tone(200, 0.5))

    with pytest.raises(PlaybackError, match="The sound device X is not there"):
        Playback(request_for(path), open_device=refuse).run(RunContext())


def test_a_missing_file_is_said_before_a_device_is_opened(tmp_path, outputs, open_device):
    playback = Playback(request_for(tmp_path / "gone.wav"), open_device=open_device)

    with pytest.raises(AudioError, match=r"gone\.wav"):
        playback.run(RunContext())
    assert outputs == []


def test_the_device_is_asked_for_by_name(tmp_path, outputs, open_device):
    path = write(tmp_path / "a.wav", tone(200, 0.1))

    play(Playback(request_for(path, end_s=0.1, device="USB"), open_device=open_device), outputs)

    assert outputs[0].device == "USB"
    assert list(chain.from_iterable(block.shape for block in outputs[0].heard[:1])) == [BLOCK, 2]
