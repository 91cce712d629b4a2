"""The corpora at hand, laid out as their authors publish them, equal their manifests row by row.

Of a manifest's columns, `duration_s` is measured by `clser data make` and tested there, and `flags`
are findings about the sound, which `clser data check` makes; all other columns come from layout and
label maps. nEMO's texts come from its data.tsv, which is written here with the published columns.
"""

import csv

import pytest

from clser_engine.data.corpora.read import read_corpus
from clser_engine.data.corpora.table import CORPORA

COMPARED = (
    "corpus",
    "language",
    "speaker",
    "gender",
    "emotion_original",
    "emotion",
    "intensity",
    "sentence_id",
    "transcript",
    "licence",
)
COUNTS = {"emodb": 535, "emovo": 588, "ravdess": 1440, "urdu": 400, "nemo": 1369}
ROOTS = {
    "emodb": "",
    "emovo": "EMOVO",
    "ravdess": "Audio_Speech_Actors_01-24",
    "urdu": "URDU-Dataset-master",
    "nemo": "nEMO",
}


def write_nemo_table(path, rows):
    columns = ["file_id", "emotion", "raw_text", "normalized_text", "speaker_id", "gender", "age"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(columns)
        for row in rows:
            name = row["path"].split("/")[-1].replace(".flac", ".wav")
            text = row["transcript"]
            writer.writerow(
                [name, row["emotion_original"], text, text.lower(), row["speaker"], "", ""]
            )


@pytest.mark.parametrize("name", COUNTS)
def test_equals_the_manifest_row_by_row(shared, tmp_path, name):
    with (shared / "corpora" / name / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["path"].replace(".flac", ""): row for row in csv.DictReader(file)}
    published = tmp_path / ROOTS[name]
    for stem in rows:
        path = published / f"{stem}.wav"  # the original suffix; a reader opens no sound
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(shared / "corpora" / name / f"{stem}.flac")
    if name == "nemo":
        write_nemo_table(published / "data.tsv", rows.values())

    reading = read_corpus(CORPORA[name], tmp_path)

    assert (reading.unknown, reading.copies, reading.missing) == ([], [], [])
    assert len(reading.utterances) == len(rows) == COUNTS[name]
    for utterance in reading.utterances:
        row = rows[utterance.path.relative_to(published).with_suffix("").as_posix()]
        read = {
            **utterance.extra,
            "corpus": utterance.corpus,
            "language": utterance.language,
            "speaker": utterance.speaker,
            "emotion": utterance.emotion,
        }
        assert {k: read[k] for k in COMPARED} == {k: row[k] for k in COMPARED}
