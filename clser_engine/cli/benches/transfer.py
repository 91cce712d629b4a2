"""`clser bench transfer`: how well a model carries over to a language it never heard."""

import argparse
from typing import TYPE_CHECKING

from clser_engine.runtime import RunContext

if TYPE_CHECKING:
    from clser_engine.evaluation.bench_result import BenchResult

HELP = "Measure how well a model carries over to languages it never heard."
EPILOG = """\
--protocol loco: each corpus held out in turn, a model trained on the others judges it, file by file
and with the unlabelled statistics of the corpus or of each speaker, with and without propagation of
posteriors (lp). Corpora whose speakers mostly show one emotion are left out of the speakers' means.
Temperatures and the guard are fitted on the other corpora, each left out in turn. An interrupted
run is taken up where it stopped.

example: clser bench transfer --protocol loco --seeds 3 --out loco.json
"""
LOCO_CORPORA = "emodb,emovo,nemo,ravdess,urdu"
DEFAULT_RECIPE = "default-recipe"
SHOWN = ("one_file", "project", "project_lp", "speaker", "speaker_lp", "auto", "frames")
HONESTY = (
    "ece_project",
    "nll_project",
    "nll_project_uncalibrated",
    "guard_caught_share",
    "guard_false_alarm_share",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the bench's arguments."""
    parser.add_argument("--protocol", choices=["loco"], default="loco", help="(default: loco)")
    parser.add_argument(
        "--model",
        default=DEFAULT_RECIPE,
        metavar="RECIPE",
        help="what is trained for each target: default-recipe, a preset or a TOML file",
    )
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


def measure(args: argparse.Namespace, context: RunContext) -> "BenchResult":
    """Train and judge every fold."""
    from dataclasses import asdict, replace

    import torch

    from clser_engine.config.model_config import load_run_config
    from clser_engine.errors import BadValueError
    from clser_engine.evaluation.bench_result import BenchResult
    from clser_engine.evaluation.loco import run_folds, settings_hash, summarise
    from clser_engine.inference.runtimes import thread_count
    from clser_engine.training.train_default import load_training_data

    if args.seeds < 1:
        raise BadValueError(f"Bad seeds: got {args.seeds}, expected at least 1.")
    recipe = "default" if args.model == DEFAULT_RECIPE else args.model
    config = load_run_config(recipe, args.overrides)
    names = args.corpora.split(",")
    if len(set(names)) < 2:
        raise BadValueError(f"Bad corpora: got {args.corpora!r}, expected at least two names.")
    config = replace(config, manifests=tuple(f"{name}/manifest.csv" for name in names))
    if args.quick:
        config = replace(config, concatenations=40, speech_steps=20)
    seeds = list(range(1 if args.quick else args.seeds))
    torch.set_num_threads(thread_count())
    partial = args.out.with_suffix(".partial.jsonl")
    data = load_training_data(config, context)
    folds = run_folds(data, seeds, config, partial, context)
    figures, rows = summarise(folds, data)
    settings = {
        **asdict(config),
        "protocol": args.protocol,
        "seeds": seeds,
        "settings_sha256": settings_hash(data, config),
    }
    partial.unlink(missing_ok=True)
    return BenchResult(figures=figures, rows=rows, settings=settings)


def table(result: "BenchResult") -> str:
    """Return the rows and the means with their intervals."""
    modes = [name for name in SHOWN if f"loco_uar_{name}" in result.figures]
    lines = [f"{'target':<10}{'seed':>5}" + "".join(f"{name:>12}" for name in modes)]
    for row in result.rows:
        found = [row.get(f"uar_{mode}") for mode in modes]
        scores = "".join(f"{'-' if value is None else f'{value:.1f}':>12}" for value in found)
        lines.append(f"{row['target']:<10}{row['seed']:>5}{scores}")
    figures = result.figures
    for mode in modes:
        name = f"loco_uar_{mode}"
        low, high = figures[name + "_low"], figures[name + "_high"]
        lines.append(f"{name:<24}{figures[name]:>6.1f}  [{low:.1f}, {high:.1f}]")
    lines += [f"{name:<24}{figures[name]:>6.2f}" for name in HONESTY if name in figures]
    return "\n".join(lines)
