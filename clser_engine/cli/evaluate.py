"""`clser evaluate`: figures of a model on labelled recordings."""

import argparse
import json
import sys
from pathlib import Path

NAME = "evaluate"
HELP = "Measure a model on labelled recordings."
EPILOG = """\
The manifest is CSV or JSON Lines with the columns path, emotion, speaker and language. A model is
refused on a corpus that it was trained on.

example: clser evaluate --manifest emovo/manifest.csv --statistics project --out emovo.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("--model", default="default", help="name or folder (default: default)")
    parser.add_argument("--manifest", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--statistics",
        choices=["none", "project", "speaker", "auto"],
        default="none",
        help="judge each recording alone, or relative to all or to those of its speaker; auto does "
        "what is safe for these recordings (default: none)",
    )
    parser.add_argument(
        "--propagate",
        action="store_true",
        help="let recordings that sound alike share their posteriors",
    )
    parser.add_argument("--classes", help="classes to score, with commas (default: shared ones)")
    parser.add_argument(
        "--device",
        choices=["auto", "cpu", "cuda"],
        default="auto",
        help="what the model runs on (default: auto, a graphics card for pretrained encoders)",
    )
    parser.add_argument("--out", type=Path, metavar="RESULT.json", help="also write the result")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def run(args: argparse.Namespace) -> int:
    """Evaluate; return 1 if a recording could not be read."""
    from dataclasses import asdict

    from clser_engine.bundle import hash_bytes
    from clser_engine.cli.stage_progress import stage_progress
    from clser_engine.data.manifest import read_manifest
    from clser_engine.evaluation.environment import describe_environment
    from clser_engine.evaluation.evaluate import evaluate
    from clser_engine.inference.predictor import load_predictor

    predictor = load_predictor(args.model, device=args.device)
    classes = args.classes.split(",") if args.classes else None
    with stage_progress() as context:
        result = evaluate(
            predictor,
            read_manifest(args.manifest, emotions=predictor.card.classes),
            statistics=args.statistics,
            propagate=args.propagate,
            classes=classes,
            context=context,
        )
    if predictor.notice:
        print(f"clser: note: {predictor.notice}", file=sys.stderr)
    values = {
        "bench": "evaluate",
        "figures": result.figures,
        "rows": result.rows,
        "settings": {
            "model": predictor.card.model_id.name,
            "model_sha256": predictor.card.model_id.sha256,
            "device": predictor.device,
            "runtime": predictor.runtime,
            "manifest_sha256": hash_bytes(args.manifest),
            "statistics": args.statistics,
            "propagate": args.propagate,
            "rests_on": asdict(result.summary),
            "speaker_checks": [asdict(check) for check in result.checks],
            "classes": result.classes,
            "left_out": result.left_out,
        },
        "environment": describe_environment(),
    }
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", "utf-8")
    if args.json:
        print(json.dumps(result.figures))
    else:
        for name, value in result.figures.items():
            print(f"{name:<12}{value:>8.1f}")
        print(result.summary.words)
    for notice in result.summary.notices:
        print(f"note: {notice}", file=sys.stderr)
    for path, sentence in result.failed:
        print(f"{path}: {sentence}", file=sys.stderr)
    return 1 if result.failed else 0
