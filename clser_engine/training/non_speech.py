"""Sounds that are no speech, made from nothing: to learn from, and others to measure with.

Shapes: N samples at 16 kHz.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from clser_engine.audio.features import SAMPLE_RATE_HZ
from clser_engine.types import FloatArray

Maker = Callable[[np.random.Generator, np.ndarray], np.ndarray]
"""From random numbers and times (N,) in seconds to samples (N,) of any level."""


def coloured(slope: float) -> Maker:
    """Noise whose power falls with frequency to the power of `slope`."""

    def make(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
        spectrum = np.fft.rfft(rng.standard_normal(len(time)))
        spectrum *= np.maximum(np.arange(len(spectrum)), 1.0) ** (-slope / 2)
        return np.fft.irfft(spectrum, len(time))

    return make


def _silence(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """Nothing, or the noise of a quiet room."""
    quiet: np.ndarray = rng.choice([0.0, 1e-5, 3e-4]) * rng.standard_normal(len(time))
    return quiet


def _harmonic(base_hz: np.ndarray, time: np.ndarray, fall: float, order: int = 12) -> np.ndarray:
    """Tone with harmonics of amplitude k^-fall below 7 kHz, of a frequency (N,) that may move."""
    phase = 2 * np.pi * np.cumsum(base_hz) / SAMPLE_RATE_HZ
    total = np.zeros_like(time)
    for k in range(1, order + 1):
        total += np.where(k * base_hz < 7000, np.sin(k * phase), 0.0) / k**fall
    return total


def _hum(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    base = np.full_like(time, rng.choice([50.0, 60.0, 100.0, 120.0]))
    return _harmonic(base, time, rng.uniform(0.3, 2.0), 20) + 0.02 * rng.standard_normal(len(time))


def _tone(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    base = np.full_like(time, np.exp(rng.uniform(np.log(80), np.log(4000))))
    return _harmonic(base, time, rng.uniform(0.5, 4.0), 6)


def _beeps(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    rate, share = rng.uniform(0.5, 5), rng.uniform(0.2, 0.8)
    beeps: np.ndarray = _tone(rng, time) * ((time * rate) % 1 < share)
    return beeps


def _notes(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """A tune of one instrument: steps of a scale, each note struck or held."""
    scale = np.array([0, 2, 4, 5, 7, 9, 11, 12, 14, 16])
    base = 110 * 2 ** (rng.uniform(0, 2.5))
    total, start = np.zeros_like(time), 0.0
    decay, fall = rng.uniform(0.3, 8), rng.uniform(0.5, 2.5)
    beat = rng.uniform(0.12, 0.6)
    while start < time[-1]:
        length = beat * rng.choice([1, 1, 2, 3])
        inside = (time >= start) & (time < start + length)
        here = time[inside] - start
        pitch = np.full(len(here), base * 2 ** (rng.choice(scale) / 12))
        attack = np.minimum(here / 0.01, 1)
        total[inside] += _harmonic(pitch, here, fall) * np.exp(-decay * here) * attack
        start += length
    return total


def _chords(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """Several tunes at once over a beat of noise, which is what most music is."""
    voices = [_notes(rng, time) for _ in range(int(rng.integers(2, 5)))]
    music: np.ndarray = np.sum(voices, axis=0) + rng.uniform(0, 1) * _drums(rng, time)
    return music


def _drums(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    beat = (time * rng.uniform(1, 6)) % 1
    drums: np.ndarray = rng.standard_normal(len(time)) * np.exp(-rng.uniform(5, 40) * beat)
    return drums


def _clicks(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    hits = rng.random(len(time)) < rng.uniform(1, 40) / SAMPLE_RATE_HZ
    size = int(rng.uniform(0.001, 0.02) * SAMPLE_RATE_HZ)
    ring = np.exp(-np.arange(size) * 8 / size) * rng.standard_normal(size)
    clicks: np.ndarray = np.convolve(hits * rng.uniform(0.2, 1, len(time)), ring)[: len(time)]
    return clicks + 1e-4 * rng.standard_normal(len(time))


def _syllables_of_noise(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """Noise that swells as often as syllables do, and has no voice."""
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(1, 7) * time)
    noise: np.ndarray = coloured(rng.uniform(0, 2))(rng, time) * swell ** rng.uniform(1, 4)
    return noise


def _sweeps(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    rate = rng.uniform(0.2, 3)
    low, high = sorted(np.exp(rng.uniform(np.log(150), np.log(4000), 2)))
    return _harmonic(low + (high - low) * ((time * rate) % 1), time, 2.0, 5)


def _birds(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    base = rng.uniform(1500, 4500) * (1 + 0.2 * np.sin(2 * np.pi * rng.uniform(8, 30) * time))
    song = (np.sin(2 * np.pi * rng.uniform(0.5, 3) * time) > rng.uniform(-0.3, 0.7)).astype(float)
    birds: np.ndarray = _harmonic(base, time, 3.0, 2) * song
    return birds + 0.01 * rng.standard_normal(len(time))


def _engine(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    drift = np.cumsum(rng.standard_normal(len(time))) / SAMPLE_RATE_HZ
    base = rng.uniform(25, 110) * np.exp(np.clip(20 * drift / 5, -0.5, 0.5))
    engine: np.ndarray = _harmonic(base, time, 0.7, 40)
    return engine + rng.uniform(0.1, 1) * coloured(1)(rng, time) * 30


def _applause(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    hits = (rng.random(len(time)) < rng.uniform(60, 400) / SAMPLE_RATE_HZ).astype(float)
    clap = np.exp(-np.arange(160) / 30) * rng.standard_normal(160)
    applause: np.ndarray = np.convolve(hits, clap)[: len(time)]
    return applause


def _plucked(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """Plucked strings (Karplus and Strong, Computer Music Journal 7(2), 1983)."""
    total = np.zeros(len(time))
    beat = int(rng.uniform(0.15, 0.5) * SAMPLE_RATE_HZ)
    for start in range(0, len(time), beat):
        period = int(SAMPLE_RATE_HZ / (98 * 2 ** (rng.integers(0, 25) / 12)))
        cycle = rng.standard_normal(period)
        string = np.empty((beat // period + 1, period))
        for number in range(len(string)):
            string[number] = cycle
            cycle = 0.498 * (cycle + np.roll(cycle, 1))
        length = min(beat, len(time) - start)
        total[start : start + length] += string.ravel()[:length]
    return total


def _howl(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """A glide up and down with harmonics, as of a dog or a siren."""
    depth, rate = rng.uniform(0.1, 0.8), rng.uniform(0.2, 1.5)
    base = rng.uniform(250, 900) * 2 ** (depth * np.sin(2 * np.pi * rate * time))
    return _harmonic(base, time, rng.uniform(1.0, 2.5), 8)


def _rain(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    drops = (rng.random(len(time)) < 1500 / SAMPLE_RATE_HZ) * rng.exponential(1, len(time))
    drop = np.sin(2 * np.pi * rng.uniform(1500, 4000) * time[:48]) * np.exp(-np.arange(48) / 10)
    rain: np.ndarray = np.convolve(drops, drop)[: len(time)]
    return rain


TAUGHT: Final[dict[str, Maker]] = {
    "silence": _silence,
    "white": coloured(0),
    "pink": coloured(1),
    "brown": coloured(2),
    "hum": _hum,
    "tone": _tone,
    "beeps": _beeps,
    "notes": _notes,
    "chords": _chords,
    "drums": _drums,
    "clicks": _clicks,
    "syllables of noise": _syllables_of_noise,
    "sweeps": _sweeps,
    "birds": _birds,
}
"""What a model learns to know as no speech."""

HELD_BACK: Final[dict[str, Maker]] = {
    "engine": _engine,
    "applause": _applause,
    "plucked strings": _plucked,
    "howl": _howl,
    "rain": _rain,
}
"""What it never hears, to measure with."""


def make_noises(kinds: dict[str, Maker], each: int, seed: int) -> dict[str, list[FloatArray]]:
    """Return recordings (N,) of 1 to 6 seconds of each kind, at levels as recordings have them.

    Args:
        kinds: `TAUGHT` or `HELD_BACK`.
        each: How many of each.
        seed: Start of the random numbers.
    """
    rng = np.random.default_rng(seed)
    found: dict[str, list[FloatArray]] = {}
    for name, make in kinds.items():
        found[name] = []
        for _ in range(each):
            time = np.arange(int(rng.uniform(1, 6) * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
            samples = make(rng, time)
            if name != "silence":
                samples = samples / (np.abs(samples).max() + 1e-9) * 10 ** rng.uniform(-2, -0.1)
            found[name].append(samples.astype(np.float32))
    return found
