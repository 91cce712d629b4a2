"""Tests of clser_engine.formats.stems."""

from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clser_engine.formats.stems import unique_stems


@pytest.mark.parametrize(
    ("names", "stems"),
    [
        (["a.wav", "b.wav"], ["a", "b"]),
        (["x/a.wav", "y/a.flac", "z/a.mp3"], ["a", "a_2", "a_3"]),
        (["x/A.wav", "y/a.wav"], ["A", "a_2"]),
        (["x/a.wav", "y/a.wav", "a_2.wav"], ["a", "a_3", "a_2"]),
        (["a.b.wav"], ["a.b"]),
    ],
)
def test_the_first_of_a_name_keeps_it(names, stems):
    assert list(unique_stems([PurePath(name) for name in names]).values()) == stems


def test_a_recording_named_twice_counts_once():
    assert unique_stems([PurePath("a.wav"), PurePath("a.wav")]) == {PurePath("a.wav"): "a"}


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from(["a", "A", "a_2", "a_2_2"]))))
def test_no_two_are_the_same(names):
    paths = [PurePath(folder, f"{name}.wav") for folder, name in names]

    stems = unique_stems(paths)

    assert stems.keys() == set(paths)
    assert len({stem.casefold() for stem in stems.values()}) == len(stems)
