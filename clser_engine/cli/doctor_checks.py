"""The checks of `clser doctor`: each looks at one thing and never raises."""

import ctypes.util
import importlib
import logging
import os
import platform
import shutil
import socket
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, Literal

from clser_engine.bundle import find_bundle, installed_bundles_folder, load_card, verify_files
from clser_engine.errors import EngineError

logger = logging.getLogger(__name__)

State = Literal["ok", "warning", "broken"]
PRODUCT = "clser-studio"
SETUP = "bash packaging/start.sh --setup-only"
PYTHONS = ((3, 11), (3, 13))
ONNXRUNTIMES = ("onnxruntime", "onnxruntime-gpu")
CUDA_INDEX = "https://download.pytorch.org/whl/cu130"
LEAST_MEMORY_GB = 4.0
LEAST_DISK_GB = 2.0
HUB_TIMEOUT_S = 3.0
PROGRAMS = {
    "ffmpeg": (("ffmpeg", "ffprobe"), "M4A, WMA and video cannot be opened"),
    "espeak-ng": (("espeak-ng",), "text cannot be turned into phones"),
}
WAYS = {
    "linux": "apt-get install {0}",
    "darwin": "brew install {0}",
    "win32": "winget install {0}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found.

    Args:
        name: What was looked at.
        state: `warning` costs a feature or speed; `broken` stops the program.
        found: What is there, for a person.
        remedy: The way out; empty where all is well.
    """

    name: str
    state: State
    found: str
    remedy: str = ""


def check_everything(*, model: str = "default", offline: bool = False) -> list[Finding]:
    """Run every check in the order in which things depend on each other.

    Args:
        model: Bundle to verify and run.
        offline: Leave the network alone.
    """
    checks: list[Callable[[], Iterator[Finding]]] = [
        check_python,
        check_versions,
        check_torch,
        check_torchaudio,
        check_onnxruntime,
        check_card,
        check_programs,
        check_microphone,
        check_machine,
        check_folders,
        lambda: check_model(model),
    ]
    if not offline:
        checks.append(check_hub)
    found: list[Finding] = []
    for check in checks:
        try:
            found += check()
        except Exception as error:  # a check that fails must not hide the others
            logger.exception("A check failed")
            name = (
                getattr(check, "__name__", "check")
                .removeprefix("check_")
                .replace("<lambda>", "model")
            )
            words = f"cannot be checked ({type(error).__name__}: {_line(error)})"
            found.append(Finding(name=name, state="warning", found=words))
    return found


def check_python() -> Iterator[Finding]:
    """The interpreter."""
    words = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    lowest, highest = PYTHONS
    if lowest <= sys.version_info[:2] <= highest:
        yield Finding(name="Python", state="ok", found=words)
    else:
        yield Finding(
            name="Python",
            state="broken",
            found=words,
            remedy="Install Python 3.11, 3.12 or 3.13 and set up again: the pinned packages exist "
            "for these alone.",
        )


def check_versions() -> Iterator[Finding]:
    """Every package that the program asks for, against what it asks for."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(text) for text in requires(PRODUCT) or ()]
    except PackageNotFoundError:
        yield Finding(
            name="packages",
            state="warning",
            found=f"{PRODUCT} itself is not installed, so its pins are unknown",
            remedy=f"Run {SETUP}",
        )
        return
    missing, other, right = [], [], 0
    for requirement in wanted:
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            missing.append(requirement.name)
            continue
        if requirement.specifier.contains(installed, prereleases=True):
            right += 1
        else:
            other.append(f"{requirement.name} {installed} instead of {requirement.specifier}")
    if missing:
        words = f"missing: {', '.join(missing)}"
        yield Finding(name="packages", state="broken", found=words, remedy=f"Run {SETUP}")
    if other:
        words = f"untested: {', '.join(other)}"
        yield Finding(name="packages", state="warning", found=words, remedy=f"Run {SETUP}")
    if not missing and not other:
        yield Finding(name="packages", state="ok", found=f"{right}, all as pinned")


def check_torch() -> Iterator[Finding]:
    """torch: needed for training, and to compare with."""
    torch, reason = _import("torch")
    if torch is None:
        yield Finding(
            name="torch",
            state="broken",
            found=f"cannot be loaded ({reason})",
            remedy=f"pip install --force-reinstall torch=={_pin('torch')} "
            f"torchaudio=={_pin('torchaudio')}; models can be run without it",
        )
        return
    cuda = torch.version.cuda
    yield Finding(
        name="torch",
        state="ok",
        found=f"{torch.__version__}, {f'built for CUDA {cuda}' if cuda else 'processor only'}",
    )


def check_torchaudio() -> Iterator[Finding]:
    """torchaudio: a broken one keeps every speech model of transformers from loading."""
    try:
        installed = version("torchaudio")
    except PackageNotFoundError:
        yield Finding(
            name="torchaudio",
            state="warning",
            found="not installed, so its pipelines cannot be used",
            remedy=f"pip install torchaudio=={_pin('torchaudio')}",
        )
        return
    module, reason = _import("torchaudio")
    if module is None:
        yield Finding(
            name="torchaudio",
            state="broken",
            found=f"{installed} is installed and cannot be loaded ({reason}); it was made for "
            f"another build of torch, and transformers fails with it",
            remedy=f"pip install --force-reinstall torch=={_pin('torch')} "
            f"torchaudio=={_pin('torchaudio')}, both from one index; or pip uninstall torchaudio",
        )
        return
    yield Finding(name="torchaudio", state="ok", found=installed)


def check_onnxruntime() -> Iterator[Finding]:
    """onnxruntime: what runs the models, and whether two of it are in each other's way."""
    installed = {name: found for name in ONNXRUNTIMES if (found := _version(name))}
    right = ONNXRUNTIMES[0] if sys.platform == "darwin" else ONNXRUNTIMES[1]
    again = f"pip install --force-reinstall {right}=={_pin(right)}"
    if len(installed) == 2:
        yield Finding(
            name="onnxruntime",
            state="broken",
            found="onnxruntime and onnxruntime-gpu are both installed; they share their files, so "
            "that the later one has overwritten the other",
            remedy=f"pip uninstall --yes {' '.join(ONNXRUNTIMES)}, then {again}",
        )
        return
    module, reason = _import("onnxruntime")
    if module is None:
        yield Finding(
            name="onnxruntime",
            state="broken",
            found=f"cannot be loaded ({reason})",
            remedy=again,
        )
        return
    providers = ", ".join(
        name.removesuffix("ExecutionProvider") for name in module.get_available_providers()
    )
    yield Finding(name="onnxruntime", state="ok", found=f"{module.__version__} with {providers}")


def check_card() -> Iterator[Finding]:
    """The graphics card: found by the driver, and usable by torch and by onnxruntime."""
    from clser_engine.inference.devices import find_cards

    cards = find_cards()
    if not cards.names:
        words = f"none ({cards.reason}); everything runs on the processor"
        yield Finding(name="graphics card", state="ok", found=words)
        return
    yield Finding(name="graphics card", state="ok", found=", ".join(cards.names))
    torch, _ = _import("torch")
    if torch is not None and not torch.cuda.is_available():
        yield Finding(
            name="card in torch",
            state="warning",
            found=f"torch {torch.__version__} cannot use it, so training runs on the processor",
            remedy=_cuda_torch(),
        )
    elif torch is not None:
        yield Finding(name="card in torch", state="ok", found=f"CUDA {torch.version.cuda}")
    yield _card_in_onnxruntime()


def _card_in_onnxruntime() -> Finding:
    """Run a product of two numbers on the card."""
    import numpy as np
    import onnx

    from clser_engine.inference.devices import load_cuda_libraries
    from clser_engine.inference.onnx_runtime import CUDA, open_session

    node = onnx.helper.make_node("MatMul", ["a", "a"], ["b"])
    square = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 1]) for name in "ab"
    ]
    graph = onnx.helper.make_graph([node], "product", square[:1], square[1:])
    opset = [onnx.helper.make_opsetid("", 18)]
    tiny = onnx.helper.make_model(graph, opset_imports=opset, ir_version=10)
    load_cuda_libraries()
    session = open_session(tiny.SerializeToString(), on_card=True, threads=1)
    [product] = session.run(None, {"a": np.full((1, 1), 3, np.float32)})
    if session.get_providers()[0] == CUDA and float(product[0, 0]) == 9:
        return Finding(name="card in onnxruntime", state="ok", found="CUDA works")
    if sys.platform == "win32":
        remedy = _cuda_torch()
    else:
        remedy = f"Run {SETUP}: the CUDA libraries come with torch; the driver must be of CUDA 13"
    return Finding(
        name="card in onnxruntime",
        state="warning",
        found="its CUDA libraries do not load, so models run on the processor",
        remedy=remedy,
    )


def check_programs() -> Iterator[Finding]:
    """Programs beside Python."""
    way = WAYS.get(sys.platform, "install {0}")
    for name, (programs, loss) in PROGRAMS.items():
        places = [shutil.which(program) for program in programs]
        if all(places):
            yield Finding(name=name, state="ok", found=str(places[0]))
        else:
            gone = next(p for p, place in zip(programs, places, strict=True) if not place)
            words = f"{gone} was not found; {loss}"
            yield Finding(name=name, state="warning", found=words, remedy=way.format(name))


def check_microphone() -> Iterator[Finding]:
    """The library that sound goes through."""
    if sys.platform != "linux":  # sounddevice brings its own
        has_library, words = bool(_version("sounddevice")), "sounddevice"
    else:
        found = ctypes.util.find_library("portaudio")
        has_library, words = bool(found), found or "libportaudio"
    if has_library:
        yield Finding(name="sound", state="ok", found=words)
    else:
        yield Finding(
            name="sound",
            state="warning",
            found=f"{words} was not found; nothing can be played or recorded",
            remedy="apt-get install libportaudio2",
        )


def check_machine() -> Iterator[Finding]:
    """Cores and memory."""
    import psutil

    from clser_engine.inference.devices import thread_count

    cores = os.cpu_count() or 1
    yield Finding(
        name="cores", state="ok", found=f"{cores}, of which a small model takes {thread_count()}"
    )
    memory = psutil.virtual_memory()
    free, total = memory.available / 1e9, memory.total / 1e9
    words = f"{free:.1f} GB free of {total:.1f} GB"
    if free < LEAST_MEMORY_GB:
        remedy = "Close other programs before you train or run a large model"
        yield Finding(name="memory", state="warning", found=words, remedy=remedy)
    else:
        yield Finding(name="memory", state="ok", found=words)


def check_folders() -> Iterator[Finding]:
    """Where things are kept, how much that is, and whether there is room."""
    from clser_engine.backbones.fetched import checkpoints_folder
    from clser_engine.service.folders import cache_folder

    places = {
        "cache": cache_folder().parent,
        "installed models": installed_bundles_folder(),
        "pretrained models": checkpoints_folder(),
    }
    for name, folder in places.items():
        existing = next(p for p in (folder, *folder.parents) if p.exists())
        free = shutil.disk_usage(existing).free / 1e9
        words = f"{folder}, {_size(folder) / 1e6:.0f} MB; {free:.0f} GB free on that disk"
        if not os.access(existing, os.W_OK):
            remedy = "Set CLSER_HOME to a folder that you may write to"
            found = f"{folder} cannot be written to"
            yield Finding(name=name, state="broken", found=found, remedy=remedy)
        elif free < LEAST_DISK_GB:
            remedy = "Free some space, or set CLSER_HOME to a folder on another disk"
            yield Finding(name=name, state="warning", found=words, remedy=remedy)
        else:
            yield Finding(name=name, state="ok", found=words)


def check_model(model: str) -> Iterator[Finding]:
    """The bundle: whole, of a format that is known, and able to run."""
    try:
        card = load_card(find_bundle(model))
        verify_files(card)
        words = _try_out(model)
    except EngineError as error:
        yield Finding(
            name="model",
            state="broken",
            found=str(error),
            remedy=f"Run {SETUP}, or choose another model with --model",
        )
        return
    yield Finding(
        name="model",
        state="ok",
        found=f"{card.model_id.name} ({', '.join(card.classes)}) is whole and {words}",
    )


def _try_out(model: str) -> str:
    import numpy as np

    from clser_engine.inference.predictor import load_predictor

    predictor = load_predictor(model)
    analysis = predictor.analyze_samples(np.zeros(predictor.card.sample_rate_hz, np.float32))
    if not np.isfinite(analysis.posteriors.values).all():
        raise EngineError(f"{model} gives numbers that are not finite.")
    return f"runs on {predictor.device} in {predictor.runtime}"


def check_hub() -> Iterator[Finding]:
    """The hub of pretrained models, which only `clser models` and training on them need."""
    from clser_engine.backbones.hub import hub_address, is_offline

    if is_offline():
        yield Finding(name="hub", state="ok", found="not looked for: HF_HUB_OFFLINE is set")
        return
    address = urllib.parse.urlsplit(hub_address())
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        socket.create_connection((address.hostname or "", port), HUB_TIMEOUT_S).close()
    except OSError as error:
        yield Finding(
            name="hub",
            state="warning",
            found=f"{hub_address()} cannot be reached ({_line(error)})",
            remedy="No pretrained model can be fetched until it can; what was fetched works, and "
            "HF_HUB_OFFLINE=1 stops looking",
        )
    else:
        yield Finding(name="hub", state="ok", found=f"{hub_address()} can be reached")


def _import(name: str) -> tuple[Any, str]:
    """Return a module, or None and why it cannot be loaded."""
    try:
        return importlib.import_module(name), ""
    except Exception as error:  # libraries that do not fit raise OSError and RuntimeError too
        return None, f"{type(error).__name__}: {_line(error)}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _pin(name: str) -> str:
    """Return the version that the program asks for, for example `2.11.*`."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(text) for text in requires(PRODUCT) or ()]
    except PackageNotFoundError:
        return "*"
    pins = [str(r.specifier).removeprefix("==") for r in wanted if r.name == name]
    return pins[0] if pins else "*"


def _cuda_torch() -> str:
    return (
        f"pip install --force-reinstall -i {CUDA_INDEX} torch=={_pin('torch')} "
        f"torchaudio=={_pin('torchaudio')}, and update the driver: PyPI's torch for Windows is for "
        f"the processor only"
    )


def _line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:200]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
