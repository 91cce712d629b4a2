"""Sounds that speech is mixed with in training: room tone, noise, music and babble.

Shapes: N samples at 16 kHz.
"""

from collections.abc import Callable, Sequence

import numpy as np

from clser_engine.audio.features import SAMPLE_RATE_HZ
from clser_engine.training.non_speech import TAUGHT, coloured
from clser_engine.types import FloatArray

BABBLE = 0.12  # share of sounds that are several voices at once
STEADY = 0.2  # share of the others that is noise of one colour
VOICES = (8, 20)  # in a babble; fewer could be understood
MUSIC = 0.4  # share of what is left that is a band: music is the most like a voice
_SOUNDS = tuple(maker for name, maker in TAUGHT.items() if name != "silence")


def room_tone(size: int, level_db: float, rng: np.random.Generator) -> FloatArray:
    """Return the noise (N,) of a room at a level in dB re full scale."""
    noise = TAUGHT[str(rng.choice(["white", "pink", "brown"]))](rng, np.arange(size, dtype=float))
    return (_unit_power(noise) * 10 ** (level_db / 20)).astype(np.float32)


def draw_sound(size: int, rng: np.random.Generator, voices: Sequence[FloatArray]) -> FloatArray:
    """Return a sound (N,) of power 1 in which nobody can be understood.

    Args:
        size: N.
        rng: Random numbers.
        voices: Recordings that babble is made of; none for no babble.
    """
    if len(voices) and rng.random() < BABBLE:
        total = np.zeros(size)
        for _ in range(int(rng.integers(*VOICES))):
            voice = voices[int(rng.integers(len(voices)))]
            start = int(rng.integers(max(1, len(voice))))
            total += rng.uniform(0.3, 1) * _unit_power(np.resize(np.roll(voice, -start), size))
    elif rng.random() < STEADY:
        total = coloured(rng.uniform(-0.5, 2.5))(rng, np.arange(size))
    elif rng.random() < MUSIC:
        total = band(size, rng)
    else:
        maker = _SOUNDS[int(rng.integers(len(_SOUNDS)))]
        total = maker(rng, np.arange(size) / SAMPLE_RATE_HZ)
        if rng.random() < 0.5:
            total = _unit_power(total) * _swell(size, rng)
    return _unit_power(total).astype(np.float32)


def band(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return music (N,): one to five instruments on one scale and beat, with or without drums."""
    total = np.zeros(size)
    beat_s, root = rng.uniform(0.12, 0.6), rng.uniform(36, 58)
    scale = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 3, 5, 7, 10))[rng.integers(3)]
    for _ in range(int(rng.integers(1, 6))):
        lowest = root + 12 * int(rng.integers(0, 4))
        chord = (0,) if rng.random() < 0.6 else (0, 4, 7)
        every_s = beat_s * float(rng.choice([1, 1, 2, 4, 8]))
        sound = _instrument(rng)
        for start_s in np.arange(rng.uniform(0, beat_s), size / SAMPLE_RATE_HZ, every_s):
            if rng.random() < 0.2:
                continue
            note = lowest + float(rng.choice(scale))
            start = int(start_s * SAMPLE_RATE_HZ)
            length = min(size - start, int(every_s * SAMPLE_RATE_HZ * 1.1))
            for interval in chord:
                total[start : start + length] += sound(note + interval, length)
    if rng.random() < 0.6:
        total += rng.uniform(0.2, 2) * (total.std() + 1e-3) * _drums(size, beat_s, rng)
    return total


def _instrument(rng: np.random.Generator) -> Callable[[float, int], np.ndarray]:
    """Return what plays a note of the MIDI scale for so many samples: struck, bowed or blown."""
    falls, attack_s = rng.uniform(0.4, 2.5), rng.uniform(0.003, 0.2)
    decay_s = float(np.exp(rng.uniform(np.log(0.08), np.log(5.0))))
    vibrato, even = rng.choice([0.0, 0.0, 0.4]), rng.choice([0.1, 1.0, 1.0])
    peak_hz, width_hz = rng.uniform(300, 4000), rng.uniform(300, 3000)  # of its body
    phases = rng.uniform(0, 6.28, 40)
    loudness = rng.uniform(0.3, 1)

    def play(note: float, length: int) -> np.ndarray:
        time = np.arange(length) / SAMPLE_RATE_HZ
        hz = 440 * 2 ** ((note - 69) / 12)
        base = 2 * np.pi * hz * time + vibrato * np.sin(2 * np.pi * 5.5 * time)
        tone = np.zeros(length)
        for k in range(1, min(40, int(7500 / hz)) + 1):
            body = 0.2 + np.exp(-(((k * hz - peak_hz) / width_hz) ** 2))
            strength = body * (even if k % 2 == 0 else 1.0) / k**falls
            tone += strength * np.sin(k * base + phases[k - 1])
        envelope = np.minimum(time / attack_s, 1) * np.exp(-time / decay_s)
        played: np.ndarray = loudness * tone * envelope
        return played

    return play


def _drums(size: int, beat_s: float, rng: np.random.Generator) -> np.ndarray:
    """Return a pattern of two drums (N,), one dull and one bright, that comes again."""
    total = np.zeros(size)
    time = np.arange(SAMPLE_RATE_HZ // 4) / SAMPLE_RATE_HZ
    hits = rng.random((2, 8)) < rng.uniform(0.2, 0.6)
    drum = np.sin(2 * np.pi * rng.uniform(45, 120) * time) * np.exp(-time / rng.uniform(0.03, 0.1))
    for step, start_s in enumerate(np.arange(0, size / SAMPLE_RATE_HZ, beat_s / 2)):
        start = int(start_s * SAMPLE_RATE_HZ)
        length = min(len(time), size - start)
        if hits[0, step % 8]:
            total[start : start + length] += 2 * drum[:length]
        if hits[1, step % 8]:
            noise = rng.standard_normal(length) * np.exp(-time[:length] / rng.uniform(0.01, 0.06))
            total[start : start + length] += noise
    return total


def _swell(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return a smooth random curve (N,) above 0: what is near now and then far away."""
    knots = max(4, round(size / SAMPLE_RATE_HZ * rng.uniform(0.2, 4.0)) + 2)
    at = np.linspace(0, knots - 1, size)
    curve: np.ndarray = np.interp(at, np.arange(knots), rng.gamma(1.0, 1.0, knots)) + 0.02
    return curve


def _unit_power(samples: np.ndarray) -> np.ndarray:
    power: np.ndarray = samples / (np.sqrt(np.mean(samples**2)) + 1e-9)
    return power
