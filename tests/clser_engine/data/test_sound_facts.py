"""Tests of clser_engine.data.sound_facts."""

import hashlib

import numpy as np
import pytest
import soundfile

from clser_engine.data import sound_facts
from clser_engine.data.sound_facts import SoundFacts, measure_sound, measure_sounds
from clser_engine.errors import AudioError, Cancelled
from clser_engine.runtime import RunContext

RATE = 16_000


@pytest.fixture
def write(tmp_path):
    def write(samples, name="a.wav", rate=RATE, **options):
        soundfile.write(tmp_path / name, samples, rate, **options)
        return tmp_path / name

    return write


def tone(seconds=1.0, gain=0.5):
    return gain * np.sin(2 * np.pi * 200 * np.arange(round(seconds * RATE)) / RATE)


def test_facts_of_a_tone(write):
    path = write(np.stack([tone(), tone()], axis=1))

    facts = measure_sound(path)

    assert (facts.sample_rate_hz, facts.channels, facts.duration_s) == (RATE, 2, 1.0)
    assert facts.peak == pytest.approx(0.5, abs=1e-3)
    assert facts.level_db == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.05)
    assert facts.full_scale_share == 0.0
    assert facts.file_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(facts.envelope) == 100


def test_level_is_that_of_the_louder_frames(write):
    """A voice of 1 s in 9 s of silence is not 10 dB quieter."""
    pauses = np.zeros(4 * RATE)

    facts = measure_sound(write(np.concatenate([pauses, tone(), pauses, pauses[:RATE]])))

    assert facts.level_db == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.05)


def test_share_at_full_scale_is_counted(write):
    facts = measure_sound(write(np.clip(tone(gain=3.0), -1.0, 1.0), subtype="FLOAT"))

    assert facts.full_scale_share == pytest.approx((np.abs(tone(gain=3.0)) >= 0.999).mean())
    assert facts.full_scale_share > 0.5


def test_silence_has_facts_too(write):
    facts = measure_sound(write(np.zeros(RATE)))

    assert (facts.level_db, facts.peak) == (-120.0, 0.0)


def test_long_recordings_are_measured_in_blocks_to_the_same_numbers(write, monkeypatch):
    rng = np.random.default_rng(0)
    noise = 0.1 * rng.standard_normal(3 * RATE)
    noise[RATE : 2 * RATE] = 0.0
    path = write(noise)
    whole = measure_sound(path)

    monkeypatch.setattr(sound_facts, "BLOCK_S", 0.25)

    assert measure_sound(path) == whole


@pytest.mark.parametrize(
    "copy",
    [
        lambda x, write: write(x, "b.flac"),
        lambda x, write: write(x, "b.aiff"),
        lambda x, write: write(
            np.concatenate([np.zeros(500, "i2"), x, np.zeros(900, "i2")]), "b.wav"
        ),
        lambda x, write: write(x.astype("int32") << 16, "b.wav", subtype="PCM_24"),
        lambda x, write: write(np.stack([x, x], axis=1), "b.wav"),
    ],
)
def test_lossless_copies_have_one_hash_of_the_sound(write, copy):
    rng = np.random.default_rng(0)
    noise = rng.integers(-9000, 9000, RATE).astype("int16")
    original = measure_sound(write(noise))

    copied = measure_sound(copy(noise, write))

    assert copied.sound_sha256 == original.sound_sha256
    assert copied.file_sha256 != original.file_sha256


def test_another_sound_or_rate_has_another_hash(write):
    rng = np.random.default_rng(0)
    noise = 0.1 * rng.standard_normal(RATE)
    changed = noise.copy()
    changed[100] += 0.01
    hashes = {
        measure_sound(write(noise)).sound_sha256,
        measure_sound(write(changed)).sound_sha256,
        measure_sound(write(noise[:-1])).sound_sha256,
        measure_sound(write(noise, rate=8_000)).sound_sha256,
    }

    assert len(hashes) == 4


def test_many_are_measured_at_once_and_in_order(write):
    paths = [write(tone(0.1 + 0.01 * i), f"{i}.wav") for i in range(40)]
    paths.insert(7, write(tone(), "x.wav").with_name("missing.wav"))
    seen = []
    context = RunContext(lambda stage, done, total: seen.append((stage, done, total)))

    measured = measure_sounds(paths, context, threads=2)

    assert isinstance(measured[7], AudioError)
    assert "missing.wav" in str(measured[7])
    facts = [one for one in measured if isinstance(one, SoundFacts)]
    assert [round(one.duration_s, 3) for one in facts] == [
        pytest.approx(0.1 + 0.01 * i, abs=1e-3) for i in range(40)
    ]
    assert seen[-1] == ("audio", 41, 41)
    assert measure_sounds(paths, threads=1)[:7] == measured[:7]


def test_a_cancellation_ends_the_threads(write):
    paths = [write(tone(0.1), f"{i}.wav") for i in range(40)]
    context = RunContext(lambda stage, done, total: context.cancel())

    with pytest.raises(Cancelled):
        measure_sounds(paths, context, threads=2)


def test_a_sample_that_is_no_number_is_named(write):
    samples = tone()
    samples[10] = np.nan
    path = write(samples, subtype="FLOAT")

    with pytest.raises(AudioError) as raised:
        measure_sound(path)

    assert str(raised.value) == (
        f"{path} has a sample that is no sound; repair it in an audio editor or export it again."
    )
