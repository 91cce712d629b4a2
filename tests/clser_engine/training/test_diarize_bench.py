"""Tests of `clser bench diarize` on the toy corpora."""

import json

import pytest

from clser_engine.cli.main import main


def test_the_bench_writes_figures_rows_and_draws(toy_corpora, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CLSER_HOME", str(tmp_path / "home"))
    out = tmp_path / "new" / "diarize.json"

    code = main(
        ["bench", "diarize", "--corpora", "one,two", "--recordings", "3",
         "--set", 'classes=["anger", "sadness"]', "--set", "alterations=0",
         "--set", "concatenations=8", "--set", "speech_steps=10",
         "--set", f"data_root={toy_corpora}", "--out", str(out)]
    )  # fmt: skip

    assert code == 0
    result = json.loads(out.read_text("utf-8"))
    for name in ("eder", "eder_windows", "eder_majority", "boundary_f1_200ms"):
        assert 0 <= result["figures"][name] <= 200
    assert [row["target"] for row in result["rows"]] == ["one", "two"]
    for row in result["rows"]:
        parts = row["missed"] + row["false_alarm"] + row["confusion"]
        assert row["eder"] == pytest.approx(parts)
    draws = result["settings"]["draws"]
    assert {name: len(rows) for name, rows in draws.items()} == {"one": 3, "two": 3}
    assert all(clip.startswith("one/") for draw in draws["one"] for clip in draw["clips"])
    assert "EDER" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--corpora", "one"], "Bad corpora: got 'one', expected at least two names."),
        (["--recordings", "0"], "Bad recordings: got 0, expected at least 1."),
    ],
)
def test_bad_arguments_are_one_line(arguments, sentence, tmp_path, capsys):
    code = main(["bench", "diarize", *arguments, "--out", str(tmp_path / "x.json")])

    assert code != 0
    assert sentence in capsys.readouterr().err
