"""A recording as it would have been heard elsewhere: another microphone, room, distance and speed.

Shapes: N samples at 16 kHz.
"""

import numpy as np
import soxr

from clser_engine.audio.features import SAMPLE_RATE_HZ
from clser_engine.types import FloatArray

SPEEDS = (0.9, 1.12)  # pitch included, so that other voices are heard too
COLOUR_HZ = (50.0, 150.0, 400.0, 1000.0, 2500.0, 5000.0, 8000.0)
COLOUR_DB = 3.5  # deviation of the gain at each of them
GAIN_DB = 6.0  # deviation of the level
CODED_SHARE = 0.3  # recordings without what lies above 3.4 to 7.5 kHz
ROOM_SHARE = 0.5
ROOM_S = 0.4
NOISE_SHARE = 0.7


def alter(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return samples as heard elsewhere, no longer than 1 / 0.9 of what they were.

    Args:
        samples: (N,).
        rng: Decides on everything; equal random numbers alter in the same way.
    """
    speed = rng.uniform(*SPEEDS)
    played = np.asarray(
        soxr.resample(samples, SAMPLE_RATE_HZ * speed, SAMPLE_RATE_HZ), dtype=np.float64
    )
    if not played.any():
        silence: FloatArray = played.astype(np.float32)
        return silence
    room = round(ROOM_S * SAMPLE_RATE_HZ)
    size = 1 << (len(played) + room).bit_length()
    response = _microphone(np.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ), rng)
    if rng.random() < ROOM_SHARE:
        response = response * np.fft.rfft(_echo(room, rng), size)
    heard = np.fft.irfft(np.fft.rfft(played, size) * response, size)[: len(played)]
    level = np.sqrt(np.mean(played**2) / (np.mean(heard**2) + 1e-20))
    heard *= level
    if rng.random() < NOISE_SHARE:
        heard += (
            _noise(len(heard), rng) * np.sqrt(np.mean(heard**2)) * 10 ** (-rng.uniform(12, 40) / 20)
        )
    heard *= 10 ** (rng.normal(0, GAIN_DB) / 20)
    altered: FloatArray = heard.astype(np.float32)
    return altered


def _microphone(hz: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a random smooth gain at each frequency."""
    gain_db = np.interp(
        np.log(np.maximum(hz, COLOUR_HZ[0])),
        np.log(COLOUR_HZ),
        rng.normal(0, COLOUR_DB, len(COLOUR_HZ)),
    )
    if rng.random() < CODED_SHARE:
        gain_db -= 0.03 * np.maximum(0.0, hz - rng.uniform(3400, 7500))
    if rng.random() < ROOM_SHARE:
        gain_db -= 0.15 * np.maximum(0.0, rng.uniform(60, 250) - hz)
    gain: np.ndarray = 10 ** (gain_db.clip(min=-80) / 20)
    return gain


def _echo(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return the response of a room: the direct sound, then noise that dies away."""
    time_s = np.arange(size) / SAMPLE_RATE_HZ
    tail = rng.standard_normal(size) * np.exp(-6.9 * time_s / rng.uniform(0.1, 0.5))
    tail *= 10 ** (-rng.uniform(3, 15) / 20) / np.sqrt(np.sum(tail**2))
    tail[0] += 1.0
    return tail


def _noise(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return noise of power 1 and a random slope between white and brown."""
    hz = np.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(size)) * np.maximum(hz, 50.0) ** -rng.uniform(0, 1)
    noise = np.fft.irfft(spectrum, size)
    unit: np.ndarray = noise / (np.sqrt(np.mean(noise**2)) + 1e-12)
    return unit
