"""`clser bench`: what the project claims, measured; one bench a run, one JSON a result.

A bench is a module `clser_engine/cli/benches/<name>.py` with exactly this form:

    HELP = "Measure how well a model carries over to a language it never heard."
    EPILOG = "example: clser bench transfer --protocol loco --seeds 5 --out loco.json"

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        ...                                  # `--out` and `--quick` are there already

    def measure(args: argparse.Namespace, context: RunContext) -> BenchResult:
        ...                                  # imports what is slow to import inside

    def table(result: BenchResult) -> str:
        ...                                  # what is printed

and one line in `BENCHES` below. The names of the figures stay the same from release to release.
"""

import argparse
import importlib
import json
import time
from pathlib import Path

NAME = "bench"
HELP = "Measure what the project claims and write the figures as JSON."
EPILOG = """\
Each bench prints a table and writes one JSON: figures, the rows behind them, settings, environment.
`clser bench NAME --help` says what it measures.

example: clser bench transfer --protocol loco --seeds 3 --out loco.json
"""
BENCHES = {
    "diarize": "clser_engine.cli.benches.diarize",
    "ood": "clser_engine.cli.benches.ood",
    "speed": "clser_engine.cli.benches.speed",
    "transfer": "clser_engine.cli.benches.transfer",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benches and their arguments."""
    parser.epilog = EPILOG
    benches = parser.add_subparsers(title="benches", dest="bench", metavar="BENCH", required=True)
    for name, module_name in BENCHES.items():
        module = importlib.import_module(module_name)
        bench = benches.add_parser(
            name,
            help=module.HELP,
            description=module.HELP,
            epilog=module.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(bench)
        bench.add_argument("--out", type=Path, required=True, metavar="RESULT.json")
        bench.add_argument(
            "--quick", action="store_true", help="minutes instead: less of everything, said so"
        )


def run(args: argparse.Namespace) -> int:
    """Measure, print the table and write the result."""
    from clser_engine.cli.stage_progress import stage_progress
    from clser_engine.evaluation.environment import describe_environment

    module = importlib.import_module(BENCHES[args.bench])
    args.out.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with stage_progress() as context:
        result = module.measure(args, context)
    values = {
        "bench": args.bench,
        "figures": result.figures,
        "rows": result.rows,
        "settings": {**result.settings, "quick": args.quick},
        "environment": describe_environment(),
        "seconds": time.monotonic() - start,
    }
    unfinished = args.out.with_suffix(".partial.json")
    unfinished.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(args.out)
    print(module.table(result))
    return 0
