"""Tests of app.services.time_stretch."""

import numpy as np
import pytest

from app.services.time_stretch import REACH_S, TimeStretch

RATE_HZ = 48_000
BLOCK = 2_400


def stretch(samples, speed, rate_hz=RATE_HZ, block=BLOCK):
    stretcher = TimeStretch(speed, rate_hz)
    parts = [stretcher.push(samples[i : i + block]) for i in range(0, len(samples), block)]
    return np.concatenate([*parts, stretcher.flush()])


def tone(frequency_hz, seconds=3.0, rate_hz=RATE_HZ):
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * frequency_hz * times)).astype(np.float32)


def strongest_hz(samples, rate_hz=RATE_HZ):
    middle = samples[len(samples) // 8 : -len(samples) // 8]
    size = 1 << 20
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), size))
    return int(np.argmax(spectrum)) * rate_hz / size


@pytest.mark.parametrize("speed", [0.5, 0.75, 1.25, 1.5, 2.0])
@pytest.mark.parametrize("frequency_hz", [60, 100, 440, 1000])
def test_pitch_length_and_loudness_are_kept(speed, frequency_hz):
    played = stretch(tone(frequency_hz), speed)

    assert len(played) == pytest.approx(3.0 * RATE_HZ / speed, abs=2)
    assert strongest_hz(played) == pytest.approx(frequency_hz, rel=0.01)
    middle = played[RATE_HZ // 4 : -RATE_HZ // 4]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)


@pytest.mark.parametrize("speed", [0.5, 1.5, 2.0])
def test_a_sound_comes_where_it_should(speed):
    samples = tone(440)
    samples[: 2 * RATE_HZ] = 0.0

    played = stretch(samples, speed)

    onset_s = np.argmax(np.abs(played) > 0.2) / RATE_HZ
    assert onset_s == pytest.approx(2.0 / speed, abs=2 * REACH_S)


def test_blocks_make_no_difference():
    samples = tone(220, 1.0)

    np.testing.assert_array_equal(
        stretch(samples, 1.5, block=317), stretch(samples, 1.5, block=len(samples))
    )


@pytest.mark.parametrize("count", [0, 1, 100, 1000])
def test_short_input_gives_short_output(count):
    played = stretch(tone(440)[:count], 0.5)

    assert len(played) == pytest.approx(2 * count, abs=1)
    assert np.isfinite(played).all()


def test_silence_stays_silence():
    assert not stretch(np.zeros(RATE_HZ, np.float32), 1.5).any()
