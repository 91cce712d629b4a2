"""Tests of labels and posteriors as TextGrids."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clser_engine.errors import FormatError
from clser_engine.formats import labels_textgrid, posteriors_textgrid
from clser_engine.formats.rows import LabelRow
from clser_engine.formats.textgrid_file import Tier, read_tiers, write_tiers


def row(start_s, end_s, answer, path="talk.wav"):
    return LabelRow(path=path, answer=answer, start_s=start_s, end_s=end_s, duration_s=10.0)


def answers(rows):
    return sorted((r.path, r.start_s, r.end_s, r.answer) for r in rows if r.start_s is not None)


def test_stretches_and_whole_recordings_have_their_tiers(tmp_path):
    rows = [row(1.0, 2.0, "anger"), row(None, None, "neutral"), row(None, None, "unsure")]

    [file] = labels_textgrid.write_labels(tmp_path, rows, overwrite=False)

    assert file == tmp_path / "talk.TextGrid"
    assert read_tiers(file) == [
        Tier(name="emotion", intervals=((1.0, 2.0, "anger"),)),
        Tier(name="utterance", intervals=((0.0, 10.0, "neutral"),)),
        Tier(name="utterance 2", intervals=((0.0, 10.0, "unsure"),)),
    ]


def test_gaps_are_empty_intervals(tmp_path):
    [file] = labels_textgrid.write_labels(tmp_path, [row(1.0, 2.0, "anger")], overwrite=False)

    text = file.read_text("utf-8")
    assert "intervals: size = 3" in text
    assert text.count('text = ""') == 2


def test_labels_that_overlap_go_to_further_tiers(tmp_path):
    rows = [row(0.0, 3.0, "anger"), row(2.0, 5.0, "neutral"), row(3.0, 4.0, "sadness")]

    [file] = labels_textgrid.write_labels(tmp_path, rows, overwrite=False)

    assert [(tier.name, len(tier.intervals)) for tier in read_tiers(file)] == [
        ("emotion", 2),
        ("emotion 2", 1),
    ]
    assert answers(labels_textgrid.read_labels(file)) == answers(
        [replace(r, path="talk") for r in rows]
    )


spans = st.tuples(st.integers(0, 9000), st.integers(1, 900)).map(
    lambda t: (t[0] / 1000, t[0] / 1000 + t[1] / 1000)
)
words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=12)


@settings(deadline=None, max_examples=80)
@given(labels=st.lists(st.tuples(spans, words), min_size=1, max_size=6))
def test_answers_and_times_come_back(tmp_path_factory, labels):
    rows = [row(*span, word) for span, word in labels]

    [file] = labels_textgrid.write_labels(tmp_path_factory.mktemp("t"), rows, overwrite=False)

    back = answers(labels_textgrid.read_labels(file))
    expected = answers([replace(r, path="talk") for r in rows])
    assert [r[3] for r in back] == [r[3] for r in expected]
    np.testing.assert_allclose([r[1:3] for r in back], [r[1:3] for r in expected], atol=1e-6)


def test_recordings_of_one_name_get_files_of_their_own(tmp_path):
    rows = [row(None, None, "anger", "a/talk.wav"), row(None, None, "neutral", "b/Talk.wav")]

    files = labels_textgrid.write_labels(tmp_path / "new", rows, overwrite=False)

    assert [file.name for file in files] == ["talk.TextGrid", "Talk_2.TextGrid"]
    assert {r.path: r.answer for r in labels_textgrid.read_labels(tmp_path / "new")} == {
        "talk": "anger",
        "Talk_2": "neutral",
    }


def test_one_file_in_the_way_stops_all(tmp_path):
    (tmp_path / "b.TextGrid").write_text("mine")
    rows = [row(None, None, "anger", "a.wav"), row(None, None, "anger", "b.wav")]

    with pytest.raises(FormatError) as raised:
        labels_textgrid.write_labels(tmp_path, rows, overwrite=False)

    assert str(raised.value) == (
        f"{tmp_path / 'b.TextGrid'} exists already and nothing was written; "
        "choose another folder or allow replacing."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["b.TextGrid"]


def test_the_length_of_the_recording_must_be_known(tmp_path):
    unknown = LabelRow(path="talk.wav", answer="anger")

    with pytest.raises(FormatError) as raised:
        labels_textgrid.write_labels(tmp_path, [unknown], overwrite=False)

    assert str(raised.value) == (
        "A TextGrid needs the length of talk.wav, which is not known; "
        "open the recording once or export to CSV."
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            b"ooBinaryFile\x08TextGrid\x00\x00",
            "{file} is a binary Praat file; open it in Praat and save it as a text file.",
        ),
        (b"hello", "{file} is not a TextGrid; choose a file that Praat saved as one."),
        (
            b'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\n',
            "{file} is a damaged TextGrid; open it in Praat, correct it and save it again.",
        ),
    ],
)
def test_what_is_no_textgrid_is_named(tmp_path, content, sentence):
    file = tmp_path / "x.TextGrid"
    file.write_bytes(content)

    with pytest.raises(FormatError) as raised:
        labels_textgrid.read_labels(file)

    assert str(raised.value) == sentence.format(file=file)


def test_a_textgrid_without_our_tiers_is_refused(tmp_path):
    file = tmp_path / "x.TextGrid"
    write_tiers(file, [Tier(name="word", intervals=((0.0, 1.0, "hi"),))], 2.0, overwrite=False)

    with pytest.raises(FormatError) as raised:
        labels_textgrid.read_labels(file)

    assert str(raised.value) == (
        f"{file} has no tier named 'emotion' or 'utterance' (its interval tiers: 'word'); "
        "rename the tier that holds the labels in Praat."
    )


def test_a_folder_without_textgrids_is_named(tmp_path):
    with pytest.raises(FormatError, match="holds no TextGrid; choose another folder"):
        labels_textgrid.read_labels(tmp_path)


def test_what_a_model_says_cannot_be_imported_as_labels(tmp_path, make_analysis):
    file = tmp_path / "x.TextGrid"
    posteriors_textgrid.write_posteriors(file, make_analysis(), Path("a.wav"), overwrite=False)

    with pytest.raises(FormatError, match="has no tier named"):
        labels_textgrid.read_labels(file)


def test_stretches_of_one_emotion_stand_where_somebody_speaks(tmp_path, make_analysis):
    analysis = make_analysis(50)
    file = tmp_path / "x.TextGrid"

    posteriors_textgrid.write_posteriors(file, analysis, Path("a.wav"), overwrite=False)

    stretches, whole = read_tiers(file)
    assert whole.intervals == ((0.0, pytest.approx(analysis.duration_s), "sadness 0.62"),)
    assert stretches.intervals == (
        (pytest.approx(0.1), pytest.approx(0.4), "anger"),
        (pytest.approx(0.4), pytest.approx(1.28), "sadness"),
    )
    assert file.read_text("utf-8").count('text = ""') == 2


def test_a_recording_without_speech_has_no_emotion(tmp_path, make_analysis):
    analysis = replace(make_analysis(1), duration_s=0.03, segments=())
    file = tmp_path / "x.TextGrid"

    posteriors_textgrid.write_posteriors(file, analysis, Path("a.wav"), overwrite=False)

    assert [tier.intervals for tier in read_tiers(file)] == [
        (),
        ((0.0, pytest.approx(0.03), "sadness 0.62"),),
    ]


def test_every_textgrid_fixture_opens_or_says_why(shared):
    root = shared / "fixtures"
    with open(root / "fixtures.csv", encoding="utf-8", newline="") as table:
        files = [root / r["path"] for r in csv.DictReader(table) if r["kind"] == "textgrid"]

    sentences = {}
    for file in files:
        try:
            read_tiers(file)
        except FormatError as error:
            sentences[file] = str(error)

    assert len(files) - len(sentences) >= 51
    for file, sentence in sentences.items():
        assert sentence.startswith(f"{file} is ")
        assert sentence.endswith(".")
        assert "\n" not in sentence
    damaged = {file.name for file in sentences if file.suffix == ".TextGrid"}
    assert damaged == {"H_problem.TextGrid"}
