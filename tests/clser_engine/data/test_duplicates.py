"""Tests of clser_engine.data.duplicates."""

import numpy as np
import pytest
import soundfile
import soxr

from clser_engine.data.duplicates import find_duplicates
from clser_engine.data.sound_facts import measure_sounds
from clser_engine.errors import AudioError

RATE = 16_000


def speak(seed, seconds=1.5):
    """A sound whose pitch and level wander as a voice's do."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    knots = np.linspace(0, seconds, 12)
    pitch = np.interp(time, knots, rng.uniform(90, 240, 12))
    level = np.interp(time, np.linspace(0, seconds, 40), rng.uniform(0.05, 1.0, 40))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 12))
    voice = 0.1 * level * tone + 0.002 * rng.standard_normal(len(time))
    return np.rint(32768 * voice).astype("int16")


COPIES = {
    "bytes": lambda x: (x, RATE, "wav", "same file"),
    "container": lambda x: (x, RATE, "flac", "same samples"),
    "gain": lambda x: (0.4 * x / 32768, RATE, "wav", "same sound"),
    "polarity": lambda x: (-x, RATE, "wav", "same sound"),
    "rate": lambda x: (soxr.resample(x / 32768, RATE, 44_100), 44_100, "wav", "same sound"),
    "telephone": lambda x: (soxr.resample(x / 32768, RATE, 8_000), 8_000, "wav", "same sound"),
    "lossy": lambda x: (x, RATE, "ogg", "same sound"),
    "mp3": lambda x: (x, RATE, "mp3", "same sound"),
    "beginning": lambda x: (x[400:], RATE, "wav", "same sound"),
    "cut": lambda x: (x[150:-150], RATE, "wav", "same sound"),
}


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_found_whatever_was_done_to_it(tmp_path, kind):
    paths = []
    for number in range(6):
        paths.append(tmp_path / f"{number}.wav")
        soundfile.write(paths[-1], speak(number), RATE)
    samples, rate, suffix, expected = COPIES[kind](speak(2))
    paths.append(tmp_path / f"copy.{suffix}")
    soundfile.write(paths[-1], samples, rate)

    found = find_duplicates(paths, measure_sounds(paths))

    assert [(group.indices, group.kind) for group in found] == [((2, 6), expected)]


def test_the_same_rhythm_is_not_the_same_sound(tmp_path):
    """Two noises with one course of levels: alike in envelope, and nothing else."""
    level = np.repeat(np.random.default_rng(0).uniform(0.02, 0.5, 24), RATE // 16)
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for seed, path in enumerate(paths):
        noise = np.random.default_rng(seed).uniform(-1, 1, len(level))
        soundfile.write(path, level * noise, RATE)
    facts = measure_sounds(paths)
    envelopes = [np.frombuffer(one.envelope, np.uint8).astype(float) for one in facts]

    assert np.corrcoef(*envelopes)[0, 1] > 0.95
    assert find_duplicates(paths, facts) == []


def test_three_copies_are_one_group(tmp_path):
    paths = [tmp_path / name for name in ("a.wav", "b.flac", "c.wav", "d.wav")]
    for path, seed in zip(paths, (0, 0, 0, 1), strict=True):
        soundfile.write(path, speak(seed), RATE)

    [group] = find_duplicates(paths, measure_sounds(paths))

    assert group.indices == (0, 1, 2)


def test_what_cannot_be_read_is_no_duplicate(tmp_path):
    error = AudioError("damaged")

    assert find_duplicates([tmp_path / "a", tmp_path / "b"], [error, error]) == []


def test_equal_texts_by_equal_speakers_are_no_duplicates(shared):
    """535 clips of ten speakers who say ten sentences again and again."""
    paths = sorted((shared / "corpora" / "emodb" / "wav").iterdir())

    assert find_duplicates(paths, measure_sounds(paths)) == []
