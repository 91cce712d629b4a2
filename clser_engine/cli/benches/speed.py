"""`clser bench speed`: how fast models are, on one core and on a graphics card."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from clser_engine.runtime import RunContext

if TYPE_CHECKING:
    from clser_engine.evaluation.bench_result import BenchResult

HELP = "Measure how fast models are, in processor time on one core and on a graphics card."
EPILOG = """\
compact: a bundle on recordings, reading included, and how far its graphs are from torch. base: a
wav2vec 2.0 of that size with random weights, against torch and the pipeline of transformers. cards:
the same and a large one on a graphics card; left out where there is none. An RTF is processor
seconds per second of audio.

example: clser bench speed --only compact --out speed.json
         clser bench speed --recordings recordings/ --out speed.json
"""
GROUPS = ("compact", "base", "cards")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the bench's arguments."""
    parser.add_argument("--only", choices=GROUPS, help="measure one group (default: all)")
    parser.add_argument("--model", default="default", metavar="M", help="compact bundle to measure")
    parser.add_argument(
        "--recordings",
        type=Path,
        metavar="DIR",
        help="folder of recordings (default: the demo project's)",
    )
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each (default: 5)")


def measure(args: argparse.Namespace, context: RunContext) -> "BenchResult":
    """Measure each group."""
    from clser_engine.audio.read import find_recordings
    from clser_engine.errors import BadValueError
    from clser_engine.evaluation.bench_result import BenchResult
    from clser_engine.evaluation.speed import measure_compact, read_recordings
    from clser_engine.inference.devices import find_cards
    from clser_engine.resources import resource_path

    if args.runs < 1:
        raise BadValueError(f"Bad runs: got {args.runs}, expected at least 1.")
    folder = args.recordings or resource_path("demo")
    paths = find_recordings(folder)
    runs = 1 if args.quick else args.runs
    figures: dict[str, float] = {}
    rows: list[dict[str, object]] = []
    settings: dict[str, object] = {"recordings": len(paths), "runs": runs, "only": args.only}
    samples = read_recordings(paths)

    def keep(found: tuple[dict[str, float], list[dict[str, object]]]) -> None:
        figures.update(found[0])
        rows.extend(found[1])

    if args.only in (None, "compact"):
        found, behind, predictor = measure_compact(args.model, paths, runs, context)
        keep((found, behind))
        settings |= {"model": str(predictor.card.model_id), "runtime": predictor.runtime}
    if args.only in (None, "base"):
        from clser_engine.evaluation.encoder_speed import measure_on_processor

        keep(measure_on_processor(samples, runs, args.quick, context))
    if args.only in (None, "cards"):
        cards = find_cards()
        settings["card"] = cards.names[0] if cards.names else f"none: {cards.reason}"
        if cards.names:
            keep(_measure_on_card(paths, args.quick, context))
        elif args.only == "cards":
            raise BadValueError(f"There is no graphics card to measure: {cards.reason}.")
    return BenchResult(figures=figures, rows=rows, settings=settings)


def _measure_on_card(
    paths: list[Path], quick: bool, context: RunContext
) -> tuple[dict[str, float], list[dict[str, object]]]:
    from clser_engine.evaluation.encoder_speed import (
        CARD_BATCHES,
        build_model,
        end_to_end_share,
        measure_on_card,
    )
    from clser_engine.evaluation.speed import read_recordings

    samples = read_recordings(paths)
    figures: dict[str, float] = {}
    rows: list[dict[str, object]] = []
    for size in ("base", "large"):
        found, behind = measure_on_card(size, samples, "cuda", quick, context)
        figures |= found
        rows += behind
    ratios = [v for name, v in figures.items() if name.startswith("ratio_to_pipeline_gpu_")]
    figures["ratio_to_pipeline_gpu_best"] = max(ratios)
    model = build_model("base", quick).to("cuda")
    figures["end_to_end_share"] = end_to_end_share(
        lambda: iter(read_recordings(paths)), model, "cuda", CARD_BATCHES[0]
    )
    return figures, rows


def table(result: "BenchResult") -> str:
    """Return rows and figures, one a line."""
    lines = []
    for row in result.rows:
        value = row.get("rtf")
        words = f"RTF {value:.5f}" if value is not None else f"{row['audio_s_per_s']:.0f} x"
        lines.append(f"{row['model']:<9}{row['what']:<28}{words}")
    lines += [f"{name:<32}{value:.5g}" for name, value in result.figures.items()]
    return "\n".join(lines)
