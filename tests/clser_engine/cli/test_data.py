"""Tests of `clser data`."""

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from clser_engine.cli.main import COMMANDS, main
from clser_engine.data.corpora.table import CORPORA
from clser_engine.data.features_cache import cache_folder
from clser_engine.data.manifest import read_manifest

RATE = 16_000
WORDS = {"W": "anger", "T": "sadness", "N": "neutral"}


@pytest.fixture
def emodb(tmp_path):
    """A small EMO-DB: four speakers, three emotions, two texts."""
    folder = tmp_path / "EmoDB" / "wav"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for speaker in ("03", "08", "09", "10"):
        for text in ("a01", "b02"):
            for letter in WORDS:
                noise = 0.1 * rng.standard_normal(RATE // 2)
                soundfile.write(folder / f"{speaker}{text}{letter}a.wav", noise, RATE)
    (folder / "notes.wav").write_bytes(b"no sound")
    return tmp_path / "EmoDB"


@pytest.fixture
def manifest(emodb, capsys):
    path = emodb / "emodb.csv"
    assert main(["data", "make", "EMO-DB", str(emodb), "--out", str(path)]) == 0
    capsys.readouterr()
    return path


def run(capsys, *words):
    code = main(["data", *map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command_says_the_same_of_itself_everywhere():
    from clser_engine.cli import data

    assert COMMANDS["data"].help == data.HELP


@pytest.mark.parametrize("action", ["list", "make", "check", "split", "cache"])
def test_every_action_helps_with_an_example(capsys, action):
    assert main(["data", action, "--help"]) == 0

    assert f"example: clser data {action}" in capsys.readouterr().out


def test_help_loads_no_network_library():
    code = (
        "import sys\n"
        "from clser_engine.cli.main import main\n"
        "main(['data', 'check', '--help']); main(['data', 'list'])\n"
        "print([m for m in ('torch', 'transformers', 'onnxruntime') if m in sys.modules])"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert finished.stdout.splitlines()[-1] == "[]"


def test_corpora_are_listed(capsys):
    code, out, _ = run(capsys, "list")
    assert code == 0
    assert all(name in out for name in CORPORA)

    code, out, _ = run(capsys, "list", "--json")
    [ravdess] = [row for row in json.loads(out)["corpora"] if row["name"] == "ravdess"]
    assert ravdess["emotions"]["angry"] == "anger"
    assert "Calm is `other`" in ravdess["traps"]


def test_a_corpus_becomes_a_manifest(emodb, capsys):
    path = emodb / "m.jsonl"

    code, out, err = run(capsys, "make", "emodb", emodb, "--out", path)

    assert code == 0
    assert out == f"Wrote {path}: 24 recordings, 4 speakers, 0.2 minutes\n"
    assert err == (
        "clser: 1 files have names that mean nothing in this corpus and were passed over, for "
        f"example {emodb / 'wav' / 'notes.wav'}\n"
    )
    utterances = read_manifest(path, check_files=True)
    assert {u.extra["duration_s"] for u in utterances} == {"0.500"}
    assert '"path": "wav/03a01Na.wav"' in path.read_text("utf-8")


def test_what_cannot_be_read_is_left_out_and_told(emodb, capsys):
    damaged = emodb / "wav" / "03a01Wa.wav"
    damaged.write_bytes(b"RIFF")

    code, out, err = run(capsys, "make", "emodb", emodb, "--out", emodb / "m.csv")

    assert code == 1
    assert "23 recordings" in out
    assert f"clser: left out: {damaged} " in err
    assert len(read_manifest(emodb / "m.csv")) == 23


def test_films_have_lengths_too(tmp_path, capsys):
    folder = tmp_path / "enterface" / "subject 1" / "anger" / "sentence 1"
    folder.mkdir(parents=True)
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE) + 0.1, RATE)
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "a.wav"), "-c:a", "pcm_s16le"]
    subprocess.run([*command, str(folder / "s1_an_1.avi")], check=True)

    code, out, _ = run(capsys, "make", "enterface", tmp_path, "--out", tmp_path / "m.csv")

    assert (code, "1 recordings, 1 speakers" in out) == (0, True)
    [utterance] = read_manifest(tmp_path / "m.csv")
    assert float(utterance.extra["duration_s"]) == pytest.approx(1.0, abs=0.05)


def lengths(manifest):
    """Durations by file, whatever links lead there."""
    return {u.path.resolve(): u.extra["duration_s"] for u in read_manifest(manifest)}


def test_lengths_of_a_corpus_at_hand_equal_its_manifest(shared, tmp_path, capsys):
    root = shared / "corpora" / "emodb"

    code, _, _ = run(capsys, "make", "emodb", root, "--out", tmp_path / "m.csv")

    assert code == 0
    expected = lengths(root / "manifest.csv")
    assert lengths(tmp_path / "m.csv") == expected


def test_a_file_is_replaced_only_when_that_is_asked_for(manifest, emodb, capsys):
    code, _, err = run(capsys, "make", "emodb", emodb, "--out", manifest)
    assert code == 1
    assert err.count("\n") == 1
    assert "exists already and was left as it is" in err

    assert run(capsys, "make", "emodb", emodb, "--out", manifest, "--overwrite")[0] == 0


def test_a_clean_manifest_is_passed(manifest, capsys):
    code, out, err = run(capsys, "check", manifest)

    assert (code, err) == (0, "")
    assert "deu/emodb/03" in out
    assert "Nothing else to know." in out


def test_a_split_by_speaker_is_made_and_passes_its_check(manifest, tmp_path, capsys):
    out_folder = tmp_path / "split"

    code, out, _ = run(capsys, "split", manifest, "--share", "0.25", "--out", out_folder)

    assert code == 0
    assert "validation" in out
    train, validation = (
        read_manifest(out_folder / f"{part}.csv", check_files=True)
        for part in ("train", "validation")
    )
    assert (len(train), len(validation)) == (18, 6)
    code, out, err = run(capsys, "check", out_folder / "train.csv", out_folder / "validation.csv")
    assert (code, err) == (0, "")


def test_each_language_is_left_out(manifest, tmp_path, capsys):
    text = manifest.read_text("utf-8").replace(",emodb,deu,", ",two,ita,").replace("\nwav/", "\nx/")
    other = manifest.with_name("two.csv")
    other.write_text(text)

    code, _, _ = run(
        capsys,
        "split",
        manifest,
        other,
        "--by",
        "language",
        "--share",
        0.25,
        "--out",
        tmp_path / "f",
    )

    assert code == 0
    for language in ("deu", "ita"):
        parts = [
            read_manifest(tmp_path / "f" / language / f"{part}.csv")
            for part in ("train", "validation", "test")
        ]
        assert [len(part) for part in parts] == [18, 6, 24]
        assert {u.language for u in parts[2]} == {language}
        assert language not in {u.language for u in parts[0] + parts[1]}


def test_a_leak_is_refused_in_one_sentence(manifest, tmp_path, capsys):
    lines = manifest.read_text("utf-8").splitlines()
    for name, some in (("train", lines[1:20]), ("test", lines[20:])):
        manifest.with_name(f"{name}.csv").write_text("\n".join([lines[0], *some]) + "\n")

    code, _, err = run(
        capsys, "check", manifest.with_name("train.csv"), manifest.with_name("test.csv")
    )

    assert code == 1
    assert err == (
        "clser: The split leaks: the speaker deu/emodb/10 is in train (1 recording) and in test (5 "
        "recordings); keep every speaker in one part.\n"
    )
    assert run(capsys, "check", "--pooled", *manifest.parent.glob("t*.csv"))[0] == 0


@pytest.mark.parametrize("words", [(), ("--split", "part")])
def test_a_column_may_name_the_parts(manifest, capsys, words):
    column = words[1] if words else "split"
    header, *lines = manifest.read_text("utf-8").splitlines()
    parts = [f"{line},{'test' if '/03' in line else 'train'}" for line in lines]
    manifest.write_text("\n".join([f"{header},{column}", *parts]) + "\n")
    assert run(capsys, "check", manifest, *words)[0] == 0

    parts[-1] = parts[-1].replace("train", "test")
    manifest.write_text("\n".join([f"{header},{column}", *parts]) + "\n")
    code, _, err = run(capsys, "check", manifest, *words)

    assert code == 1
    assert err.startswith(
        "clser: The split leaks: the speaker deu/emodb/10 is in test (1 recording)"
    )


def test_a_column_that_is_not_there_is_named(manifest, capsys):
    code, _, err = run(capsys, "check", manifest, "--split", "fold", "--no-audio")

    assert code == 1
    assert err.startswith("clser: Bad split: got 'fold', expected a column of the manifest: ")


def test_every_wrong_line_is_told(manifest, capsys):
    header, first, second, *rest = manifest.read_text("utf-8").splitlines()
    first = first.replace(",deu,", ",German,")
    second = second.replace(",sadness,", ",sadnes,")
    manifest.write_text("\n".join([header, first, second, *rest]) + "\n")

    code, _, err = run(capsys, "check", manifest, "--no-audio")

    assert code == 1
    known = (
        "known are anger, happiness, sadness, neutral, fear, disgust, surprise, other; did you "
        "mean 'sadness'?"
    )
    assert err.splitlines() == [
        f"clser: {manifest}, line 2: the language 'German' is no language tag; did you mean 'deu'?",
        f"clser: {manifest}, line 3: the emotion 'sadnes' is unknown; {known}",
    ]


def test_findings_are_json_for_programs(manifest, capsys):
    header, *lines = manifest.read_text("utf-8").splitlines()
    (manifest.parent / "wav" / "03a01Na.wav").unlink()

    code, out, err = run(capsys, "check", manifest, "--json")

    result = json.loads(out)
    assert code == 1
    assert err.startswith("clser: 1 of 24 recordings missing, first ")
    assert result["refused"] is True
    assert [finding["kind"] for finding in result["findings"]] == ["missing"]
    assert len(result["speakers"]) == 4
    assert header
    assert len(lines) == 24


def test_wanted_classes_are_refused_where_they_are_empty(manifest, capsys):
    code, _, err = run(capsys, "check", manifest, "--no-audio", "--classes", "anger,fear")

    assert code == 1
    assert err == (
        "clser: In emodb 1 class has no recording: fear; leave them out or add recordings.\n"
    )


def test_kept_features_are_shown_and_cleared(capsys):
    assert run(capsys, "cache") == (0, "No features are kept.\n", "")
    folder = cache_folder() / "abc"
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text('{"code": "old", "alteration": 2}')
    (folder / f"{'0' * 64}.safetensors").write_bytes(bytes(2_000_000))

    _, out, _ = run(capsys, "cache", "--json")
    [row] = json.loads(out)["folders"]
    assert (row["alteration"], row["recordings"], row["MB"]) == (2, 1, 2.0)
    assert row["in use"] == "no: made by other code"

    assert run(capsys, "cache", "--clear") == (0, f"Removed {folder}\n", "")
    assert not folder.exists()
