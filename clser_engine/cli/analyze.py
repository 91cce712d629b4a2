"""`clser analyze`: frame and utterance posteriors of recordings, written to files."""

import argparse
import sys
from pathlib import Path

from clser_engine.errors import EngineError

NAME = "analyze"
HELP = "Recognise emotions in recordings and write them to files."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = "example: clser analyze interview.wav recordings/ --out results"
    parser.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="a recording or folder")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of results")
    parser.add_argument("--model", default="default", help="default, a bundle's name or its folder")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])


def run(args: argparse.Namespace) -> int:
    """Analyse each recording; return 0 only when all succeeded."""
    from clser_engine.formats.analysis_json import write_analysis
    from clser_engine.inference.predictor import load_predictor
    from clser_engine.runtime import RunContext

    predictor = load_predictor(args.model, device=args.device)
    args.out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for path in args.paths:
        try:
            analysis = predictor.analyze(path, RunContext())
            write_analysis(args.out / f"{path.stem}.json", analysis, path, overwrite=True)
        except EngineError as error:
            failed += 1
            print(f"clser: {error}", file=sys.stderr)
    return 1 if failed else 0
