"""Tests of app.services.view_cache."""

import os
import shutil

import numpy as np
import pytest

from app.services.view_cache import HEADER_BYTES, ViewCache, cache_key

PLAN = [("peaks0", "<i2", (5, 3)), ("columns2", "|u1", (7, 11))]


@pytest.fixture
def cache(tmp_path):
    return ViewCache(tmp_path / "views")


def fill(cache, key, value=7):
    entry = cache.begin(key, PLAN)
    entry.arrays["peaks0"][:] = value
    entry.arrays["columns2"][:] = value + 1
    cache.finish(key, PLAN, {"num_frames": 5})


def test_what_was_kept_comes_back(cache):
    fill(cache, "one")

    entry = cache.load("one")

    assert entry.facts == {"num_frames": 5}
    assert entry.arrays["peaks0"].shape == (5, 3)
    assert (entry.arrays["peaks0"] == 7).all()
    assert (entry.arrays["columns2"] == 8).all()


def test_nothing_is_found_before_it_is_finished(cache):
    cache.begin("one", PLAN)

    assert cache.load("one") is None

    cache.abandon("one")
    assert list(cache.folder.iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:100],
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: b"XXXX" + data[4:],
        lambda data: data[:30] + b"?" + data[31:],
        lambda data: data[:HEADER_BYTES],
        lambda data: data[:-8] + b"\0" * 8,
    ],
)
def test_a_damaged_entry_is_dropped_and_can_be_made_again(cache, damage):
    fill(cache, "one")
    path = cache.folder / "one.view"
    path.write_bytes(damage(path.read_bytes()))

    assert cache.load("one") is None
    assert not path.exists()

    fill(cache, "one", value=9)
    assert (cache.load("one").arrays["peaks0"] == 9).all()


def test_the_least_recently_used_go_first(tmp_path):
    cache = ViewCache(tmp_path / "views", capacity_bytes=3 * (HEADER_BYTES + 200))
    for age, key in enumerate(["old", "middle", "new"]):
        fill(cache, key)
        os.utime(cache.folder / f"{key}.view", (1000 + age, 1000 + age))
    cache.load("old")  # used just now

    fill(cache, "newest")

    assert sorted(path.stem for path in cache.folder.iterdir()) == ["new", "newest", "old"]


def test_an_entry_larger_than_the_capacity_is_still_usable(tmp_path):
    cache = ViewCache(tmp_path / "views", capacity_bytes=1)

    fill(cache, "one")

    assert cache.load("one") is not None


def test_a_folder_that_cannot_be_written_costs_only_the_cache(tmp_path):
    (tmp_path / "views").write_text("a file where the folder should be")
    cache = ViewCache(tmp_path / "views")

    entry = cache.begin("one", PLAN)
    entry.arrays["peaks0"][:] = 1
    cache.finish("one", PLAN, {})

    assert (entry.arrays["peaks0"] == 1).all()
    assert cache.load("one") is None


def test_the_key_follows_the_content_and_the_channel(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(bytes(200_000))
    os.utime(path, ns=(1, 1))
    keys = {cache_key(path, None), cache_key(path, 0), cache_key(path, 1)}
    assert len(keys) == 3

    for position in (0, 199_999):  # same size, same time, other bytes at an end
        changed = bytearray(200_000)
        changed[position] = 1
        path.write_bytes(changed)
        os.utime(path, ns=(1, 1))
        keys.add(cache_key(path, None))
    os.utime(path, ns=(2, 2))
    keys.add(cache_key(path, None))

    assert len(keys) == 6


def test_the_key_is_stable(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"abc")
    copy = shutil.copy2(path, tmp_path / "b.wav")

    assert cache_key(path, None) == cache_key(path, None)
    assert cache_key(path, None) != cache_key(copy, None)


def test_a_full_disk_costs_only_the_cache(cache, monkeypatch):
    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.services.view_cache._reserve", no_space)

    entry = cache.begin("one", PLAN)
    entry.arrays["peaks0"][:] = 1  # must not touch a page that has no space behind it
    cache.finish("one", PLAN, {})

    assert not isinstance(entry.arrays["peaks0"].base, np.memmap)
    assert list(cache.folder.iterdir()) == []


def test_the_space_is_taken_before_it_is_mapped(cache):
    cache.begin("one", [("peaks0", "<i2", (100_000, 3))])

    [part] = cache.folder.iterdir()

    assert part.stat().st_blocks * 512 >= 600_000
