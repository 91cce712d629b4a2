"""Tests of clser_engine.data.manifest."""

# ruff: noqa: E501  (one case a line)

import pytest

from clser_engine.data.manifest import read_manifest
from clser_engine.errors import ManifestError

HEADER = "path,emotion,speaker,language,mood\n"


@pytest.fixture
def write(tmp_path):
    def write(text, name="manifest.csv"):
        path = tmp_path / "corpus" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def test_csv_is_read_with_extra_columns_and_folder_as_corpus(write):
    path = write(HEADER + 'a.wav,anger,03,deu,"grim, very"\n')

    [utterance] = read_manifest(path)

    assert utterance.path == path.parent / "a.wav"
    assert (utterance.emotion, utterance.speaker, utterance.corpus) == ("anger", "03", "corpus")
    assert utterance.speaker_key == "deu/corpus/03"
    assert utterance.extra == {"mood": "grim, very"}


def test_json_lines_are_read(write):
    line = (
        '{"path": "/x/a.wav", "emotion": "anger", "speaker": 3, "language": "deu", "corpus": "c"}'
    )

    [utterance] = read_manifest(write(line + "\n\n", "m.jsonl"))

    assert str(utterance.path) == "/x/a.wav"
    assert utterance.speaker_key == "deu/c/3"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("m.csv", "path,emotion,speaker\n", "line 1: the column 'language' is missing; required are path, emotion, speaker, language."),
        ("m.csv", HEADER + "a.wav,anger,03,deu,x\nb.wav,,03,deu,x\n", "line 3: the column 'emotion' is empty."),
        ("m.csv", HEADER + "a.wav,anger\n", "line 2: the row does not have 5 fields like the header."),
        ("m.csv", HEADER + "a,anger,1,deu,\na,sadness,1,deu,\n", "line 3: a is already on line 2; keep one of them."),
        ("m.csv", HEADER, "holds no recording below its header."),
        ("m.csv", b"path,emotion,speaker,language\n\xff,a,b,c\n", "is not UTF-8 text; save it as UTF-8."),
        ("m.txt", HEADER, "a manifest ends in .csv or .jsonl, not '.txt'."),
        ("m.jsonl", "{]\n", "line 1: is no JSON (Expecting property name enclosed in double quotes)."),
        ("m.jsonl", "[1]\n", "line 1: is no JSON object."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(write, name, text, message):
    path = write(text, name)

    with pytest.raises(ManifestError) as raised:
        read_manifest(path)

    assert str(raised.value) in (f"{path}, {message}", f"{path}: {message}")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ManifestError) as raised:
        read_manifest(tmp_path / "no.csv")

    assert (
        str(raised.value) == f"{tmp_path / 'no.csv'}: cannot be read (No such file or directory)."
    )
