"""`clser train`: from manifests to a model bundle."""

import argparse
import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clser_engine.methods.registry import Run
    from clser_engine.runtime import RunContext

NAME = "train"
HELP = "Train a model from labelled recordings and write it as a bundle."
EPILOG = """\
RUN is a TOML file, a preset (`default`, `supervised`) or the folder of a run that was stopped.
Every setting in it can be replaced on the command line.

Ctrl-C saves the run and says how to go on with it. Several GPUs: start the same command with
`torchrun --nproc-per-node N -m clser_engine.cli.main train …`.

examples:
  clser train default --set data_root=../shared/corpora --out runs/default.clser-model
  clser train supervised --set backbone.name=facebook/wav2vec2-xls-r-300m \\
      --set data.manifests='["emodb/manifest.csv", "nemo/manifest.csv"]' --out runs/xlsr
  clser train runs/xlsr --resume
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument(
        "recipe", metavar="RUN", help="a TOML file, a preset or the folder of a stopped run"
    )
    parser.add_argument(
        "--set",
        dest="overrides",
        metavar="[SECTION.]KEY=VALUE",
        action="append",
        default=[],
        help="replace one setting of the run; may be given several times",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="run folder to write (default: runs/NAME); for the compact recipe the bundle itself "
        "(default: runs/NAME.clser-model)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with the run in that folder where it stopped"
    )
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="where to compute (default: the GPU if there is one)",
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def run(args: argparse.Namespace) -> int:
    """Train and write the bundle."""
    from clser_engine.config.model_config import METHOD as COMPACT
    from clser_engine.methods.registry import load_run

    found = load_run(args.recipe, args.overrides)
    if found.method == COMPACT:
        return _train_compact(found, args)
    return _train_method(found, args)


def _train_compact(found: "Run", args: argparse.Namespace) -> int:
    import torch

    from clser_engine.cli.stage_progress import stage_progress
    from clser_engine.errors import ConfigError
    from clser_engine.inference.runtimes import thread_count
    from clser_engine.training.train_default import train_bundle

    if args.resume:
        raise ConfigError("The compact recipe takes minutes and keeps no checkpoints; start anew.")
    if args.device == "cuda":
        raise ConfigError("The compact recipe is trained on the CPU; leave --device out.")
    folder = args.out or Path("runs") / f"{found.settings.name}.clser-model"
    torch.set_num_threads(thread_count())
    with stage_progress() as context:
        figures = train_bundle(found.settings, folder, context)
    _show({"model": str(folder), **figures}, as_json=args.json)
    return 0


def _train_method(found: "Run", args: argparse.Namespace) -> int:
    from clser_engine.cli.stage_progress import stage_progress
    from clser_engine.errors import Cancelled
    from clser_engine.runtime import RunContext
    from clser_engine.training.checkpoint import list_checkpoints
    from clser_engine.training.train_method import train_method

    is_folder = Path(args.recipe).is_dir()
    folder = args.out or (Path(args.recipe) if is_folder else Path("runs") / found.settings.name)
    # Started by torchrun, each of several processes comes here; the first one alone draws.
    draws = os.environ.get("RANK", "0") == "0"
    progress = stage_progress() if draws else contextlib.nullcontext(RunContext())
    with progress as context, _signals_cancel(context):
        try:
            result = train_method(found, folder, context, resume=args.resume, device=args.device)
        except Cancelled:
            if draws:
                _tell_stopped(folder, list_checkpoints(folder))
            raise
    if "model" in result:  # the first process alone writes the model
        _show(result, as_json=args.json)
    return 0


def _tell_stopped(folder: Path, saved: list[Path]) -> None:
    where = f"saved at {saved[-1].name.replace('-', ' ')}" if saved else "nothing to save"
    print(f"Stopped, {where}; go on with: clser train {folder} --resume", file=sys.stderr)


@contextlib.contextmanager
def _signals_cancel(context: "RunContext") -> Iterator[None]:
    """Let the first Ctrl-C or termination save the run, and the second end it at once."""
    wanted = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in wanted}

    def stop(number: int, frame: FrameType | None) -> None:
        for each in wanted:
            signal.signal(each, before[each])
        context.cancel()

    for number in wanted:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in wanted:
            signal.signal(number, before[number])


def _show(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        if name != "model":
            print(f"  {name}: {value}")
    if "validation_uar" in result:
        print(f"UAR {result['validation_uar']:.1f} % on held-out speakers of the sources")
    print(f"Wrote {result['model']}")
