"""Tests of clser_engine.data.splits."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

from clser_engine.data.splits import (
    assert_disjoint,
    find_leaks,
    leave_one_language_out,
    require_classes,
    split_by_speaker,
)
from clser_engine.errors import BadValueError, ManifestError

EMOTIONS = ("anger", "sadness", "neutral")


def paths(utterances):
    return sorted(u.path for u in utterances)


@pytest.fixture
def world(utterance):
    """Two corpora in two languages that use the same ten speaker names."""
    return [
        utterance(f"{speaker}-{emotion}-{take}", emotion, f"{speaker}", language, corpus)
        for language, corpus in (("deu", "one"), ("ita", "two"))
        for speaker in range(10)
        for emotion in EMOTIONS
        for take in range(2 + speaker % 3)
    ]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.1, 0.2, 0.3])
def test_parts_share_no_speaker_and_keep_the_share_of_each_class(world, share, seed):
    split = split_by_speaker(world, share, seed)

    keys = [{u.speaker_key for u in part} for part in (split.train, split.validation)]
    assert not keys[0] & keys[1]
    assert paths(split.train + split.validation) == paths(world)
    for corpus in ("one", "two"):
        whole = Counter(u.emotion for u in world if u.corpus == corpus)
        aside = Counter(u.emotion for u in split.validation if u.corpus == corpus)
        for emotion in EMOTIONS:
            assert aside[emotion] / whole[emotion] == pytest.approx(share, abs=0.08)


def test_seeds_decide_who_is_set_aside(world):
    chosen = {
        frozenset(u.speaker_key for u in split_by_speaker(world, 0.2, seed).validation)
        for seed in range(8)
    }

    assert len(chosen) > 4
    assert split_by_speaker(world, 0.2, 3) == split_by_speaker(world, 0.2, 3)


def test_order_of_the_recordings_does_not_decide(world):
    there = {u.path for u in split_by_speaker(world, 0.2, 1).validation}
    back = {u.path for u in split_by_speaker(world[::-1], 0.2, 1).validation}

    assert there == back


def test_no_class_disappears_from_training(utterance):
    """Speakers of one emotion each, as in URDU: the only one with fear has to stay."""
    emotions = ["anger", "anger", "sadness", "sadness", "fear"]
    world = [
        utterance(f"{s}-{take}", emotion, str(s))
        for s, emotion in enumerate(emotions)
        for take in range(4)
    ]

    for seed in range(10):
        split = split_by_speaker(world, 0.4, seed)
        assert {u.emotion for u in split.train} == {"anger", "sadness", "fear"}
        assert {u.emotion for u in split.validation} <= {"anger", "sadness"}


def test_one_speaker_cannot_be_split(utterance):
    with pytest.raises(ManifestError) as raised:
        split_by_speaker([utterance(i) for i in range(5)], 0.2, 0)

    assert str(raised.value) == (
        "No speaker can be set aside for validation: every one of the 1 speakers is the only one "
        "with some class of the corpus; add speakers."
    )


@pytest.mark.parametrize("share", [0.0, -1.0, 0.6])
def test_bad_share_is_named(world, share):
    with pytest.raises(BadValueError) as raised:
        split_by_speaker(world, share, 0)

    assert str(raised.value) == f"Bad share: got {share}, expected above 0 and at most 0.5."


def test_each_language_is_left_out_once_whatever_code_it_has(utterance):
    tags = ["deu", "de", "de-AT", "ita", "por", "pt-BR"]
    world = [utterance(i, speaker=str(i), language=tag) for i, tag in enumerate(tags)]

    folds = leave_one_language_out(world)

    assert [fold.language for fold in folds] == ["deu", "ita", "por"]
    assert [len(fold.target) for fold in folds] == [3, 1, 2]
    assert all(paths(fold.sources + fold.target) == paths(world) for fold in folds)


def test_one_language_cannot_be_left_out(utterance):
    with pytest.raises(ManifestError) as raised:
        leave_one_language_out([utterance(0, language="de"), utterance(1, language="deu")])

    assert str(raised.value) == (
        "Leaving a language out needs two languages or more; all 2 recordings are in deu."
    )


def test_a_speaker_in_two_parts_is_refused(utterance):
    parts = {"train": [utterance(0), utterance(1)], "test": [utterance(2)]}

    with pytest.raises(ManifestError) as raised:
        assert_disjoint(parts)

    assert str(raised.value) == (
        "The speaker deu/c/s is in train (2 recordings) and in test (1 recording); "
        "keep every speaker in one part."
    )


def test_a_recording_in_two_parts_is_refused(utterance):
    parts = {"train": [utterance(0, speaker="a")], "test": [utterance(0, speaker="b")]}

    [leak] = find_leaks(parts)

    assert leak == (
        "The recording /corpora/deu/c/0.wav is in train (1 recording) and in test (1 recording); "
        "keep it in one part."
    )


def test_a_recording_that_is_filed_under_two_languages_is_refused(utterance):
    german = utterance(0, language="deu")
    world = [german, replace(utterance(1, language="ita"), path=german.path)]

    with pytest.raises(ManifestError, match=r"0\.wav is in the sources .* and in the target deu"):
        leave_one_language_out(world)


def test_a_link_to_a_recording_is_that_recording(utterance, tmp_path):
    (tmp_path / "a.wav").touch()
    (tmp_path / "b.wav").symlink_to(tmp_path / "a.wav")
    one, other = (
        replace(utterance(0, speaker=name), path=tmp_path / f"{name}.wav") for name in "ab"
    )

    [leak] = find_leaks({"train": [one], "test": [other]})

    assert leak.startswith(f"The recording {(tmp_path / 'a.wav').resolve()} is in train")


def test_equal_names_in_two_corpora_are_two_speakers(utterance):
    assert_disjoint({"train": [utterance(0, corpus="a")], "test": [utterance(0, corpus="b")]})


def test_disjointness_is_checked_without_assertions_too():
    """`python -O` removes `assert`; the check must not be one."""
    code = (
        "from pathlib import Path\n"
        "from clser_engine.data.manifest import Utterance\n"
        "from clser_engine.data.splits import assert_disjoint\n"
        "one = Utterance(path=Path('a'), emotion='e', speaker='s', language='deu', corpus='c')\n"
        "assert_disjoint({'train': [one], 'test': [one]})\n"
    )
    finished = subprocess.run([sys.executable, "-O", "-c", code], capture_output=True, text=True)

    assert "ManifestError: The speaker deu/c/s is in train" in finished.stderr


def test_an_empty_class_is_refused(utterance):
    parts = {"train": [utterance(0), utterance(1, "sadness")], "validation": [utterance(2)]}

    require_classes(parts, ["anger"])
    with pytest.raises(ManifestError) as raised:
        require_classes(parts, ["anger", "sadness"])

    assert str(raised.value) == (
        "The class 'sadness' has no recording in validation, which has anger (1); leave the class "
        "out or add recordings of it."
    )
