"""What resources/docs/guide/data.md says is so: its table is of the code, its examples run."""

import re
import shlex

import numpy as np
import pytest
import soundfile

from clser_engine.cli.main import main
from clser_engine.data.corpora.table import corpora_as_markdown
from clser_engine.resources import resource_path

RATE = 16_000


@pytest.fixture(scope="module")
def guide():
    return resource_path("docs", "guide", "data.md").read_text("utf-8")


def blocks(guide, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)


def test_the_table_of_corpora_is_that_of_the_code(guide):
    assert corpora_as_markdown() in guide


def test_examples_run_in_order(guide, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    names = [
        f"EmoDB/wav/{s}a0{t}{e}a" for s in ("03", "08", "09", "10") for t in "12" for e in "WTN"
    ]
    for name in (*names, "my_recordings/anger/anna/1"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / f"{name}.wav", 0.1 * rng.standard_normal(RATE // 2), RATE)

    lines = [line for block in blocks(guide, "sh") for line in block.splitlines()]
    for line in lines:
        assert main(shlex.split(line)[1:]) == 0, line
    for block in blocks(guide, "python"):
        exec(compile(block, "data.md", "exec"), {})

    assert len(lines) == 8
    assert (tmp_path / "split" / "validation.csv").exists()
    assert (tmp_path / "anger.jsonl").exists()
