"""`clser bench diarize`: where each emotion starts and ends, in a language never heard."""

import argparse
from typing import TYPE_CHECKING

from clser_engine.runtime import RunContext

if TYPE_CHECKING:
    from clser_engine.evaluation.bench_result import BenchResult

HELP = "Measure how well stretches of emotion are found in a language never heard."
EPILOG = """\
Each corpus is held out in turn. Two to four of its clips in a row, mostly of one speaker and of
different emotions, make a recording whose changes are known. Reported are the emotion diarization
error rate (missed, false alarm and confusion over the length of the recordings, and more strictly
over the time in which somebody speaks) and the F1 of the changes, against always the same emotion
and the utterance classifier on sliding windows. An interrupted run is taken up where it stopped.

example: clser bench diarize --out diarize.json
"""
CORPORA = "emodb,emovo,nemo,ravdess,urdu"
RECORDINGS, QUICK_RECORDINGS = 120, 12
DRAW_SEED = 11


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the bench's arguments."""
    parser.add_argument(
        "--corpora",
        default=CORPORA,
        metavar="NAMES",
        help=f"folders of corpora, with commas (default: {CORPORA})",
    )
    parser.add_argument(
        "--recordings",
        type=int,
        default=RECORDINGS,
        metavar="N",
        help=f"recordings put together of each corpus (default: {RECORDINGS})",
    )
    parser.add_argument(
        "--set", dest="overrides", metavar="KEY=VALUE", action="append", default=[],
        help="replace one setting of the run that trains the models",
    )  # fmt: skip


def measure(args: argparse.Namespace, context: RunContext) -> "BenchResult":
    """Train a model for each corpus left out and diarize recordings of that corpus."""
    from dataclasses import asdict, replace

    import torch

    from clser_engine.config.model_config import load_run_config
    from clser_engine.errors import BadValueError
    from clser_engine.evaluation.bench_result import BenchResult
    from clser_engine.evaluation.diarize import run_diarize_folds, settings_of, summarise_diarize
    from clser_engine.evaluation.loco import settings_hash
    from clser_engine.inference.runtimes import thread_count
    from clser_engine.training.smoothing import COMPACT
    from clser_engine.training.train_default import load_training_data

    names = args.corpora.split(",")
    if len(set(names)) < 2:
        raise BadValueError(f"Bad corpora: got {args.corpora!r}, expected at least two names.")
    if args.recordings < 1:
        raise BadValueError(f"Bad recordings: got {args.recordings}, expected at least 1.")
    config = load_run_config("default", args.overrides)
    config = replace(config, manifests=tuple(f"{name}/manifest.csv" for name in names))
    count = args.recordings
    if args.quick:
        config = replace(config, concatenations=40, speech_steps=60)
        count = min(count, QUICK_RECORDINGS)
    torch.set_num_threads(thread_count())
    data = load_training_data(config, context)
    partial = args.out.with_suffix(".partial.jsonl")
    folds = run_diarize_folds(data, config, COMPACT, count, DRAW_SEED, partial, context)
    figures, rows = summarise_diarize(folds)
    settings = {
        **asdict(config),
        **settings_of(COMPACT, folds, DRAW_SEED),
        "settings_sha256": settings_hash(data, config),
    }
    partial.unlink(missing_ok=True)
    return BenchResult(figures=figures, rows=rows, settings=settings)


def table(result: "BenchResult") -> str:
    """Return the rows and the means with their intervals."""
    columns = {
        "eder": "EDER",
        "eder_windows": "windows",
        "eder_majority": "majority",
        "eder_oracle_boundaries": "oracle",
        "boundary_f1_200ms": "F1",
    }
    lines = [f"{'target':<10}" + "".join(f"{title:>10}" for title in columns.values())]
    for row in [*result.rows, {"target": "mean", **result.figures}]:
        values = "".join(f"{row[name]:>10.1f}" for name in columns)
        lines.append(f"{row['target']!s:<10}{values}")
    for name in ("eder", "eder_windows", "gain"):
        low, high = result.figures[f"{name}_low"], result.figures[f"{name}_high"]
        lines.append(f"{name:<14}{result.figures[name]:>6.1f}  [{low:.1f}, {high:.1f}]")
    return "\n".join(lines)
