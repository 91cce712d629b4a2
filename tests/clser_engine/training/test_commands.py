"""Tests of `clser train`, `evaluate`, `export` and `bench` from end to end, on a toy corpus."""

import json

import onnx
import pytest

from clser_engine.bundle import load_card
from clser_engine.cli.main import main

SETTINGS = [
    "--set",
    'classes=["anger", "sadness"]',
    "--set",
    "alterations=0",
    "--set",
    "concatenations=3",
    "--set",
    "speech_steps=3",
    "--set",
    "sounds=14",
    "--set",
    "shrinkage=0.9",  # tones differ so clearly that posteriors would show how floats are rounded
]


@pytest.fixture(scope="module")
def bundle(toy_corpora, tmp_path_factory):
    """A model that the command made."""
    folder = tmp_path_factory.mktemp("models") / "toy.clser-model"
    code = main(
        ["train", "default", *SETTINGS, "--set", f"data_root={toy_corpora}", "--set", "name=toy",
         "--set", 'manifests=["one/manifest.csv", "two/manifest.csv"]', "--out", str(folder)]
    )  # fmt: skip
    assert code == 0
    return folder


def test_a_model_is_trained_evaluated_and_exported(bundle, toy_corpora, tmp_path, capsys):
    assert load_card(bundle).corpora == ("one", "two")
    capsys.readouterr()
    out = tmp_path / "results" / "three.json"
    manifest = str(toy_corpora / "three" / "manifest.csv")

    code = main(
        ["evaluate", "--model", str(bundle), "--manifest", manifest, "--statistics", "project",
         "--out", str(out), "--json"]
    )  # fmt: skip

    assert code == 0
    result = json.loads(out.read_text())
    assert json.loads(capsys.readouterr().out) == result["figures"]
    assert result["figures"]["uar"] > 80
    assert result["settings"]["model_sha256"] == load_card(bundle).model_id.sha256
    assert len(result["rows"]) == 16

    assert main(["export", str(bundle), "--onnx", str(tmp_path / "m.onnx")]) == 0
    inputs = onnx.load(tmp_path / "m.onnx").graph.input
    assert [node.name for node in inputs] == ["waveform", "lengths"]


def test_a_contaminated_evaluation_is_one_line_and_a_failure(bundle, toy_corpora, capsys):
    capsys.readouterr()

    code = main(
        [
            "evaluate",
            "--model",
            str(bundle),
            "--manifest",
            str(toy_corpora / "one" / "manifest.csv"),
        ]
    )

    assert code == 1
    error = capsys.readouterr().err
    assert "Model 'toy' was trained on one, so its figures there would mean nothing" in error
    assert "Traceback" not in error


def test_the_transfer_bench_writes_figures_and_cleans_up(toy_corpora, tmp_path, capsys):
    out = tmp_path / "loco.json"

    code = main(
        ["bench", "transfer", "--protocol", "loco", "--corpora", "one,two,three", "--quick",
         *SETTINGS, "--set", f"data_root={toy_corpora}", "--out", str(out)]
    )  # fmt: skip

    assert code == 0
    result = json.loads(out.read_text())
    assert [row["target"] for row in result["rows"]] == ["one", "three", "two"]
    for name in ("loco_uar_one_file", "loco_uar_project", "loco_uar_frames"):
        low, value, high = (result["figures"][name + end] for end in ("_low", "", "_high"))
        assert low <= value <= high
    assert result["settings"]["quick"] is True
    assert result["bench"] == "transfer"
    assert [path.name for path in tmp_path.iterdir()] == ["loco.json"]
    assert "loco_uar_project" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "0"], "Bad seeds: got 0, expected at least 1."),
        (["--corpora", "one"], "Bad corpora: got 'one', expected at least two names."),
    ],
)
def test_bad_bench_arguments_are_named(tmp_path, capsys, arguments, message):
    assert main(["bench", "transfer", *arguments, "--out", str(tmp_path / "r.json")]) == 1

    assert message in capsys.readouterr().err
