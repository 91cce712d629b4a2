"""What resources/docs/guide/backbones.md shows runs, in its order, with small checkpoints."""

import re
import shlex
import shutil

import torch
from safetensors.torch import load_file

from clser_engine.backbones.checkpoint import FAMILIES
from clser_engine.cli.main import main
from clser_engine.resources import resource_path


def blocks(guide, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)


def test_examples_run_in_order(hub, tiny_checkpoint, tmp_path, capsys):
    guide = resource_path("docs", "guide", "backbones.md").read_text("utf-8")
    hub.add("facebook/wav2vec2-xls-r-300m", tiny_checkpoint("xls-r"))
    pickled = shutil.copytree(tiny_checkpoint("wavlm"), tmp_path / "wavlm")
    torch.save(load_file(pickled / "model.safetensors"), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    hub.add("microsoft/wavlm-base-plus", pickled)

    lines = [line for block in blocks(guide, "sh") for line in block.splitlines()]
    for line in lines:
        assert main(shlex.split(line)[1:]) == 0, line
    names = {}
    for block in blocks(guide, "python"):
        exec(compile(block, "backbones.md", "exec"), names)

    assert len(lines) == 5
    assert names["long"].layers[-1].shape[1] == 16_000 * 70 // 320 - 1
    assert all(
        name in guide for name in FAMILIES.values() if "," not in name and " and " not in name
    )
    assert "torch.Size([2, 149, 16])" in capsys.readouterr().out
