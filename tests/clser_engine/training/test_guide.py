"""What resources/docs/guide/training.md shows runs: commands, run file and Python."""

import re
import shlex
from pathlib import Path

import pytest

from clser_engine.cli.main import build_parser
from clser_engine.config.reader import differences
from clser_engine.methods.registry import load_run
from clser_engine.methods.supervised import SupervisedRun
from clser_engine.resources import resource_path


@pytest.fixture(scope="module")
def guide():
    return resource_path("docs", "guide", "training.md").read_text("utf-8")


def blocks(guide, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)


def test_every_command_is_understood(guide, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("run.toml").write_text(blocks(guide, "toml")[0])
    Path("runs/mine").mkdir(parents=True)
    Path("runs/mine/config.toml").write_text(load_run("supervised").to_toml())
    commands = [
        shlex.split(line.partition("  #")[0])
        for block in blocks(guide, "sh")
        for line in block.replace("\\\n", "").splitlines()
    ]
    understood = 0
    for command in commands:
        command = command[command.index("clser_engine.cli.main") if "-m" in command else 0 :][1:]
        args = build_parser(command).parse_args(command)
        if command[0] == "train":
            load_run(args.recipe, args.overrides)
            understood += 1

    assert understood == 5


def test_the_run_file_is_a_valid_run(guide, tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(blocks(guide, "toml")[0])

    run = load_run(path)

    assert run.method == "supervised"
    # Beside what a run must name, it shows the defaults.
    assert set(differences(run.settings, SupervisedRun())) == {
        "name", "data.manifests", "backbone.name", "backbone.tuning"
    }  # fmt: skip


def test_the_python_example_runs(guide, toy_corpora, tmp_path, monkeypatch, capsys):
    for source, name in (("one", "emodb"), ("two", "nemo")):
        header, *rows = (toy_corpora / source / "manifest.csv").read_text().splitlines()
        lines = [f"{header},corpus", *(f"{toy_corpora / source}/{row},{name}" for row in rows)]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines))
    (tmp_path / "a.wav").write_bytes((toy_corpora / "three" / "1.wav").read_bytes())
    monkeypatch.chdir(tmp_path)

    for block in blocks(guide, "python"):
        exec(compile(block, "training.md", "exec"), {})

    printed = capsys.readouterr().out
    assert "step 20 · loss" in printed
    assert "% on held-out speakers" in printed
    assert printed.split()[-1] in ("anger", "sadness")
