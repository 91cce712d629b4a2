"""Sounds that speech is mixed with in training: room tone, noise, music and babble.

Shapes: N samples at 16 kHz.
"""

from collections.abc import Callable, Sequence

import numpy as np

from clser_engine.audio.features import SAMPLE_RATE_HZ
from clser_engine.training.non_speech import TAUGHT, coloured
from clser_engine.types import FloatArray

BABBLE = 0.1  # share of sounds that are several voices at once
VOICES = (8, 20)  # in a babble; fewer could be understood
MUSIC = 0.35  # share of sounds that are a band: music is the most like a voice
EFFECTS = 0.15  # share of sounds that are those of games and machines
STEADY = 0.2  # share of sounds that are noise of one colour; the rest are as in `TAUGHT`
BURSTS = 0.25  # share that is heard now and then only
SWELLS = 0.3  # share that comes nearer and goes away
COLOURED = 0.5  # share that a loudspeaker or a wall has coloured
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
    kind = rng.random()
    if kind < BABBLE and len(voices):
        total = _babble(size, rng, voices)
    elif kind < BABBLE + MUSIC:
        total = band(size, rng)
    elif kind < BABBLE + MUSIC + EFFECTS:
        total = _effects(size, rng)
    elif kind < BABBLE + MUSIC + EFFECTS + STEADY:
        steady = coloured(rng.uniform(-0.5, 2.5))(rng, np.arange(size))
        return _unit_power(steady).astype(np.float32)
    else:
        total = _SOUNDS[int(rng.integers(len(_SOUNDS)))](rng, np.arange(size) / SAMPLE_RATE_HZ)
    shape = rng.random()
    if shape < BURSTS:
        total = total * _bursts(size, rng)
    elif shape < BURSTS + SWELLS:
        total = total * _swell(size, rng)
    if rng.random() < COLOURED:
        total = _through(total, rng)
    return _unit_power(total).astype(np.float32)


def _babble(size: int, rng: np.random.Generator, voices: Sequence[FloatArray]) -> np.ndarray:
    """Return many voices at once (N,)."""
    total = np.zeros(size)
    for _ in range(int(rng.integers(*VOICES))):
        voice = voices[int(rng.integers(len(voices)))]
        start = int(rng.integers(max(1, len(voice))))
        total += rng.uniform(0.3, 1) * _unit_power(np.resize(np.roll(voice, -start), size))
    return total


def band(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return music (N,): one to six instruments on one scale, beat and row of chords."""
    total = np.zeros(size)
    beat_s, root = rng.uniform(0.12, 0.6), rng.uniform(36, 58)
    scale = np.array(((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10))[rng.integers(2)])
    chords = rng.integers(0, 7, 4)  # degrees of the scale, one a bar of 4 to 16 beats
    bar_s = beat_s * float(rng.choice([4, 8, 16]))

    def pitch(degree: int) -> float:
        return float(scale[degree % 7] + 12 * (degree // 7))

    for _ in range(int(rng.integers(1, 7))):
        lowest = root + 12 * int(rng.integers(0, 4))
        together = (0, 2, 4) if rng.random() < 0.4 else (0,)
        every_s = beat_s * float(rng.choice([1, 1, 2, 4, 8]))
        walks, rests, held = rng.random() < 0.6, rng.uniform(0, 0.4), rng.uniform(0.4, 1.3)
        sound, degree = _instrument(rng), 0
        for start_s in np.arange(rng.uniform(0, beat_s), size / SAMPLE_RATE_HZ, every_s):
            chord = int(chords[int(start_s / bar_s) % 4])
            steps = int(rng.integers(-2, 3)) if walks else 2 * int(rng.integers(0, 3))
            degree = (degree + steps if walks else chord + steps) % 12
            if rng.random() < rests:
                continue
            start = int(start_s * SAMPLE_RATE_HZ)
            length = min(size - start, int(every_s * SAMPLE_RATE_HZ * held))
            first = chord if len(together) > 1 else degree
            for third in together:
                total[start : start + length] += sound(lowest + pitch(first + third), length)
    if rng.random() < 0.6:
        total += rng.uniform(0.2, 2) * (total.std() + 1e-3) * _drums(size, beat_s, rng)
    if rng.random() < 0.2:  # an amplifier that cannot take it
        total = np.tanh(rng.uniform(1, 6) * _unit_power(total))
    return total


def _instrument(rng: np.random.Generator) -> Callable[[float, int], np.ndarray]:
    """Return what plays a note of the MIDI scale for so many samples: struck, bowed or blown."""
    falls, attack_s = rng.uniform(0.3, 2.5), rng.uniform(0.003, 0.2)
    decay_s = float(np.exp(rng.uniform(np.log(0.05), np.log(5.0))))
    dampens = rng.uniform(0, 0.3) * rng.integers(2)  # higher partials of a string die sooner
    vibrato = rng.uniform(0.1, 0.6) * (rng.random() < 0.3)  # semitones
    vibrato_hz, glide = rng.uniform(4, 7), rng.uniform(-3, 3) * (rng.random() < 0.2)
    even, detune = rng.choice([0.1, 1.0, 1.0]), rng.uniform(0.002, 0.01) * rng.integers(2)
    peak_hz, width_hz = rng.uniform(300, 4000), rng.uniform(300, 3000)  # of its body
    phases, breath = rng.uniform(0, 6.28, 40), rng.uniform(0, 0.1) * rng.integers(2)
    loudness = rng.uniform(0.3, 1)

    def play(note: float, length: int) -> np.ndarray:
        time = np.arange(length) / SAMPLE_RATE_HZ
        hz = 440 * 2 ** ((note - 69) / 12)
        bend = vibrato * np.sin(2 * np.pi * vibrato_hz * time) + glide * np.exp(-time / 0.05)
        base = 2 * np.pi * hz * np.cumsum(2 ** (bend / 12)) / SAMPLE_RATE_HZ
        tone = breath * rng.standard_normal(length)
        for k in range(1, min(24, int(7500 / hz)) + 1):
            body = 0.2 + np.exp(-(((k * hz - peak_hz) / width_hz) ** 2))
            strength = body * (even if k % 2 == 0 else 1.0) / k**falls
            partial = np.sin(k * base + phases[k - 1])
            if detune:
                partial += np.sin(k * (1 + detune) * base)
            tone += strength * partial * (np.exp(-dampens * k * time / decay_s) if dampens else 1)
        played: np.ndarray = (
            loudness * tone * np.minimum(time / attack_s, 1) * np.exp(-time / decay_s)
        )
        return played

    return play


def _effects(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return what games and machines sound like (N,): tones and noises that glide, one by one."""
    total = np.zeros(size)
    start = 0
    while start < size:
        length = min(size - start, int(SAMPLE_RATE_HZ * np.exp(rng.uniform(np.log(0.04), 0.4))))
        time = np.linspace(0, 1, length)
        octaves = rng.uniform(-3, 3, 3)[:, None] * np.stack([time, time**2, np.sin(9 * time)])
        glide = 2 ** octaves[: rng.integers(0, 4)].sum(axis=0)
        hz = np.clip(rng.uniform(80, 1500) * glide, 30, 7000)
        phase = 2 * np.pi * np.cumsum(hz) / SAMPLE_RATE_HZ
        sound, order = rng.uniform(0, 1) * rng.standard_normal(length), rng.uniform(0, 2.5)
        for k in range(1, int(rng.integers(1, 12))):
            sound += np.where(k * hz < 7500, np.sin(k * phase), 0.0) / k**order
        total[start : start + length] = (
            sound * np.exp(-rng.uniform(0, 8) * time) * np.minimum(time / 0.02, 1)
        )
        start += length + int(rng.exponential(0.4) * SAMPLE_RATE_HZ)
    return total


def _drums(size: int, beat_s: float, rng: np.random.Generator) -> np.ndarray:
    """Return a pattern of two to five drums (N,), dull or bright, that comes again."""
    total = np.zeros(size)
    time = np.arange(SAMPLE_RATE_HZ // 3) / SAMPLE_RATE_HZ
    for _ in range(int(rng.integers(2, 6))):
        skin = np.sin(2 * np.pi * rng.uniform(45, 400) * time * np.exp(-rng.uniform(0, 2) * time))
        noise = np.diff(rng.standard_normal(len(time) + 1)) if rng.random() < 0.5 else 0
        bright = rng.uniform(0, 1)
        noise = noise + rng.standard_normal(len(time))
        drum = (1 - bright) * skin * np.exp(-time / rng.uniform(0.02, 0.12))
        drum += bright * noise * np.exp(-time / rng.uniform(0.01, 0.1))
        drum *= rng.uniform(0.2, 2)
        hits = rng.random(int(rng.choice([4, 8, 16]))) < rng.uniform(0.2, 0.8)
        for step, start_s in enumerate(np.arange(0, size / SAMPLE_RATE_HZ, beat_s / 2)):
            if hits[step % len(hits)]:
                start = int(start_s * SAMPLE_RATE_HZ)
                total[start : start + len(drum)] += drum[: size - start] * rng.uniform(0.7, 1)
    return total


def _swell(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return a smooth random curve (N,) above 0: what is near now and then far away."""
    knots = max(4, round(size / SAMPLE_RATE_HZ * rng.uniform(0.2, 4.0)) + 2)
    at = np.linspace(0, knots - 1, size)
    curve: np.ndarray = np.interp(at, np.arange(knots), rng.gamma(1.0, 1.0, knots)) + 0.02
    return curve


def _bursts(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return 0 and, now and then for a moment, 1 that dies away (N,): knocks, calls, beeps."""
    curve = np.zeros(size)
    start = int(rng.exponential(0.5) * SAMPLE_RATE_HZ)
    while start < size:
        length = min(size - start, int(rng.uniform(0.05, 1.0) * SAMPLE_RATE_HZ))
        fall = np.exp(-rng.uniform(0, 5) * np.linspace(0, 1, length))
        curve[start : start + length] = rng.uniform(0.2, 1) * fall
        start += length + int(rng.exponential(0.8) * SAMPLE_RATE_HZ)
    return curve


def _through(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the samples (N,) with each band of their spectrum louder or softer."""
    hz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE_HZ)
    bands = np.log(np.array([50, 150, 400, 1000, 2500, 5000, 8000]))
    gain_db = np.interp(np.log(np.maximum(hz, 50)), bands, rng.normal(0, 8, len(bands)))
    heard: np.ndarray = np.fft.irfft(np.fft.rfft(samples) * 10 ** (gain_db / 20), len(samples))
    return heard


def _unit_power(samples: np.ndarray) -> np.ndarray:
    power: np.ndarray = samples / (np.sqrt(np.mean(samples**2)) + 1e-9)
    return power
