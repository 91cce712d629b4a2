"""What resources/docs/guide/statistics.md shows runs: commands and Python."""

import csv
import re
import shlex
import shutil

import soundfile

from clser_engine.cli.main import main
from clser_engine.resources import resource_path
from clser_engine.training.non_speech import HELD_BACK, make_noises


def blocks(guide, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)


def test_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    demo = sorted(resource_path("demo").glob("*.flac"))[:4]
    for name in ("recordings", "talks", "emovo", "music"):
        (tmp_path / name).mkdir()
    with open("emovo/manifest.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "corpus", "emotion", "speaker", "language"])
        for number, path in enumerate(demo):
            shutil.copy(path, f"recordings/{path.name}")
            shutil.copy(path, f"talks/anna_{number}.flac")
            shutil.copy(path, f"emovo/{path.name}")
            emotion = ("anger", "neutral")[number % 2]
            table.writerow([path.name, "emovo", emotion, str(number), "ita"])
    for kind, [samples] in make_noises({"rain": HELD_BACK["rain"]}, 1, seed=0).items():
        soundfile.write(f"music/{kind}.wav", samples, 16_000)
    guide = resource_path("docs", "guide", "statistics.md").read_text("utf-8")

    lines = [line for block in blocks(guide, "sh") for line in block.splitlines()]
    for line in lines:
        quick = ["--quick"] if " bench " in line else []
        assert main([*shlex.split(line)[1:], *quick]) == 0, line
    for block in blocks(guide, "python"):
        exec(compile(block, "statistics.md", "exec"), {})

    assert len(lines) == 4
    captured = capsys.readouterr()
    assert "of this project\n" in captured.out
    assert "clser: note: adapted to" in captured.err
    assert "ood_auroc" in captured.out
    assert "known_speech_of_worst_emotion" in captured.out
    assert "altered: telephone" in captured.out
