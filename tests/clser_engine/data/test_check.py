"""Tests of clser_engine.data.check: each thing that can be wrong, planted."""

import zlib

import numpy as np
import pytest
import soundfile

from clser_engine.data.check import check_data
from clser_engine.data.manifest import Utterance, read_manifest
from clser_engine.data.sound_facts import measure_sounds

RATE = 16_000
EMOTIONS = ("anger", "sadness")


@pytest.fixture
def make(tmp_path):
    """Write one recording of noise with its label."""

    def make(name, emotion="anger", speaker="a", seed=None, gain=0.1, rate=RATE, **columns):
        rng = np.random.default_rng(zlib.crc32(name.encode()) if seed is None else seed)
        path = tmp_path / name
        soundfile.write(path, np.clip(gain * rng.standard_normal(8_000), -1, 1), rate)
        language = columns.pop("language", "deu")
        return Utterance(
            path=path,
            emotion=emotion,
            speaker=speaker,
            language=language,
            corpus=columns.pop("corpus", "c"),
            extra=columns,
        )

    return make


@pytest.fixture
def clean(make):
    """Two parts of which nothing is wrong."""
    return {
        part: [
            make(f"{part}-{s}-{e}-{i}.wav", e, s) for s in speakers for e in EMOTIONS for i in "12"
        ]
        for part, speakers in (("train", "abc"), ("test", "de"))
    }


def measure(parts):
    paths = [u.path for part in parts.values() for u in part]
    return dict(zip(paths, measure_sounds(paths), strict=True))


def check(parts, **options):
    return check_data(parts, measure(parts), **options)


def kinds(report):
    return [finding.kind for finding in report.findings]


def only(report, kind):
    [finding] = [finding for finding in report.findings if finding.kind == kind]
    return finding


def test_nothing_is_found_where_nothing_is_wrong(clean):
    report = check(clean)

    assert report.findings == []
    assert [
        (row["part"], row["recordings"], row["speakers"]) for row in report.tables["parts"]
    ] == [
        ("train", 12, 3),
        ("test", 8, 2),
    ]


def test_a_speaker_in_two_parts_is_refused(clean, make):
    clean["test"].append(make("leak.wav", "anger", "b"))

    report = check(clean)

    [finding] = report.refused
    assert finding.sentence == (
        "The split leaks: the speaker deu/c/b is in train (4 recordings) and in test (1 "
        "recording); keep every speaker in one part."
    )
    assert report.tables["overlap"][0]["speakers in both"] == 1


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_sound_in_two_parts_is_refused_under_any_name(clean, suffix):
    original = clean["train"][3]
    copy = original.path.with_name(f"other name.{suffix}")
    soundfile.write(copy, soundfile.read(original.path, dtype="int16")[0], RATE)
    clean["test"].append(
        Utterance(path=copy, emotion="sadness", speaker="d", language="deu", corpus="c")
    )

    report = check(clean)

    [finding] = report.refused
    how = "same file" if suffix == "wav" else "same samples"
    assert finding.kind == "audio in two parts"
    assert finding.sentence == (
        f"The split leaks: 1 sound is in two parts, first {original.path} = {copy} ({how}); keep "
        "one copy or put them into one part."
    )
    assert report.tables["overlap"][0]["sounds in both"] == 1


def test_a_sound_in_two_corpora_is_refused_as_two_parts(make):
    parts = {"x": [make("1.wav", seed=5, corpus="x")], "y": [make("2.wav", seed=5, corpus="y")]}

    assert [finding.kind for finding in check(parts).refused] == ["audio in two parts"]


def test_the_same_in_one_collection_is_told_and_not_refused(make):
    some = [make("1.wav", "anger", "a", 5), make("2.wav", "sadness", "b", 5)]

    report = check({"all": some}, is_split=False)

    assert report.refused == []
    assert only(report, "duplicate").items == [f"{some[0].path} = {some[1].path} (same file)"]
    assert only(report, "unlike labels").sentence == (
        f"1 sound is there with unlike labels, first {some[0].path} = {some[1].path} (same file): "
        "anger by deu/c/a, sadness by deu/c/b; find out which is right."
    )


def test_missing_and_unreadable_recordings_are_refused(clean):
    missing, damaged = clean["train"][0].path, clean["train"][1].path
    missing.unlink()
    damaged.write_bytes(b"RIFF no sound")

    report = check(clean)

    assert [finding.kind for finding in report.refused] == ["missing", "unreadable"]
    assert report.refused[0].sentence == (
        f"1 of 20 recordings missing, first {missing} (line 0); bring them back or correct the "
        "paths."
    )
    assert report.refused[1].sentence.startswith(f"1 recording is not readable: {damaged} ")


def test_clipped_and_quiet_recordings_are_told(clean, make):
    clean["train"] += [make("loud.wav", gain=1.0), make("quiet.wav", gain=0.001)]

    report = check(clean)

    [clipped], [quiet] = only(report, "clipped").items, only(report, "quiet").items
    assert "loud.wav" in clipped
    assert quiet.endswith("quiet.wav: -60 dB")
    assert report.refused == []


def test_a_planted_confound_is_told(make):
    some = [
        make(f"{s}{i}.wav", e, s) for s, e in zip("abcd", EMOTIONS * 2, strict=True) for i in "123"
    ]

    finding = only(check({"all": some}, is_split=False), "confound with speaker")

    assert finding.sentence.startswith("In deu/c the speaker gives 100 % of the emotion away (by")
    assert finding.sentence.endswith(
        "4 of 4 speakers occur with one emotion only; figures on this corpus do not show that "
        "emotions are recognised."
    )
    assert finding.items == ["a", "b", "c", "d"]


def test_texts_and_sample_rates_that_go_with_emotions_are_told(make):
    some = [
        make(f"{s}{e}{i}.wav", e, s, sentence_id=f"{e}{i}", rate=RATE if e == "anger" else 8_000)
        for s in "ab"
        for e in EMOTIONS
        for i in "12345"
    ]

    found = kinds(check({"all": some}, is_split=False))

    assert "confound with text" in found
    assert "confound with sample rate" in found
    assert "sample rates" in found
    assert "confound with speaker" not in found


def test_an_empty_class_is_told_and_refused_where_it_is_wanted(clean, make):
    clean["train"].append(make("fear.wav", "fear", "a"))

    told, wanted = check(clean), check(clean, classes=["anger", "fear"])

    sentence = "In test 1 class has no recording: fear; leave them out or add recordings."
    assert only(told, "empty class").sentence == sentence
    assert told.refused == []
    assert [finding.sentence for finding in wanted.refused] == [sentence]


def test_two_tags_of_one_language_are_told(clean, make):
    clean["train"].append(make("tag.wav", "anger", "d", language="de"))

    assert only(check(clean), "language tags").items == ["de, deu"]


def test_texts_in_both_parts_are_counted(make):
    parts = {
        "train": [make("1.wav", transcript="Ja."), make("2.wav", transcript="Nein.")],
        "test": [make("3.wav", speaker="b", transcript="Ja.")],
    }

    [row] = check(parts).tables["overlap"]

    assert (row["texts in both"], row["texts"]) == (1, 2)


def test_tables_count_classes_speakers_and_licences(clean, make):
    clean["train"].append(make("x.wav", "sadness", "a", licence="CC0"))

    tables = check(clean).tables

    assert tables["speakers"][0] == {"speaker": "deu/c/a", "anger": 2, "sadness": 3}
    assert [(row["emotion"], row["recordings"]) for row in tables["classes"]] == [
        ("anger", 10),
        ("sadness", 11),
    ]
    assert tables["classes"][0]["level dB"] == pytest.approx(-20.0, abs=0.3)
    assert tables["licences"] == [
        {"corpus": "c", "recordings": 1, "licence": "CC0"},
        {"corpus": "c", "recordings": 20, "licence": "not told"},
    ]


def test_without_sound_speakers_and_classes_are_still_checked(clean, make):
    clean["test"].append(make("leak.wav", "anger", "b"))

    report = check_data(clean)

    assert [finding.kind for finding in report.refused] == ["speaker in two parts"]
    assert report.tables["classes"][0]["level dB"] is None


def test_finds_what_is_known_of_the_corpora_at_hand(shared):
    """URDU's voices give its emotions away; RAVDESS has one recording twice."""
    parts = {
        name: read_manifest(shared / "corpora" / name / "manifest.csv")
        for name in ("ravdess", "urdu")
    }

    report = check(parts)

    assert report.refused == []
    [duplicate] = only(report, "duplicate").items
    assert "03-01-03-01-02-01-07.flac" in duplicate
    assert "03-01-03-01-02-02-07.flac" in duplicate
    assert len(only(report, "clipped").items) == 20
    confound = only(report, "confound with speaker")
    assert confound.sentence.startswith("In urd/urdu the speaker gives 92 % of the emotion away")
    assert len(confound.items) == 26
