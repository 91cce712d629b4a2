"""`clser models` from the terminal: what is said, asked and returned."""

import io
import json
import shutil
import subprocess
import sys

import pytest

from clser_engine.bundle import find_bundle
from clser_engine.cli import main as cli
from clser_engine.cli import models

NAME = "speech/tiny"


@pytest.fixture
def published(hub, tiny_checkpoint):
    """The commit under which a tiny HuBERT is on the hub."""
    return hub.add(NAME, tiny_checkpoint("hubert"), licence="cc-by-nc-4.0")


@pytest.fixture
def mine(tmp_path):
    """A bundle that is not installed."""
    folder = shutil.copytree(find_bundle("default"), tmp_path / "mine.clser-model")
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"name": "mine"}))
    return folder


@pytest.fixture
def clser(capsys):
    """Run `clser models` and return exit code, stdout and stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        code = cli.main(["models", *map(str, words)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


class Terminal(io.StringIO):
    """A person who answers."""

    def isatty(self) -> bool:
        return True


def test_licence_files_and_size_are_shown_before_anything_is_fetched(
    clser, hub, published, monkeypatch
):
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))

    code, out, err = clser("fetch", NAME)

    assert (code, out) == (1, "")
    assert f"{NAME} from {hub.address}\n  revision {published}\n" in err
    assert ("  licence  cc-by-nc-4.0 (no commercial use, of models trained on it neither)\n") in err
    assert "config.json" in err
    assert "model.safetensors" in err
    assert err.endswith("? [y/N] ")
    assert not [path for _, path, _ in hub.requests if "resolve" in path]


def test_agreeing_fetches(clser, published, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Terminal("yes\n"))

    code, out, _ = clser("fetch", NAME)

    assert (code, out) == (0, f"{NAME} was fetched: revision {published[:12]}\n")


def test_nobody_to_ask_is_told(clser, published, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))

    code, _, err = clser("fetch", NAME)

    assert code == 1
    assert err.endswith("Download 0.0 MB? Nobody can be asked here; add --yes to agree.\n")


def test_fetched_listed_shown_and_removed(clser, published, home):
    assert clser("fetch", NAME, "--yes", "--json")[0] == 0

    code, out, _ = clser("fetch", NAME, "--yes")
    assert (code, out) == (0, f"{NAME} is on this computer already: revision {published[:12]}\n")

    code, out, _ = clser("list")
    assert code == 0
    assert "Models\n  default  " in out
    assert f"Backbones\n  {NAME}  {published[:12]}  0.0 MB  cc-by-nc-4.0\n" in out

    listed = json.loads(clser("list", "--json")[1])
    assert [one["name"] for one in listed["models"]] == ["default"]
    assert [(one["name"], one["revision"]) for one in listed["backbones"]] == [(NAME, published)]

    code, out, _ = clser("show", NAME)
    assert code == 0
    assert f"{NAME}: a pretrained backbone of transformers\n  revision {published}\n" in out
    assert set(json.loads(clser("show", NAME, "--json")[1])["files"]) == {
        "config.json",
        "model.safetensors",
        "preprocessor_config.json",
    }

    code, out, _ = clser("remove", NAME, "--yes")
    assert (code, out) == (0, f"Deleted {NAME} at {published[:12]}\n")
    assert "none fetched" in clser("list")[1]


def test_offline_only_looks(clser, hub, published):
    code, _, err = clser("fetch", NAME, "--offline")
    assert code == 1
    assert err == (
        f"clser: {NAME} is not on this computer, and no network may be used; fetch it where there "
        f"is one.\n"
    )
    assert not hub.requests

    clser("fetch", NAME, "--yes")
    asked = len(hub.requests)
    code, out, _ = clser("fetch", NAME, "--offline")
    assert (code, len(hub.requests)) == (0, asked)
    assert "is on this computer:" in out


def test_an_interrupted_download_is_listed_and_thrown_away(clser, hub, published, monkeypatch):
    from clser_engine.backbones import download

    monkeypatch.setattr(download, "PAUSE_S", 0.0)
    hub.cut_after = 0
    assert clser("fetch", NAME, "--yes")[0] == 1

    assert f"  {NAME}: 0.0 MB of an interrupted download; fetch it to go on\n" in clser("list")[1]
    assert clser("remove", NAME)[1] == f"Deleted the interrupted download of {NAME}\n"
    assert NAME not in clser("list")[1]


def test_a_model_is_added_shown_and_removed(clser, mine, monkeypatch):
    code, out, _ = clser("add", mine)
    assert (code, out) == (0, "Added mine; use it with --model mine\n")

    assert "  mine     " in clser("list")[1]
    code, out, _ = clser("show", "mine")
    assert code == 0
    assert "  emotions   anger, happiness, sadness, neutral\n" in out
    assert "  licence    CC-BY-NC-SA-4.0 (no commercial use" in out

    monkeypatch.setattr(sys, "stdin", Terminal("\n"))
    assert clser("remove", "mine")[:2] == (1, "")
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert clser("remove", "mine")[:2] == (0, "Deleted mine\n")


def test_a_folder_with_a_checkpoint_is_shown(clser, tiny_checkpoint, tmp_path):
    folder = shutil.copytree(tiny_checkpoint("hubert"), tmp_path / "hubert")

    code, out, _ = clser("show", folder)
    facts = json.loads(clser("show", folder, "--json")[1])

    assert code == 0
    assert out.startswith(f"{folder}: a pretrained backbone, HuBERT\n  licence  apache-2.0\n")
    assert out.endswith(f"clser train supervised --set backbone.name={folder}\n")
    assert facts == {
        "architecture": "hubert",
        "licence": "apache-2.0",
        "bytes": (folder / "model.safetensors").stat().st_size,
        "folder": str(folder),
    }
    (folder / "config.json").write_text('{"model_type": "bert"}')
    code, _, err = clser("show", folder)
    assert code == 1
    assert err.startswith(f"clser: {folder} is of the architecture 'bert', which is no speech enc")


def test_the_shipped_model_is_never_removed(clser):
    code, _, err = clser("remove", "default", "--yes")

    assert (code, err) == (1, "clser: The model 'default' came with the program and stays.\n")
    assert find_bundle("default").is_dir()


def test_unknown_names_are_told(clser):
    code, _, err = clser("show", "nothing")
    assert code == 1
    assert err == (
        "clser: There is neither a model nor a fetched backbone 'nothing'; `clser models list` "
        "tells which there are.\n"
    )
    code, _, err = clser("remove", "nothing", "--yes")
    assert code == 1
    assert err == (
        "clser: There is no installed model 'nothing'; `clser models list` tells which there are.\n"
    )


def test_pickle_is_converted_from_the_terminal(clser, tiny_checkpoint, tmp_path):
    import torch
    from safetensors.torch import load_file

    old = shutil.copytree(tiny_checkpoint("hubert"), tmp_path / "old")
    torch.save(load_file(old / "model.safetensors"), old / "pytorch_model.bin")
    (old / "model.safetensors").unlink()

    code, out, _ = clser("convert", old, "--out", tmp_path / "new")

    assert (code, out) == (0, f"Wrote {tmp_path / 'new'}\n")
    assert (tmp_path / "new" / "model.safetensors").is_file()


def test_wrong_usage_returns_two(clser):
    assert clser()[0] == 2
    assert clser("convert", "x")[0] == 2


@pytest.mark.parametrize("licence", ["unknown", "other"])
def test_a_licence_that_says_nothing_is_pointed_out(licence):
    assert models._licence(licence) == f"{licence}: read its page before you use it"


def test_help_and_list_load_no_network_library():
    code = (
        "import sys; from clser_engine.cli.main import main; main(['models', 'list']); "
        "main(['models', '--help']); "
        "print([m for m in ('torch', 'transformers', 'peft', 'torchaudio') if m in sys.modules])"
    )

    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert finished.stdout.strip().endswith("\n[]")


def test_loading_the_compact_model_loads_neither_transformers_nor_peft():
    code = (
        "import sys; from clser_engine.inference.predictor import load_predictor; "
        "load_predictor('default'); from clser_engine.backbones.registry import load_backbone; "
        "load_backbone('compact'); "
        "print([m for m in ('transformers', 'peft', 'torchaudio') if m in sys.modules])"
    )

    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )

    assert finished.stdout.strip() == "[]"
