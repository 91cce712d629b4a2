"""Sounds that speech is mixed with in training: room tone, noise, music and babble.

Shapes: N samples at 16 kHz.
"""

from collections.abc import Sequence

import numpy as np

from clser_engine.audio.features import SAMPLE_RATE_HZ
from clser_engine.training.non_speech import TAUGHT
from clser_engine.types import FloatArray

BABBLE = 0.2  # share of sounds that are several voices at once
VOICES = (3, 8)  # in a babble; fewer could be understood
_SOUNDS = tuple(maker for name, maker in TAUGHT.items() if name != "silence")


def room_tone(size: int, level_db: float, rng: np.random.Generator) -> FloatArray:
    """Return the noise (N,) of a room at a level in dB below full scale."""
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
            total += _unit_power(np.resize(np.roll(voice, -start), size))
    else:
        maker = _SOUNDS[int(rng.integers(len(_SOUNDS)))]
        total = maker(rng, np.arange(size) / SAMPLE_RATE_HZ)
    return _unit_power(total).astype(np.float32)


def _unit_power(samples: np.ndarray) -> np.ndarray:
    power: np.ndarray = samples / (np.sqrt(np.mean(samples**2)) + 1e-9)
    return power
