"""Tests of app.domain.speakers."""

import pytest

from app.domain.clips import Clip
from app.domain.speakers import SpeakerSource, speaker_of, speakers_edit, speakers_in_words


@pytest.mark.parametrize(
    ("path", "source", "speaker"),
    [
        ("/corpus/ann/anger/1.wav", SpeakerSource.FOLDER, "anger"),
        ("/corpus/ann/anger/1.wav", SpeakerSource.FOLDER_ABOVE, "ann"),
        (r"C:\corpus\ann\1.wav", SpeakerSource.FOLDER, "ann"),
        ("/1.wav", SpeakerSource.FOLDER, ""),
        ("1.wav", SpeakerSource.FOLDER_ABOVE, ""),
        ("/c/s07_anger_1.wav", SpeakerSource.FILE_START, "s07"),
        ("/c/03-01-05.wav", SpeakerSource.FILE_START, "03"),
        ("/c/ann 1.wav", SpeakerSource.FILE_START, "ann"),
        ("/c/03a01Fa.wav", SpeakerSource.FILE_START, ""),
    ],
)
def test_a_path_tells_the_speaker_or_nothing(path, source, speaker):
    assert speaker_of(path, source) == speaker


def test_the_first_speakers_are_named():
    paths = [f"/c/s{number}/1.wav" for number in range(6)]

    assert speakers_in_words(paths, SpeakerSource.FOLDER) == "6 speakers: s0, s1, s2, s3, …"
    assert speakers_in_words(paths[:1], SpeakerSource.FOLDER) == "1 speaker: s0"
    assert speakers_in_words(paths, SpeakerSource.FILE_START) == "tells no speaker"


def test_clips_that_get_no_other_name_stay():
    clips = [
        Clip(clip_id="a", path="/ann/1.wav"),
        Clip(clip_id="b", path="/ben/2.wav", speaker="ben"),
        Clip(clip_id="c", path="/3.wav", speaker="cem"),
    ]

    edit = speakers_edit(clips, {"a": "ann", "b": "ben", "c": ""})

    assert edit is not None
    assert edit.name == "Set speaker of 1"
    assert [clip.speaker for clip in edit.added_clips] == ["ann"]
    assert speakers_edit(clips[1:], {"b": "ben"}) is None
