"""Tests of `clser train`: what it says before it trains; training has tests of its own."""

import pytest

from clser_engine.cli.main import main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], ("No run 'nothing': expected a .toml file or one of default, supervised.")),
        (["default", "--set", "sed=1"], "Unknown setting 'sed': did you mean 'seed'?"),
        (["supervised", "--set", "training.step=1"],
         "Unknown setting 'training.step': did you mean 'training.steps'?"),
        (["supervised", "--set", "steps=1"],
         "Unknown setting 'steps': did you mean 'training.steps'?"),
        (["supervised", "--set", "method=sapa"], ("Unknown method 'sapa': known are compact, "
         "supervised.")),
        (["default", "--resume"],
         "The compact recipe takes minutes and keeps no checkpoints; start anew."),
        (["default", "--device", "cuda"],
         "The compact recipe is trained on the CPU; leave --device out."),
        (["supervised"], "Bad data.manifests: got none, expected at least one manifest."),
        (["supervised", "--set", "training.precision=fp16", "--device", "cpu"],
         "Bad training.precision: fp16 needs a GPU; on the CPU use no or bf16."),
    ],
)  # fmt: skip
def test_each_mistake_is_one_line(arguments, message, tmp_path, capsys):
    assert main(["train", *arguments, "--out", str(tmp_path / "run")]) == 1

    assert capsys.readouterr().err == f"clser: {message}\n"


def test_what_is_no_device_is_wrong_usage(capsys):
    assert main(["train", "supervised", "--device", "tpu"]) == 2

    assert "invalid choice: 'tpu'" in capsys.readouterr().err
