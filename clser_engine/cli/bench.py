"""`clser bench`: what the project claims, measured; one protocol a run, one JSON a result."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

NAME = "bench"
HELP = "Measure what the project claims and write the figures as JSON."
EPILOG = """\
transfer --protocol loco: each corpus held out in turn, a model trained on the others judges it,
file by file and with the unlabelled statistics of the corpus. An interrupted run is taken up where
it stopped.

example: clser bench transfer --protocol loco --seeds 3 --out loco.json
"""
LOCO_CORPORA = "emodb,emovo,nemo,ravdess,urdu"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("bench", choices=["transfer"], help="what to measure")
    parser.add_argument("--protocol", choices=["loco"], default="loco", help="(default: loco)")
    parser.add_argument("--recipe", default="default", help="preset or TOML of the model to train")
    parser.add_argument(
        "--set", dest="overrides", metavar="KEY=VALUE", action="append", default=[],
        help="replace one setting of the run",
    )  # fmt: skip
    parser.add_argument(
        "--corpora",
        default=LOCO_CORPORA,
        metavar="NAMES",
        help=f"folders of corpora, with commas (default: {LOCO_CORPORA})",
    )
    parser.add_argument("--seeds", type=int, default=3, help="models per target (default: 3)")
    parser.add_argument("--out", type=Path, required=True, metavar="RESULT.json")
    parser.add_argument("--quick", action="store_true", help="one seed and short training")


def run(args: argparse.Namespace) -> int:
    """Measure, print the table and write the result."""
    from dataclasses import asdict, replace

    import torch

    from clser_engine.cli.stage_progress import stage_progress
    from clser_engine.config.model_config import load_run_config
    from clser_engine.errors import BadValueError
    from clser_engine.evaluation.environment import describe_environment
    from clser_engine.evaluation.loco import run_folds, settings_hash, summarise
    from clser_engine.inference.runtimes import thread_count
    from clser_engine.training.train_default import load_training_data

    if args.seeds < 1:
        raise BadValueError(f"Bad seeds: got {args.seeds}, expected at least 1.")
    config = load_run_config(args.recipe, args.overrides)
    names = args.corpora.split(",")
    if len(set(names)) < 2:
        raise BadValueError(f"Bad corpora: got {args.corpora!r}, expected at least two names.")
    config = replace(config, manifests=tuple(f"{name}/manifest.csv" for name in names))
    if args.quick:
        config = replace(config, frame_steps=20)
    seeds = list(range(1 if args.quick else args.seeds))
    torch.set_num_threads(thread_count())
    start = time.monotonic()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    partial = args.out.with_suffix(".partial.jsonl")
    with stage_progress() as context:
        data = load_training_data(config, context)
        folds = run_folds(data, seeds, config, partial, context)
    figures, rows = summarise(folds, data)
    settings: dict[str, Any] = {**asdict(config), "seeds": seeds, "quick": args.quick}
    result = {
        "bench": "transfer",
        "protocol": args.protocol,
        "figures": figures,
        "rows": rows,
        "settings": {**settings, "settings_sha256": settings_hash(data, config)},
        "environment": describe_environment(),
        "seconds": time.monotonic() - start,
    }
    unfinished = args.out.with_suffix(".partial.json")
    unfinished.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(args.out)
    partial.unlink(missing_ok=True)
    _print_table(figures, rows)
    return 0


def _print_table(figures: dict[str, float], rows: list[dict[str, Any]]) -> None:
    print(f"{'target':<10}{'seed':>5}{'one file':>10}{'project':>10}{'frames':>10}")
    for row in rows:
        found = [row.get(f"uar_{mode}") for mode in ("one_file", "project", "frames")]
        scores = "".join(f"{'-' if value is None else f'{value:.1f}':>10}" for value in found)
        print(f"{row['target']:<10}{row['seed']:>5}{scores}")
    for mode in ("one_file", "project", "frames"):
        name = f"loco_uar_{mode}"
        print(
            f"{name:<20}{figures[name]:>6.1f}  "
            f"[{figures[name + '_low']:.1f}, {figures[name + '_high']:.1f}]"
        )
