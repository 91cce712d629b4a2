"""Tests of clser_engine.data.features_cache and clser_engine.data.recording_hashes."""

import hashlib
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from clser_engine.data import features_cache, recording_hashes
from clser_engine.data.features_cache import (
    cache_folder,
    compute_features,
    list_cache,
    make_room,
    recordings_hash,
)
from clser_engine.data.manifest import Utterance
from clser_engine.data.recording_hashes import hash_recordings
from clser_engine.errors import AudioError, Cancelled
from clser_engine.runtime import RunContext

AN_HOUR_AGO = time.time() - 4000


def as_utterance(path, emotion="anger"):
    return Utterance(path=path, emotion=emotion, speaker="s", language="deu", corpus="c")


def write_noise(path, seed, seconds=0.5):
    rng = np.random.default_rng(seed)
    soundfile.write(path, 0.1 * rng.standard_normal(round(seconds * 16_000)), 16_000)
    os.utime(path, (AN_HOUR_AGO, AN_HOUR_AGO))


@pytest.fixture
def recordings(tmp_path, monkeypatch):
    """Three recordings, old enough to be remembered."""
    monkeypatch.setattr(recording_hashes, "MIN_AGE_S", -1.0)
    for number in range(3):
        write_noise(tmp_path / f"{number}.wav", number, 0.4 + 0.1 * number)
    return [as_utterance(tmp_path / f"{number}.wav") for number in range(3)]


@pytest.fixture
def computed(monkeypatch):
    """Names of the recordings whose features are computed, one by one."""
    names = []
    compute = features_cache._compute

    def watch(path, *rest):
        names.append(path.name)
        return compute(path, *rest)

    monkeypatch.setattr(features_cache, "_compute", watch)
    return names


def assert_equal(one, other):
    np.testing.assert_array_equal(one.functionals, other.functionals)
    for left, right in zip(one.descriptors, other.descriptors, strict=True):
        np.testing.assert_array_equal(left, right)


def test_features_are_computed_once(recordings, computed):
    first = compute_features(recordings)
    again = compute_features(recordings)

    assert computed == ["0.wav", "1.wav", "2.wav"]
    assert_equal(first, again)
    assert first.functionals.dtype == np.float32


def test_sets_that_overlap_share_what_they_have_in_common(recordings, computed):
    two = compute_features(recordings[1:])
    three = compute_features(recordings)

    assert computed == ["1.wav", "2.wav", "0.wav"]
    assert_equal(two, three.select([1, 2]))


def test_a_recording_is_known_by_what_is_in_it(recordings, computed, tmp_path):
    first = compute_features(recordings[:1])
    moved = tmp_path / "moved.wav"
    recordings[0].path.rename(moved)

    again = compute_features([as_utterance(moved, "sadness")])

    assert computed == ["0.wav"]
    assert_equal(first, again)
    assert again.utterances[0].emotion == "sadness"


def test_a_changed_recording_of_equal_size_and_date_is_noticed(recordings, computed):
    path = recordings[0].path
    before = compute_features(recordings[:1])
    write_noise(path, 99, 0.4)

    after = compute_features(recordings[:1])

    assert computed == ["0.wav", "0.wav"]
    assert not np.array_equal(before.functionals, after.functionals)


def test_alteration_and_code_are_part_of_the_key(recordings, computed, monkeypatch):
    compute_features(recordings[:1])
    compute_features(recordings[:1], 1)
    monkeypatch.setattr(features_cache, "code_hash", lambda: "other code")
    compute_features(recordings[:1])

    assert len(computed) == 3


@pytest.mark.parametrize("damage", [b"", b"{}", "cut"])
def test_a_damaged_file_is_computed_again(recordings, computed, damage):
    first = compute_features(recordings[:1])
    [stored] = cache_folder().glob("*/*.safetensors")
    stored.write_bytes(stored.read_bytes()[:-40] if damage == "cut" else damage)

    again = compute_features(recordings[:1])

    assert len(computed) == 2
    assert_equal(first, again)
    assert_equal(first, compute_features(recordings[:1]))
    assert len(computed) == 2


def test_what_was_computed_before_a_cancellation_stays(recordings, computed):
    def cancel_at_the_second(stage, done, total):
        if (stage, done) == ("features", 1):
            context.cancel()

    context = RunContext(cancel_at_the_second)

    with pytest.raises(Cancelled):
        compute_features(recordings, context=context)
    assert computed == ["0.wav", "1.wav"]
    compute_features(recordings)

    assert computed == ["0.wav", "1.wav", "2.wav"]


def test_several_processes_fill_the_same_folder(recordings):
    """Four at once, each computing the same: all succeed, nothing half-written is left."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from clser_engine.data.features_cache import compute_features\n"
        "from clser_engine.data.manifest import Utterance\n"
        "us = [Utterance(path=Path(p), emotion='e', speaker='s', language='deu', corpus='c')\n"
        "      for p in sys.argv[1:]]\n"
        "print(compute_features(us).functionals.astype('float64').sum())\n"
    )
    command = [sys.executable, "-c", code, *(str(u.path) for u in recordings)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) for _ in range(4)]
    sums = {process.communicate()[0] for process in running}

    assert [process.returncode for process in running] == [0] * 4
    assert sums == {
        f"{compute_features(recordings).functionals.astype('float64').sum()}\n".encode()
    }
    assert not list(cache_folder().rglob("*.partial"))
    assert len(list(cache_folder().rglob("*.safetensors"))) == 3


def test_features_are_had_where_none_can_be_kept(recordings, computed, home, caplog):
    (home / "cache").write_text("a file in the place of the folder")
    caplog.set_level(logging.INFO)

    features = compute_features(recordings)

    assert features.functionals.shape[0] == 3
    assert len(computed) == 3
    assert "Features are not kept in" in caplog.text


def test_a_missing_recording_is_named(tmp_path):
    with pytest.raises(AudioError) as raised:
        compute_features([as_utterance(tmp_path / "no.wav")])

    assert str(raised.value) == (
        f"The recording {tmp_path / 'no.wav'} cannot be read (No such file or directory); check "
        "that it is still there."
    )


def test_the_cache_can_be_looked_into_and_bounded(recordings):
    compute_features(recordings)
    compute_features(recordings[:1], 2)
    usual, altered = sorted(list_cache(), key=lambda folder: folder.alteration)

    assert [(f.alteration, f.is_current, f.recordings) for f in (usual, altered)] == [
        (0, True, 3),
        (2, True, 1),
    ]
    assert usual.num_bytes == sum(f.stat().st_size for f in usual.path.glob("*.safetensors"))
    assert make_room(keep=usual.path) == []
    os.utime(altered.path, (AN_HOUR_AGO, AN_HOUR_AGO))
    assert make_room(usual.num_bytes, keep=usual.path) == [altered.path]
    assert make_room(0, keep=usual.path) == []
    assert make_room(0) == [usual.path]
    assert list_cache() == []


def test_folders_in_use_by_others_stay(recordings):
    compute_features(recordings)
    compute_features(recordings, 1)
    usual = next(f for f in list_cache() if f.alteration == 0)

    assert make_room(0, keep=usual.path) == []


def test_hash_of_recordings_is_of_contents_labels_and_speakers(recordings, tmp_path):
    before = recordings_hash(recordings)
    moved = tmp_path / "elsewhere.wav"
    recordings[0].path.rename(moved)

    assert recordings_hash([as_utterance(moved), *recordings[1:]]) == before
    assert recordings_hash([as_utterance(moved, "fear"), *recordings[1:]]) != before
    assert recordings_hash([recordings[1], as_utterance(moved), recordings[2]]) != before


@pytest.fixture
def hashed(monkeypatch):
    names = []
    hash_file = recording_hashes.hash_file

    def watch(path, context):
        names.append(path.name)
        return hash_file(path, context)

    monkeypatch.setattr(recording_hashes, "hash_file", watch)
    return names


def test_unchanged_files_are_not_read_again(recordings, hashed, tmp_path):
    paths = [u.path for u in recordings]
    memory = tmp_path / "hashes.sqlite"

    first = hash_recordings(paths, memory)
    again = hash_recordings(paths, memory)

    assert first == again == [hashlib.sha256(p.read_bytes()).hexdigest() for p in paths]
    assert hashed == ["0.wav", "1.wav", "2.wav"]


def test_a_file_of_just_now_is_read_again(tmp_path, hashed):
    path = tmp_path / "new.wav"
    path.write_bytes(b"one")
    memory = tmp_path / "hashes.sqlite"

    first = hash_recordings([path], memory)
    path.write_bytes(b"two")

    assert hash_recordings([path], memory) != first
    assert hashed == ["new.wav", "new.wav"]


@pytest.mark.parametrize("content", [b"no database", None])
def test_a_memory_that_cannot_be_used_is_done_without(recordings, hashed, tmp_path, content):
    memory = tmp_path / "hashes.sqlite"
    if content is None:
        memory.mkdir()
    else:
        memory.write_bytes(content)
    paths = [u.path for u in recordings]

    assert hash_recordings(paths, memory) == hash_recordings(paths, memory)
    assert len(hashed) == 6
    assert Path(paths[0]).exists()
