"""Tests of clser_engine.cli.doctor: every check, with the machine that it would complain of."""

import json
import shutil
import socket
import sys
from types import SimpleNamespace

import pytest

from clser_engine.bundle import find_bundle
from clser_engine.cli import doctor_checks
from clser_engine.cli.main import main
from clser_engine.inference import devices
from clser_engine.inference.devices import GraphicsCards


def only(check):
    [finding] = check()
    return finding


def test_a_healthy_machine_gets_exit_code_0_and_lines_or_json(capsys):
    assert main(["doctor", "--offline"]) == 0
    text = capsys.readouterr().out
    assert "ok  onnxruntime" in text
    assert "ok  model              default (anger, happiness, sadness, neutral) is whole" in text
    assert text.splitlines()[-1].startswith("Everything that is needed works")

    assert main(["doctor", "--offline", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["healthy"] is True
    names = [check["name"] for check in values["checks"]]
    assert names[:5] == ["Python", "packages", "torch", "torchaudio", "onnxruntime"]
    assert "hub" not in names
    assert not any(check["found"].startswith("cannot be checked") for check in values["checks"])


def test_a_damaged_model_breaks_the_program(tmp_path, capsys):
    folder = tmp_path / "bad.clser-model"
    shutil.copytree(find_bundle("default"), folder)
    (folder / "model.onnx").write_bytes(b"damaged")

    assert main(["doctor", "--offline", "--model", str(folder)]) == 1

    found = capsys.readouterr()
    assert f"XX  model              {folder / 'model.onnx'} is damaged" in found.out
    assert "-> Run bash packaging/start.sh --setup-only, or choose another model" in found.out
    assert found.err == "clser: broken: model; what to do stands above.\n"


def test_two_onnxruntimes_are_one_too_many(monkeypatch):
    monkeypatch.setattr(doctor_checks, "_version", lambda name: "1.31.1")

    finding = only(doctor_checks.check_onnxruntime)

    assert finding.state == "broken"
    assert "are both installed" in finding.found
    assert finding.remedy.startswith(
        "pip uninstall --yes onnxruntime onnxruntime-gpu, then pip install --force-reinstall "
    )


@pytest.mark.parametrize("name", ["torch", "torchaudio", "onnxruntime"])
def test_a_library_that_does_not_load_is_told_with_its_reason(monkeypatch, name):
    real = doctor_checks.importlib.import_module

    def fail(wanted):
        if wanted == name:
            raise OSError("libtorch_cuda.so: cannot open shared object file\nmore")
        return real(wanted)

    monkeypatch.setattr(doctor_checks.importlib, "import_module", fail)

    finding = only(getattr(doctor_checks, f"check_{name}"))

    assert finding.state == "broken"
    assert "(OSError: libtorch_cuda.so: cannot open shared object file)" in finding.found
    assert "pip install --force-reinstall" in finding.remedy
    assert "2.11.*" in finding.remedy or "1.31.*" in finding.remedy


def test_packages_are_compared_with_the_pins(monkeypatch):
    wanted = ["numpy==1.0.*", "no-such-package==2.*", "rich", "x==1; sys_platform == 'none'"]
    monkeypatch.setattr(doctor_checks, "requires", lambda name: wanted)

    missing, other = doctor_checks.check_versions()

    assert (missing.state, missing.found) == ("broken", "missing: no-such-package")
    assert other.state == "warning"
    assert other.found.startswith("untested: numpy 2.")
    assert other.found.endswith(" instead of ==1.0.*")


def test_an_old_python_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 1, "final", 0))
    finding = only(doctor_checks.check_python)
    assert finding.state == "broken"
    assert finding.remedy.startswith("Install Python 3.11, 3.12 or 3.13")


def test_a_card_that_torch_and_onnxruntime_cannot_use_is_told_with_the_way(monkeypatch):
    monkeypatch.setattr(devices, "find_cards", lambda: GraphicsCards(names=("NVIDIA A",)))
    monkeypatch.setattr(devices, "load_cuda_libraries", lambda: None)
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a card that works")

    card, in_torch, in_onnxruntime = doctor_checks.check_card()

    assert (card.state, card.found) == ("ok", "NVIDIA A")
    assert in_torch.state == in_onnxruntime.state == "warning"
    assert "training runs on the processor" in in_torch.found
    assert "-i https://download.pytorch.org/whl/cu130 torch==2.11.*" in in_torch.remedy
    assert in_onnxruntime.found == (
        "its CUDA libraries do not load, so models run on the processor"
    )


def test_no_card_is_no_fault(monkeypatch):
    monkeypatch.setattr(devices, "find_cards", lambda: GraphicsCards(names=(), reason="none here"))
    finding = only(doctor_checks.check_card)
    assert (finding.state, finding.remedy) == ("ok", "")
    assert finding.found == "none (none here); everything runs on the processor"


def test_missing_programs_and_sound_cost_a_feature(monkeypatch):
    monkeypatch.setattr(doctor_checks.sys, "platform", "linux")
    monkeypatch.setattr(doctor_checks.shutil, "which", lambda name: None)
    monkeypatch.setattr(doctor_checks.ctypes.util, "find_library", lambda name: None)

    ffmpeg, espeak = doctor_checks.check_programs()
    sound = only(doctor_checks.check_microphone)

    assert [f.state for f in (ffmpeg, espeak, sound)] == ["warning"] * 3
    assert ffmpeg.found == "ffmpeg was not found; M4A, WMA and video cannot be opened"
    assert ffmpeg.remedy == "apt-get install ffmpeg"
    assert espeak.remedy == "apt-get install espeak-ng"
    assert sound.remedy == "apt-get install libportaudio2"


def test_little_room_and_memory_are_told(monkeypatch):
    usage = SimpleNamespace(free=10**9, total=10**10, used=0)
    monkeypatch.setattr(doctor_checks.shutil, "disk_usage", lambda folder: usage)
    import psutil

    memory = SimpleNamespace(available=10**9, total=8 * 10**9)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)

    states = {
        f.name: f.state for f in [*doctor_checks.check_folders(), *doctor_checks.check_machine()]
    }

    assert states == {
        "cache": "warning",
        "installed models": "warning",
        "pretrained models": "warning",
        "cores": "ok",
        "memory": "warning",
    }


def test_a_folder_that_cannot_be_written_breaks_the_program(monkeypatch):
    monkeypatch.setattr(doctor_checks.os, "access", lambda path, mode: False)
    assert {f.state for f in doctor_checks.check_folders()} == {"broken"}


def test_the_hub_is_looked_for_unless_offline(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        assert only(doctor_checks.check_hub).found == f"http://127.0.0.1:{port} can be reached"
    gone = only(doctor_checks.check_hub)
    assert gone.state == "warning"
    assert gone.found.startswith(f"http://127.0.0.1:{port} cannot be reached (")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert only(doctor_checks.check_hub).state == "ok"


def test_a_check_that_fails_hides_no_other(monkeypatch):
    def fail():
        raise RuntimeError("odd machine")

    fail.__name__ = "check_machine"
    monkeypatch.setattr(doctor_checks, "check_machine", fail)
    monkeypatch.setattr(doctor_checks.logger, "exception", lambda words: None)

    findings = doctor_checks.check_everything(offline=True)

    [odd] = [f for f in findings if f.name == "machine"]
    assert odd.found == "cannot be checked (RuntimeError: odd machine)"
    assert findings[-1].name == "model"
