"""`clser bench ood`: whether a model knows what it cannot know."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from clser_engine.runtime import RunContext

if TYPE_CHECKING:
    import numpy as np

    from clser_engine.evaluation.bench_result import BenchResult
    from clser_engine.types import FloatArray

HELP = "Measure whether a model tells speech of unheard languages from noise, music and silence."
EPILOG = """\
Speech comes from manifests of corpora that the model was not trained on; other sounds from folders
of recordings, in parts of 5 seconds, and from sounds made here that no model was trained with.

example: clser bench ood --speech emovo/manifest.csv --non-speech music noises --out ood.json
"""
PART_S = 5.0
MOST_PARTS = 6  # of one recording, so that long ones do not outweigh the others
MADE_EACH = 20
QUICK = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the bench's arguments."""
    parser.add_argument("--model", default="default", help="name or folder (default: default)")
    parser.add_argument(
        "--speech", type=Path, nargs="+", required=True, metavar="MANIFEST",
        help="manifests of speech that the model was not trained on",
    )  # fmt: skip
    parser.add_argument(
        "--non-speech", type=Path, nargs="*", default=[], metavar="DIR",
        help="folders of recordings without speech",
    )  # fmt: skip
    parser.add_argument(
        "--clips", type=int, default=200, help="recordings of each manifest (default: 200)"
    )


def measure(args: argparse.Namespace, context: RunContext) -> "BenchResult":
    """Score speech and what is none."""
    import numpy as np

    from clser_engine.audio.features import SAMPLE_RATE_HZ
    from clser_engine.bundle import hash_bytes
    from clser_engine.data.manifest import read_manifest
    from clser_engine.errors import BadValueError
    from clser_engine.evaluation.bench_result import BenchResult
    from clser_engine.evaluation.evaluate import refuse_contamination
    from clser_engine.evaluation.metrics import auroc
    from clser_engine.inference.predictor import load_predictor
    from clser_engine.training.non_speech import HELD_BACK, make_noises

    if args.clips < 1:
        raise BadValueError(f"Bad clips: got {args.clips}, expected at least 1.")
    predictor = load_predictor(args.model)
    rng = np.random.default_rng(0)
    scores: dict[str, list[float]] = {}
    speech_names = []
    for manifest in args.speech:
        utterances = read_manifest(manifest)
        refuse_contamination(predictor.card, utterances)
        count = min(QUICK if args.quick else args.clips, len(utterances))
        for number in rng.choice(len(utterances), count, replace=False):
            utterance = utterances[number]
            name = f"speech: {utterance.corpus}"
            context.report(name, sum(map(len, scores.values())), len(args.speech) * count)
            found = predictor.analyze(utterance.path, context).utterance
            scores.setdefault(name, []).append(found.ood_score)
            speech_names.append(name)
    for folder in args.non_speech:
        for samples in _parts(folder, round(PART_S * SAMPLE_RATE_HZ), context):
            found = predictor.analyze_samples(samples).utterance
            scores.setdefault(f"recorded: {folder.name}", []).append(found.ood_score)
    each = 4 if args.quick else MADE_EACH
    for kind, made in make_noises(HELD_BACK, each, seed=1).items():
        context.report("sounds made here", 0, 1)
        found_scores = [predictor.analyze_samples(s).utterance.ood_score for s in made]
        scores[f"made: {kind}"] = found_scores
    speech = np.concatenate([scores[name] for name in sorted(set(speech_names))])

    def against(prefix: str) -> list[float]:
        return [s for name, found in scores.items() if name.startswith(prefix) for s in found]

    figures = {
        "known_speech": 100 * float(np.mean(speech <= 0.5)),
        "ood_auroc_made": auroc(speech, np.array(against("made"))),
        "unknown_made": 100 * float(np.mean(np.array(against("made")) > 0.5)),
    }
    if recorded := against("recorded"):
        figures["ood_auroc"] = auroc(speech, np.array(recorded))
        figures["unknown_recorded"] = 100 * float(np.mean(np.array(recorded) > 0.5))
    else:
        figures["ood_auroc"] = figures["ood_auroc_made"]
    rows: list[dict[str, object]] = [
        {
            "sounds": name,
            "count": len(found),
            "unknown": 100 * float(np.mean(np.array(found) > 0.5)),
            "median_score": float(np.median(found)),
        }
        for name, found in scores.items()
    ]
    settings: dict[str, object] = {
        "model": predictor.card.model_id.name,
        "model_sha256": predictor.card.model_id.sha256,
        "manifest_sha256": [hash_bytes(path) for path in args.speech],
        "clips": QUICK if args.quick else args.clips,
        "quick": args.quick,
    }
    return BenchResult(figures=figures, rows=rows, settings=settings)


def _parts(folder: Path, size: int, context: RunContext) -> Iterator["FloatArray"]:
    """Yield parts (N,) of the recordings in a folder; those that cannot be read are passed over."""
    from clser_engine.audio.read import find_recordings, read_mono
    from clser_engine.errors import AudioError

    for path in find_recordings(folder):
        context.report(path.name, 0, 1)
        try:
            samples: np.ndarray = read_mono(path)
        except AudioError:
            continue
        starts = range(0, max(1, len(samples) - size // 2), size)
        for start in list(starts)[:MOST_PARTS]:
            yield samples[start : start + size]


def table(result: "BenchResult") -> str:
    """Return what is printed."""
    lines = [f"{'sounds':<40}{'count':>7}{'unknown %':>11}"]
    lines += [f"{row['sounds']:<40}{row['count']:>7}{row['unknown']:>11.1f}" for row in result.rows]
    lines += [f"{name:<24}{value:>8.3f}" for name, value in result.figures.items()]
    return "\n".join(lines)
