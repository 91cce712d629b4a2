"""Tests of app.domain: ids, spans, edits and what checks them."""

import re
import threading
import time
from dataclasses import replace

import pytest

from app.domain.clip_edits import counted
from app.domain.clips import Clip
from app.domain.edits import NO_EDIT, Edit, merged
from app.domain.emotion_edits import check_emotions, with_more
from app.domain.ids import new_id
from app.domain.label_edits import file_stem, move_edit, spoken
from app.domain.labels import Label, Origin
from app.domain.time_span import TimeSpan
from clser_engine.labels import USUAL_EMOTIONS, Emotion, usual_emotion


def make_label(label_id, answer="anger"):
    return Label(
        label_id=label_id,
        clip_id="c",
        answer=answer,
        origin=Origin.HAND,
        annotator="me",
        created_at="",
    )


def test_ids_are_uuids_of_version_7_that_sort_by_time():
    before_ms = time.time_ns() // 1_000_000
    ids = [new_id() for _ in range(10_000)]

    assert ids == sorted(set(ids))
    assert all(re.fullmatch("[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}", one) for one in ids)
    assert 0 <= int(ids[0][:12], 16) - before_ms < 60_000


def test_ids_of_several_threads_are_never_the_same():
    ids = []
    threads = [
        threading.Thread(target=lambda: ids.extend([new_id() for _ in range(2000)]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({one[:16] for one in ids}) == 8000


def test_an_inverse_of_an_inverse_is_the_edit():
    four = USUAL_EMOTIONS[:4]
    edit = Edit(
        name="X",
        removed_labels=(make_label("a"),),
        added_labels=(make_label("b"),),
        removed_clips=(Clip(clip_id="c", path="p"),),
        added_clips=(Clip(clip_id="d", path="q"),),
        emotions_before=four,
        emotions_after=four[:2],
    )

    assert edit.inverse() != edit
    assert edit.inverse().added_labels == edit.removed_labels
    assert edit.inverse().inverse() == edit
    assert NO_EDIT.is_empty
    assert not edit.is_empty


def test_edits_merge_to_what_they_do_together():
    clip = Clip(clip_id="c", path="p")
    one, two, other = make_label("a"), make_label("a", "fear"), make_label("b")
    four, three, two_left = USUAL_EMOTIONS[:4], USUAL_EMOTIONS[:3], USUAL_EMOTIONS[:2]

    edit = merged(
        "All",
        [
            Edit(name="", added_clips=(clip,), added_labels=(other,)),
            Edit(name="", removed_labels=(one,), added_labels=(two,)),
            Edit(name="", emotions_before=four, emotions_after=three),
            Edit(name="", emotions_before=three, emotions_after=two_left),
            Edit(name="", removed_labels=(other,), removed_clips=(clip,)),
        ],
    )

    assert edit == Edit(
        name="All",
        removed_labels=(one,),
        added_labels=(two,),
        emotions_before=four,
        emotions_after=two_left,
    )


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"name": " joy"}, "An emotion is named ' joy'; give it a name without spaces around it."),
        ({"name": ""}, "An emotion is named ''; give it a name without spaces around it."),
        ({"name": "unsure"}, "unsure is always there as an answer; choose another name."),
        ({"letter": "AB"}, "The letter of fear is 'AB'; give it one character."),
        ({"colour": "red"}, "The colour of fear is 'red'; write it like #D55E00."),
        ({"key": "0"}, "The key of fear is '0'; give it a digit from 1 to 9."),
        ({"name": "anger"}, "Two emotions have the name 'anger'; change one of them."),
        ({"letter": "A"}, "Two emotions have the letter 'A'; change one of them."),
        ({"key": "1"}, "Two emotions have the key '1'; change one of them."),
        ({"key": ""}, ""),
        ({}, ""),
    ],
)
def test_a_set_of_emotions_that_cannot_be_used_is_named(changed, sentence):
    values = {"name": "fear", "letter": "F", "colour": "#CC79A7", "key": "5", **changed}

    assert check_emotions([usual_emotion("anger"), Emotion(**values)]) == sentence


def test_an_empty_set_cannot_be_used():
    assert check_emotions([]) == "The set of emotions is empty; add at least one."


def test_emotions_that_are_added_are_told_apart():
    names = ["anger again", "fear", *(f"{letter}x" for letter in "abcdefghij")]

    emotions = with_more(USUAL_EMOTIONS[:4], names)

    assert check_emotions(emotions) == ""
    assert [emotion.name for emotion in emotions[4:]] == names
    assert {emotion.key for emotion in emotions} == {*"123456789", ""}
    assert next(e for e in emotions if e.name == "fear").letter == "F"


def test_words_for_people():
    assert counted(1, "label") == "1 label"
    assert counted(10_000, "label") == "10,000 labels"
    assert spoken("none_of_these") == "none of these"
    assert spoken("two_words") == "two_words"
    assert file_stem("C:\\talks\\k.1.wav") == "k.1"
    assert file_stem("/talks/.wav") == ".wav"
    assert TimeSpan(0.5, 2.0).duration_s == 1.5
    assert make_label("a").is_whole_clip


def test_a_moved_label_takes_the_place_of_the_answer_about_that_stretch():
    moved = replace(make_label("a"), start_s=1.0, end_s=2.0)
    there = replace(make_label("b", "sadness"), start_s=1.0, end_s=3.0)
    of_another = replace(there, label_id="c", annotator="you")

    edit = move_edit([moved, there, of_another], moved, TimeSpan(1.0, 3.0), "k_1")

    assert edit.name == "Move label anger of k_1"
    assert edit.removed_labels == (moved, there)
    assert edit.added_labels == (replace(moved, end_s=3.0),)
    assert move_edit([moved], moved, TimeSpan(1.0, 2.0), "k_1") is None
