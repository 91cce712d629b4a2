"""What telephones, rooms, noise, careless microphones and soft voices do to speech.

Shapes: N samples at 16 kHz.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from clser_engine.audio.features import SAMPLE_RATE_HZ
from clser_engine.types import FloatArray

Damage = Callable[[np.random.Generator, np.ndarray], np.ndarray]
"""From random numbers and samples (N,) to samples (N,)."""

BREATH_WINDOW = 512  # 32 ms
BREATH_CEPSTRA = 24


def _between(low_hz: float, high_hz: float) -> Damage:
    """Only the frequencies from low to high, with edges of 10 %."""

    def apply(rng: np.random.Generator, samples: np.ndarray) -> np.ndarray:
        spectrum = np.fft.rfft(samples)
        hz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE_HZ)
        passed = 1 / (1 + (hz / high_hz) ** 20) * (1 - 1 / (1 + (hz / max(low_hz, 1)) ** 20))
        return np.fft.irfft(spectrum * passed, len(samples))

    return apply


def _noisy(slope: float) -> Damage:
    """Noise of a colour, 3 to 30 dB below the speech."""

    def apply(rng: np.random.Generator, samples: np.ndarray) -> np.ndarray:
        spectrum = np.fft.rfft(rng.standard_normal(len(samples)))
        spectrum *= np.maximum(np.arange(len(spectrum)), 1.0) ** (-slope / 2)
        noise = np.fft.irfft(spectrum, len(samples))
        power = np.mean(samples**2) / (np.mean(noise**2) + 1e-12)
        louder: np.ndarray = samples + noise * np.sqrt(power * 10 ** (-rng.uniform(3, 30) / 10))
        return louder

    return apply


def _room(rng: np.random.Generator, samples: np.ndarray) -> np.ndarray:
    """An echo that dies away by 60 dB within 0.2 to 0.8 seconds."""
    size = int(0.8 * SAMPLE_RATE_HZ)
    fall = np.exp(-np.arange(size) * 6.9 / (rng.uniform(0.2, 0.8) * SAMPLE_RATE_HZ))
    response = rng.standard_normal(size) * fall * rng.uniform(0.02, 0.12)
    response[0] = 1.0
    length = len(samples) + size
    wet = np.fft.irfft(np.fft.rfft(samples, length) * np.fft.rfft(response, length), length)
    return wet[: len(samples)]


def _clipped(rng: np.random.Generator, samples: np.ndarray) -> np.ndarray:
    limit = rng.uniform(0.2, 0.6) * np.abs(samples).max()
    clipped: np.ndarray = samples.clip(-limit, limit)
    return clipped


def _quiet(rng: np.random.Generator, samples: np.ndarray) -> np.ndarray:
    """So soft that the steps of 16 bits are heard: its peak is 100 to 1000 of them."""
    level = 10 ** rng.uniform(-2.5, -1.5) / (np.abs(samples).max() + 1e-9)
    quiet: np.ndarray = np.round(samples * level * 32768) / 32768
    return quiet


def _breathy(rng: np.random.Generator, samples: np.ndarray) -> np.ndarray:
    """Breath in the place of a third of the voice or more, all of it being a whisper.

    Noise takes the spectral envelope of each frame, which is what the lowest cepstra leave of it.
    """
    window = np.hanning(BREATH_WINDOW)
    padded = np.pad(samples, BREATH_WINDOW)
    noise, breath = rng.standard_normal(len(padded)), np.zeros(len(padded))
    for start in range(0, len(padded) - BREATH_WINDOW, BREATH_WINDOW // 4):
        part = slice(start, start + BREATH_WINDOW)
        cepstrum = np.fft.irfft(np.log(np.abs(np.fft.rfft(padded[part] * window)) + 1e-6))
        cepstrum[BREATH_CEPSTRA:-BREATH_CEPSTRA] = 0
        envelope = np.exp(np.fft.rfft(cepstrum).real)
        breath[part] += np.fft.irfft(np.fft.rfft(noise[part] * window) * envelope) * window
    breath = breath[BREATH_WINDOW:-BREATH_WINDOW]
    breath *= np.sqrt(np.mean(samples**2) / (np.mean(breath**2) + 1e-12))
    share = rng.uniform(0.3, 1)
    mixed: np.ndarray = share * breath + (1 - share) * samples
    return mixed


DAMAGES: Final[dict[str, Damage]] = {
    "telephone": _between(300, 3400),
    "narrow band": _between(0, 4000),
    "white noise": _noisy(0),
    "pink noise": _noisy(1),
    "room": _room,
    "clipping": _clipped,
    "quiet": _quiet,
    "breath": _breathy,
}


def damage(name: str, samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the samples (N,) after one of `DAMAGES`."""
    return DAMAGES[name](rng, samples.astype(np.float64)).astype(np.float32)
