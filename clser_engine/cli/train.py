"""`clser train`: from manifests to a model bundle."""

import argparse
import json
from pathlib import Path

NAME = "train"
HELP = "Train a model from labelled recordings and write it as a bundle."
EPILOG = """\
RUN is a TOML file or a preset. Everything in it can be set on the command line too.

example: clser train default --set data_root=../shared/corpora --out runs/default.clser-model
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("recipe", metavar="RUN", help="a TOML file or the preset `default`")
    parser.add_argument(
        "--set",
        dest="overrides",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="replace one setting of the run; may be given several times",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="bundle to write (default: runs/NAME.clser-model)",
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def run(args: argparse.Namespace) -> int:
    """Train and write the bundle."""
    import torch

    from clser_engine.cli.stage_progress import stage_progress
    from clser_engine.config.model_config import load_run_config
    from clser_engine.inference.runtimes import thread_count
    from clser_engine.training.train_default import train_bundle

    config = load_run_config(args.recipe, args.overrides)
    folder = args.out or Path("runs") / f"{config.name}.clser-model"
    torch.set_num_threads(thread_count())
    with stage_progress() as context:
        figures = train_bundle(config, folder, context)
    if args.json:
        print(json.dumps({"model": str(folder), **figures}))
        return 0
    print(f"Wrote {folder}")
    for name, value in figures.items():
        print(f"  {name}: {value}")
    return 0
