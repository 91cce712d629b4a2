"""Sounds that speech is mixed with in training: room tone, noise, music and babble.

Shapes: N samples at 16 kHz.
"""

from collections.abc import Sequence

import numpy as np

from clser_engine.audio.features import SAMPLE_RATE_HZ
from clser_engine.training.non_speech import TAUGHT
from clser_engine.types import FloatArray

BABBLE = 0.12  # share of sounds that are several voices at once
VOICES = (8, 20)  # in a babble; fewer could be understood
MUSIC = ("notes", "chords", "chords")  # again, because it is the most like a voice
_SOUNDS = (
    *(maker for name, maker in TAUGHT.items() if name != "silence"),
    *(TAUGHT[name] for name in MUSIC),
)


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
    else:
        maker = _SOUNDS[int(rng.integers(len(_SOUNDS)))]
        total = maker(rng, np.arange(size) / SAMPLE_RATE_HZ)
        if rng.random() < 0.5:
            total = _unit_power(total) * _swell(size, rng)
    return _unit_power(total).astype(np.float32)


def _swell(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return a smooth random curve (N,) above 0: what is near now and then far away."""
    knots = max(4, round(size / SAMPLE_RATE_HZ * rng.uniform(0.2, 4.0)) + 2)
    at = np.linspace(0, knots - 1, size)
    curve: np.ndarray = np.interp(at, np.arange(knots), rng.gamma(1.0, 1.0, knots)) + 0.02
    return curve


def _unit_power(samples: np.ndarray) -> np.ndarray:
    power: np.ndarray = samples / (np.sqrt(np.mean(samples**2)) + 1e-9)
    return power
