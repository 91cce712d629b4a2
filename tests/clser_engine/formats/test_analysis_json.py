"""Tests of posteriors as JSON and CSV."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from clser_engine.errors import FormatError
from clser_engine.formats.analysis_json import read_analysis, write_analysis
from clser_engine.formats.posteriors_csv import write_posteriors
from clser_engine.formats.table import POSTERIOR_FORMATS


@pytest.mark.parametrize("num_frames", [0, 1, 500])
def test_an_analysis_comes_back_exactly(tmp_path, make_analysis, num_frames):
    analysis = make_analysis(num_frames)

    write_analysis(tmp_path / "x.json", analysis, Path("köln/ä.wav"), overwrite=False)
    back, path = read_analysis(tmp_path / "x.json")

    assert path == str(Path("köln/ä.wav"))
    assert (back.duration_s, back.model) == (analysis.duration_s, analysis.model)
    assert back.posteriors.classes == analysis.posteriors.classes
    assert back.posteriors.frame_rate_hz == analysis.posteriors.frame_rate_hz
    np.testing.assert_array_equal(back.posteriors.values, analysis.posteriors.values)
    np.testing.assert_array_equal(back.utterance.posterior, analysis.utterance.posterior)
    np.testing.assert_array_equal(back.functionals, analysis.functionals)
    np.testing.assert_array_equal(back.posteriors.speech, analysis.posteriors.speech)
    assert back.segments == analysis.segments
    assert back.utterance.emotion == "sadness"
    assert back.utterance.confidence == 0.625
    assert back.utterance.statistics == "project (34 clips)"
    assert back.utterance.ood_score == 0.75
    assert not back.utterance.is_known
    assert back.utterance.notice == "It sounds strange."


def test_the_file_has_the_keys_that_are_promised(tmp_path, make_analysis):
    write_analysis(tmp_path / "x.json", make_analysis(), Path("a.wav"), overwrite=False)

    content = json.loads((tmp_path / "x.json").read_text("utf-8"))
    promised = {
        "path",
        "duration_s",
        "model",
        "classes",
        "frame_rate_hz",
        "posteriors",
        "speech",
        "segments",
        "utterance",
    }
    assert promised <= content.keys()
    assert content["segments"][1] == {"start_s": 0.4, "end_s": 1.28, "emotion": "sadness"}
    promised = {"emotion", "posterior", "confidence", "statistics", "ood_score", "is_known"}
    assert promised <= content["utterance"].keys()
    assert content["model"] == "default@0123abcd"
    sums = np.array(content["posteriors"]).sum(axis=1)  # float64, as any reader would
    np.testing.assert_allclose(sums, 1.0, rtol=0, atol=1e-5)


def test_the_table_has_a_row_a_frame(tmp_path, make_analysis):
    analysis = make_analysis(60)
    write_posteriors(tmp_path / "x.csv", analysis, Path("a.wav"), overwrite=False)

    with open(tmp_path / "x.csv", newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["start_s", "end_s", *analysis.posteriors.classes, "speech"]
    values = np.array(rows, float)
    np.testing.assert_allclose(values[:, 0], np.arange(60) / 25, atol=1e-6)
    np.testing.assert_allclose(values[:, 1], np.arange(1, 61) / 25, atol=1e-6)
    np.testing.assert_array_equal(values[:, 2:6].astype(np.float32), analysis.posteriors.values)
    np.testing.assert_array_equal(values[:, 6].astype(np.float32), analysis.posteriors.speech)


def test_a_model_that_cannot_tell_speech_says_so(tmp_path, make_analysis):
    analysis = make_analysis(3, with_speech=False)
    write_analysis(tmp_path / "x.json", analysis, Path("a.wav"), overwrite=False)
    write_posteriors(tmp_path / "x.csv", analysis, Path("a.wav"), overwrite=False)

    assert json.loads((tmp_path / "x.json").read_text("utf-8"))["speech"] is None
    assert read_analysis(tmp_path / "x.json")[0].posteriors.speech is None
    with open(tmp_path / "x.csv", newline="", encoding="utf-8") as file:
        assert [row["speech"] for row in csv.DictReader(file)] == ["", "", ""]


def test_a_file_from_before_speech_still_opens(tmp_path, make_analysis):
    file = tmp_path / "x.json"
    write_analysis(file, make_analysis(), Path("a.wav"), overwrite=False)
    content = json.loads(file.read_text("utf-8"))
    del content["speech"], content["segments"]
    for key in ("ood_score", "is_known", "notice"):
        del content["utterance"][key]
    file.write_text(json.dumps(content), "utf-8")

    analysis, _ = read_analysis(file)

    assert (analysis.posteriors.speech, analysis.segments) == (None, ())
    found = analysis.utterance
    assert (found.ood_score, found.is_known, found.notice) == (0.0, True, "")


@pytest.mark.parametrize("wanted", POSTERIOR_FORMATS, ids=lambda f: f.name)
def test_every_file_has_its_marker_near_the_start(tmp_path, make_analysis, wanted):
    wanted.write(tmp_path / "x", make_analysis(2000), Path("a.wav"), overwrite=False)

    assert wanted.marker in (tmp_path / "x").read_bytes()[:1000]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"posteriors": [[0.5, 0.5]]},
            "has posteriors for another number of classes than its 4 classes",
        ),
        ({"posteriors": [[0.5, 0.6, 0.1, 0.1]]}, "has posteriors that do not sum to 1"),
        ({"speech": [0.5]}, "has speech for 1 frames and posteriors for 50"),
        ({"speech": "none"}, "has no usable 'speech'"),
        ({"segments": [{"start_s": 1}]}, "has no usable 'segments'"),
        ({"posteriors": "many"}, "has no usable 'posteriors'"),
        ({"posteriors": [[1.0, 0, 0], [1.0]]}, "has no usable 'posteriors'"),
        ({"classes": [1, 2, 3, 4]}, "has no usable 'classes'"),
        ({"utterance": 3}, "has no usable 'utterance'"),
        ({"duration_s": None}, "has no usable 'duration_s'"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, make_analysis, change, sentence):
    file = tmp_path / "x.json"
    write_analysis(file, make_analysis(), Path("a.wav"), overwrite=False)
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **change}), "utf-8")

    with pytest.raises(FormatError) as raised:
        read_analysis(file)

    assert str(raised.value) == f"{file} {sentence}; analyse the recording again."
