"""Tests of clser_engine.data.manifest."""

# ruff: noqa: E501  (one case a line)

import pytest

from clser_engine.data.manifest import (
    examine_manifest,
    read_manifest,
    require_files,
    write_manifest,
)
from clser_engine.errors import FormatError, ManifestError

HEADER = "path,emotion,speaker,language,mood\n"
TIMED = "path,emotion,speaker,language,duration_s\n"
KNOWN = "anger, happiness, sadness, neutral, fear, disgust, surprise, other"


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
        ("m.jsonl", "[" * 100_000 + "\n", "line 1: is no JSON (too deep)."),
        ("m.csv", HEADER + "a,angerr,1,deu,\n", f"line 2: the emotion 'angerr' is unknown; known are {KNOWN}; did you mean 'anger'?"),
        ("m.csv", HEADER + "a,Happy,1,deu,\n", f"line 2: the emotion 'Happy' is unknown; known are {KNOWN}; did you mean 'happiness'?"),
        ("m.csv", HEADER + "a,xyz,1,deu,\n", f"line 2: the emotion 'xyz' is unknown; known are {KNOWN}; what is no such class is 'other'."),
        ("m.csv", HEADER + "a,anger,1,German,\n", "line 2: the language 'German' is no language tag; did you mean 'deu'?"),
        ("m.csv", HEADER + "a,anger,1,DE_at,\n", "line 2: the language 'DE_at' is no language tag; did you mean 'de-at'?"),
        ("m.csv", HEADER + "a,anger,1,?,\n", "line 2: the language '?' is no language tag; write an ISO 639-3 code such as 'deu'."),
        ("m.csv", TIMED + "a,anger,1,deu,-1\n", "line 2: the duration '-1' is no length; write seconds above 0, or nothing."),
        ("m.csv", TIMED + "a,anger,1,deu,nan\n", "line 2: the duration 'nan' is no length; write seconds above 0, or nothing."),
        ("m.csv", TIMED + "a,anger,1,deu,inf\n", "line 2: the duration 'inf' is no length; write seconds above 0, or nothing."),
        ("m.csv", TIMED + 'a,anger,1,deu,"1,5"\n', "line 2: the duration '1,5' is no length; write seconds above 0, or nothing."),
        ("m.csv", HEADER + "x/../a,anger,1,deu,\n./a,anger,1,deu,\n", "line 3: ./a is already on line 2; keep one of them."),
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


def test_all_that_is_wrong_is_found_with_its_line(write):
    path = write(HEADER + "a,anger,1,deu,\nb,angr,1,deu,\nc,anger,,deu,\nd,anger\na,fear,1,deu,\n")

    utterances, problems = examine_manifest(path)

    assert [u.path.name for u in utterances] == ["a"]
    assert [(p.line, p.sentence.split(";")[0]) for p in problems] == [
        (3, "the emotion 'angr' is unknown"),
        (4, "the column 'speaker' is empty."),
        (5, "the row does not have 5 fields like the header."),
        (6, "a is already on line 2"),
    ]
    with pytest.raises(ManifestError) as raised:
        read_manifest(path)
    assert str(raised.value).endswith(f"did you mean 'anger'? (3 more: clser data check {path})")


def test_lines_are_those_of_the_file_where_a_field_has_several(write):
    path = write(HEADER + 'a,anger,1,deu,"two\nlines"\nb,anger,1,deu,\n')

    assert [u.line for u in read_manifest(path)] == [3, 4]


def test_further_emotions_may_be_allowed(write):
    path = write(HEADER + "a,contempt,1,deu,\n")

    [utterance] = read_manifest(path, emotions=["contempt"])

    assert utterance.emotion == "contempt"


def test_missing_recordings_are_counted_and_named(write):
    path = write(HEADER + "".join(f"{i}.wav,anger,1,deu,\n" for i in range(8)))
    (path.parent / "0.wav").touch()
    folder = path.parent

    with pytest.raises(ManifestError) as raised:
        read_manifest(path, check_files=True)

    named = ", ".join(f"line {i + 2} ({folder / f'{i}.wav'})" for i in range(1, 6))
    assert str(raised.value) == (
        f"{path}: 7 of 8 recordings are missing: {named} and 2 more; "
        "bring them back or correct the paths."
    )
    require_files(path, read_manifest(path)[:1])


def test_two_corpora_with_the_same_speaker_name_do_not_mix(write):
    rows = '{"path": "%s", "emotion": "fear", "speaker": "01", "language": "deu", "corpus": "%s"}\n'
    utterances = read_manifest(write(rows % ("a", "x") + rows % ("b", "y"), "m.jsonl"))

    assert [u.speaker_key for u in utterances] == ["deu/x/01", "deu/y/01"]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_what_is_written_is_read_back(utterance, tmp_path, suffix):
    written = [
        utterance(0, transcript='He said: "no,\nnever"', mood="grim"),
        utterance(1, "other", emotion_original="Langeweile", mood=""),
        utterance(2, speaker="ä 1", language="pt-BR", corpus="two"),
    ]
    written[0] = type(written[0])(**{**fields(written[0]), "path": tmp_path / "deep" / "a.wav"})

    write_manifest(tmp_path / f"m{suffix}", written)

    back = read_manifest(tmp_path / f"m{suffix}")
    assert [known(u) for u in back] == [known(u) for u in written]
    text = (tmp_path / f"m{suffix}").read_text("utf-8")
    assert str(tmp_path) not in text
    assert "deep/a.wav" in text


def fields(utterance):
    return {name: getattr(utterance, name) for name in utterance.__slots__}


def known(utterance):
    """All that is known: CSV has every column in every row, empty where there is nothing."""
    values = fields(utterance)
    extra = {k: v for k, v in values.pop("extra").items() if v}
    return {k: v for k, v in values.items() if k != "line"}, extra


def test_columns_are_written_in_the_usual_order(utterance, tmp_path):
    write_manifest(tmp_path / "m.csv", [utterance(0, mood="grim", transcript="a", gender="male")])

    header = (tmp_path / "m.csv").read_text("utf-8").splitlines()[0]
    assert header == "path,corpus,language,speaker,gender,emotion,transcript,mood"


def test_a_manifest_is_not_written_over(utterance, tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("mine")

    with pytest.raises(FormatError) as raised:
        write_manifest(path, [utterance(0)])
    assert "exists already and was left as it is" in str(raised.value)
    assert path.read_text() == "mine"
    write_manifest(path, [utterance(0)], overwrite=True)
    assert len(read_manifest(path)) == 1


def test_bad_writing_is_named(utterance, tmp_path):
    with pytest.raises(ManifestError) as raised:
        write_manifest(tmp_path / "m.txt", [utterance(0)])
    assert str(raised.value) == (
        f"{tmp_path / 'm.txt'}: a manifest ends in .csv or .jsonl, not '.txt'."
    )
    with pytest.raises(ManifestError) as raised:
        write_manifest(tmp_path / "m.csv", [])
    assert str(raised.value) == f"{tmp_path / 'm.csv'}: there is no recording to write."
