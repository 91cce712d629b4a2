"""Tests of the label formats that keep everything: CSV and JSON."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clser_engine.errors import FormatError
from clser_engine.formats import labels_csv, labels_json
from clser_engine.formats.rows import ORIGINS, LabelRow
from clser_engine.formats.table import LABEL_FORMATS

ROW = LabelRow(path="a.wav", answer="anger", start_s=0.5, end_s=1.25, origin="hand", speaker="S, 1")
LOSSLESS = [labels_csv, labels_json]

texts = st.text(max_size=30)  # any character, lone surrogates too: they stand for odd file names
times = st.floats(min_value=0, max_value=1e6, allow_nan=False)


@st.composite
def label_rows(draw):
    start_s = draw(st.none() | times)
    return LabelRow(
        path=draw(st.text(min_size=1, max_size=30)),
        answer=draw(st.text(min_size=1, max_size=30)),
        start_s=start_s,
        end_s=None if start_s is None else start_s + draw(st.floats(0.001, 1e4)),
        origin=draw(st.sampled_from(ORIGINS)),
        annotator=draw(texts),
        created_at=draw(texts),
        suggested_by=draw(texts),
        suggestion=draw(texts),
        suggestion_confidence=draw(st.none() | st.floats(0, 1)),
        suggestion_seen=draw(st.booleans()),
        language=draw(texts),
        speaker=draw(texts),
        duration_s=draw(st.none() | times),
    )


@pytest.mark.parametrize("labels_format", LOSSLESS)
@settings(deadline=None, max_examples=150)
@given(rows=st.lists(label_rows(), max_size=4))
def test_any_label_comes_back_as_it_was(tmp_path_factory, labels_format, rows):
    file = tmp_path_factory.mktemp("labels") / "labels"

    labels_format.write_labels(file, rows, overwrite=False)

    assert labels_format.read_labels(file) == rows


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@x",
        "\tx",
        "\rx",
        "'",
        "''",
        "'=1",
        "a\nb",
        "a\r\nb",
        'a"b',
        "\u0627 \u0628",
        " x ",
    ],
)
@pytest.mark.parametrize("labels_format", LOSSLESS)
def test_awkward_text_comes_back_as_it_was(tmp_path, labels_format, text):
    rows = [replace(ROW, path=text, speaker=text)]

    labels_format.write_labels(tmp_path / "x", rows, overwrite=False)

    assert labels_format.read_labels(tmp_path / "x") == rows


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula_to_a_spreadsheet(tmp_path, start):
    labels_csv.write_labels(tmp_path / "x.csv", [replace(ROW, path=f"{start}1")], overwrite=False)

    cell = (tmp_path / "x.csv").read_bytes().split(b"\r\n", 1)[1].lstrip(b'"')
    assert cell.startswith(b"'" + start.encode())


def test_a_spreadsheets_semicolons_and_missing_columns_are_read(tmp_path):
    (tmp_path / "x.csv").write_text("answer;path;note\r\nanger;a.wav;x\r\n\r\n", "utf-16")

    assert labels_csv.read_labels(tmp_path / "x.csv") == [LabelRow(path="a.wav", answer="anger")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "{file} is empty; it needs a first line with the column names."),
        (
            "path,emotion\na.wav,anger\n",
            "{file} has no column answer in its first line; add it or export the labels again.",
        ),
        (
            "path,answer\na.wav,anger\nb.wav,\n",
            "{file}, line 3, has no answer; correct it and import again.",
        ),
        (
            'path,answer,speaker\na.wav,anger,"two\nlines"\nb.wav,,\n',
            "{file}, line 4, has no answer; correct it and import again.",
        ),
        (
            "path,answer\na.wav,anger,x\n",
            (
                "{file}, line 2, has 3 cells but the first line names 2 columns; "
                "put text with commas into quotes."
            ),
        ),
        (
            "path,answer,start_s,end_s\na.wav,anger,one,2\n",
            "{file}, line 2, has 'one' as start_s, which is not a number; write it like 1.25.",
        ),
        (
            "path,answer,start_s,end_s\na.wav,anger,nan,2\n",
            "{file}, line 2, has a number that is not finite; correct it and import again.",
        ),
        (
            "path,answer,start_s,end_s\na.wav,anger,3,2\n",
            "{file}, line 2, does not end after it starts; correct it and import again.",
        ),
        (
            "path,answer,start_s,end_s\na.wav,anger,-1,2\n",
            "{file}, line 2, starts before 0 s; correct it and import again.",
        ),
        (
            "path,answer,start_s\na.wav,anger,1\n",
            "{file}, line 2, has only one of start_s and end_s; correct it and import again.",
        ),
        (
            "path,answer,suggestion_seen\na.wav,anger,perhaps\n",
            "{file}, line 2, has 'perhaps' as suggestion_seen; write true or false.",
        ),
        (
            "path,answer,origin\na.wav,anger,guess\n",
            (
                "{file}, line 2, has the origin 'guess', which is none of hand, accepted, "
                "imported; correct it and import again."
            ),
        ),
        (
            'path,answer\n"a.wav,anger\n',
            "{file}, line 2, is not a proper row of a table; correct its quotes.",
        ),
    ],
)
def test_a_bad_table_is_named_by_file_and_line(tmp_path, content, sentence):
    file = tmp_path / "x.csv"
    file.write_text(content, "utf-8")

    with pytest.raises(FormatError) as raised:
        labels_csv.read_labels(file)

    assert str(raised.value) == sentence.format(file=file)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "{file}, line 1, is not valid JSON; correct it or export again."),
        ("[]", "{file} holds no JSON object; export it again."),
        ("[" * 100_000, "{file} is nested too deeply; export it again."),
        ("{}", "{file} is JSON but holds no labels of CLSER Studio; choose another."),
        (
            '{"format": "clser-labels", "version": 2, "labels": []}',
            (
                "{file} has version 2 of the label format and this program reads 1; "
                "update the program."
            ),
        ),
        (
            '{"format": "clser-labels", "version": 1, "labels": [1]}',
            "{file}, label 1, is not an object; correct it and import again.",
        ),
        (
            '{"format": "clser-labels", "version": 1, "labels": [{"path": "a", "answer": 3}]}',
            "{file}, label 1, has 3 as answer, which should be text.",
        ),
        (
            '{"format": "clser-labels", "version": 1, "labels": [{"path": "a"}]}',
            "{file}, label 1, has no answer; correct it and import again.",
        ),
        (
            (
                '{"format": "clser-labels", "version": 1, "labels": '
                '[{"path": "a", "answer": "b", "suggestion_confidence": 2}]}'
            ),
            (
                "{file}, label 1, has a suggestion_confidence outside 0 to 1; "
                "correct it and import again."
            ),
        ),
    ],
)
def test_bad_json_is_named_by_file_and_label(tmp_path, content, sentence):
    file = tmp_path / "x.json"
    file.write_text(content, "utf-8")

    with pytest.raises(FormatError) as raised:
        labels_json.read_labels(file)

    assert str(raised.value) == sentence.replace("{file}", str(file))


@pytest.mark.parametrize("labels_format", LABEL_FORMATS, ids=lambda f: f.name)
def test_nothing_is_replaced_unless_allowed(tmp_path, labels_format):
    target = tmp_path / "labels"
    [file] = labels_format.write(target, [ROW], overwrite=False)
    before = file.read_bytes()

    with pytest.raises(FormatError, match="exists already"):
        labels_format.write(target, [replace(ROW, answer="neutral")], overwrite=False)
    assert file.read_bytes() == before

    labels_format.write(target, [replace(ROW, answer="neutral")], overwrite=True)
    assert [row.answer for row in labels_format.read(target)] == ["neutral"]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda file: None, "{file} does not exist; check the name."),
        (Path.mkdir, "{file} is a folder; choose a file in it."),
        (
            lambda file: file.write_bytes(b"\xff\x00\xff"),
            "{file} is not text in UTF-8 or UTF-16; save it as UTF-8 and try again.",
        ),
    ],
)
@pytest.mark.parametrize("labels_format", LOSSLESS)
def test_a_file_that_is_none_is_named(tmp_path, labels_format, make, sentence):
    file = tmp_path / "x"
    make(file)

    with pytest.raises(FormatError) as raised:
        labels_format.read_labels(file)

    assert str(raised.value) == sentence.format(file=file)


def test_json_says_what_it_is(tmp_path):
    labels_json.write_labels(tmp_path / "x.json", [ROW], overwrite=False)

    content = json.loads((tmp_path / "x.json").read_text("utf-8"))
    assert (content["format"], content["version"]) == ("clser-labels", 1)
    assert content["labels"][0]["start_s"] == 0.5
