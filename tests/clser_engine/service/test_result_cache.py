import errno
import os
from dataclasses import replace

import numpy as np
import pytest

from clser_engine.service import result_cache
from clser_engine.service.result_cache import ResultCache
from clser_engine.types import Analysis, EmotionSegment, ModelId, Posteriors, UtterancePosterior

MODEL = ModelId(name="default", sha256="ab" * 32)
AUDIO = "cd" * 32


@pytest.fixture
def analysis():
    values = np.random.default_rng(0).dirichlet(np.ones(4), size=500).astype(np.float32)
    return Analysis(
        duration_s=20.0,
        model=MODEL,
        posteriors=Posteriors(
            classes=("a", "b", "c", "d"), frame_rate_hz=25.0, values=values, speech=values[:, 0]
        ),
        segments=(EmotionSegment(start_s=0.25, end_s=1.5, emotion="b"),),
        utterance=UtterancePosterior(
            emotion="b",
            posterior=np.array([0.1, 0.7, 0.1, 0.1], np.float32),
            confidence=0.7,
            statistics="none",
            ood_score=0.75,
            is_known=False,
            notice="It is music.",
        ),
        functionals=np.arange(97, dtype=np.float32),
    )


def stored_file(folder):
    [path] = folder.rglob("*.npz")
    return path


def test_what_was_stored_is_found_unchanged(tmp_path, analysis):
    ResultCache(tmp_path).store(AUDIO, analysis)

    found = ResultCache(tmp_path).find(AUDIO, MODEL)

    np.testing.assert_array_equal(found.posteriors.values, analysis.posteriors.values)
    np.testing.assert_array_equal(found.posteriors.speech, analysis.posteriors.speech)
    assert found.segments == analysis.segments
    np.testing.assert_array_equal(found.functionals, analysis.functionals)
    np.testing.assert_array_equal(found.utterance.posterior, analysis.utterance.posterior)
    assert found.posteriors.values.dtype == np.float32
    assert found.posteriors.classes == ("a", "b", "c", "d")
    assert found.posteriors.frame_rate_hz == 25.0
    assert (found.duration_s, found.model) == (20.0, MODEL)
    assert (found.utterance.emotion, found.utterance.confidence) == ("b", 0.7)
    assert found.utterance.statistics == "none"
    assert (found.utterance.ood_score, found.utterance.is_known) == (0.75, False)
    assert found.utterance.notice == "It is music."
    functionals = ResultCache(tmp_path).find_functionals(AUDIO, MODEL)
    np.testing.assert_array_equal(functionals, analysis.functionals)


def test_functionals_are_read_from_disk_once_and_the_oldest_are_forgotten(
    tmp_path, analysis, monkeypatch
):
    monkeypatch.setattr(result_cache, "MAX_FUNCTIONALS", 2)
    cache = ResultCache(tmp_path)
    names = [f"{number:064x}" for number in range(3)]
    for number, name in enumerate(names):
        cache.store(name, replace(analysis, functionals=np.full(2, number, np.float32)))
        cache.find_functionals(name, MODEL)
    for path in tmp_path.rglob("*.npz"):
        path.unlink()

    assert cache.find_functionals(names[0], MODEL) is None
    for number in (1, 2):
        found = cache.find_functionals(names[number], MODEL)
        np.testing.assert_array_equal(found, np.full(2, number, np.float32))
    assert cache.find_functionals(names[1], replace(MODEL, sha256="00" * 32)) is None


def test_other_audio_and_other_model_are_misses(tmp_path, analysis):
    cache = ResultCache(tmp_path)
    cache.store(AUDIO, analysis)

    assert cache.find("ef" * 32, MODEL) is None
    assert cache.find(AUDIO, replace(MODEL, sha256="00" * 32)) is None
    assert cache.find_functionals("ef" * 32, MODEL) is None


def test_other_format_version_is_a_miss(tmp_path, analysis, monkeypatch):
    cache = ResultCache(tmp_path)
    cache.store(AUDIO, analysis)

    monkeypatch.setattr(result_cache, "FORMAT_VERSION", result_cache.FORMAT_VERSION + 1)

    assert cache.find(AUDIO, MODEL) is None


@pytest.mark.parametrize("how", ["empty", "truncated", "flipped", "text", "object"])
@pytest.mark.parametrize("call", ["find", "find_functionals"])
def test_damaged_entry_is_a_miss_and_goes(tmp_path, analysis, how, call):
    cache = ResultCache(tmp_path)
    cache.store(AUDIO, analysis)
    path = stored_file(tmp_path)
    whole = path.read_bytes()
    if how == "object":  # would need pickle, which is never used
        np.savez(path, facts=np.array([{}], object), functionals=np.array([{}], object))
    else:
        flipped = bytearray(whole)
        for position in range(200, len(flipped), 200):
            flipped[position] ^= 0xFF
        damaged = {
            "empty": b"",
            "truncated": whole[: len(whole) // 2],
            "flipped": bytes(flipped),
            "text": b"not an archive",
        }
        path.write_bytes(damaged[how])

    assert getattr(cache, call)(AUDIO, MODEL) is None
    assert not path.exists()


def test_entry_of_another_shape_is_a_miss(tmp_path, analysis):
    cache = ResultCache(tmp_path)
    assert analysis.posteriors.speech is not None
    wrong = replace(analysis.posteriors, speech=analysis.posteriors.speech[1:])
    cache.store(AUDIO, replace(analysis, posteriors=wrong))
    assert cache.find(AUDIO, MODEL) is None
    wrong = replace(analysis.posteriors, classes=("a", "b"))
    cache.store(AUDIO, replace(analysis, posteriors=wrong))

    assert cache.find(AUDIO, MODEL) is None


def test_full_disk_costs_nothing_but_speed(tmp_path, analysis, monkeypatch):
    cache = ResultCache(tmp_path)

    def full(file, **arrays):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    cache.store(AUDIO, analysis)

    assert cache.find(AUDIO, MODEL) is None
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_folder_that_cannot_be_made_costs_nothing_but_speed(tmp_path, analysis):
    (tmp_path / "file").write_text("in the way")
    cache = ResultCache(tmp_path / "file")

    cache.store(AUDIO, analysis)

    assert cache.find(AUDIO, MODEL) is None


def test_least_recently_used_entries_make_room(tmp_path, analysis):
    ResultCache(tmp_path).store("0" * 64, analysis)
    size = stored_file(tmp_path).stat().st_size
    cache = ResultCache(tmp_path, max_bytes=4 * size + size // 2)
    for number in range(1, 4):
        cache.store(f"{number}" * 64, analysis)
    for age, path in enumerate(sorted(tmp_path.rglob("*.npz"), key=lambda p: p.stat().st_mtime_ns)):
        os.utime(path, (1000 + age, 1000 + age))
    assert cache.find("0" * 64, MODEL) is not None  # used again, so the newest now

    cache.store("4" * 64, analysis)

    kept = {n for n in range(5) if cache.find(f"{n}" * 64, MODEL) is not None}
    assert kept == {0, 2, 3, 4} or kept == {0, 3, 4}
    assert 1 not in kept
    assert sum(p.stat().st_size for p in tmp_path.rglob("*.npz")) <= 4 * size + size // 2
