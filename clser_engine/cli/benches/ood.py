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
Speech comes from manifests of corpora that the model was not trained on, as recorded and altered as
telephones, rooms and noise do it; other sounds from folders of recordings, in parts of 5 seconds,
and from sounds made here that no model was trained with.

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
    from numpy.typing import NDArray

    from clser_engine.audio.features import SAMPLE_RATE_HZ
    from clser_engine.audio.read import read_mono
    from clser_engine.bundle import hash_bytes
    from clser_engine.data.manifest import read_manifest
    from clser_engine.errors import BadValueError
    from clser_engine.evaluation.bench_result import BenchResult
    from clser_engine.evaluation.evaluate import refuse_contamination
    from clser_engine.evaluation.metrics import auroc
    from clser_engine.inference.familiarity import STRANGE
    from clser_engine.inference.predictor import load_predictor
    from clser_engine.training.damage import DAMAGES, damage
    from clser_engine.training.non_speech import HELD_BACK, make_noises

    if args.clips < 1:
        raise BadValueError(f"Bad clips: got {args.clips}, expected at least 1.")
    predictor = load_predictor(args.model)
    rng = np.random.default_rng(0)
    scores: dict[str, list[float]] = {}

    def score(name: str, samples: "FloatArray") -> None:
        context.report(name, len(scores.get(name, ())), 1)
        found = predictor.analyze_samples(samples, context).utterance
        scores.setdefault(name, []).append(found.ood_score)

    for manifest in args.speech:
        utterances = read_manifest(manifest)
        refuse_contamination(predictor.card, utterances)
        count = min(QUICK if args.quick else args.clips, len(utterances))
        for turn, number in enumerate(rng.choice(len(utterances), count, replace=False)):
            utterance = utterances[number]
            samples = read_mono(utterance.path)
            score(f"speech: {utterance.corpus}, {utterance.emotion}", samples)
            kind = list(DAMAGES)[turn % len(DAMAGES)]
            score(f"altered: {kind}", damage(kind, samples, rng))
    for folder in args.non_speech:
        for samples in _parts(folder, round(PART_S * SAMPLE_RATE_HZ), context):
            score(f"recorded: {folder.name}", samples)
    for kind, made in make_noises(HELD_BACK, 4 if args.quick else MADE_EACH, seed=1).items():
        for samples in made:
            score(f"made: {kind}", samples)

    def of(kind: str) -> NDArray[np.float64]:
        chosen = [found for name, found in scores.items() if name.startswith(kind)]
        return np.array([one for found in chosen for one in found])

    def unknown(kind: str) -> float:
        return 100 * float(np.mean(of(kind) > STRANGE))

    emotions = [name for name in scores if name.startswith("speech: ")]
    figures = {
        "known_speech": 100 - unknown("speech: "),
        "known_speech_of_worst_emotion": 100 - max(map(unknown, emotions)),
        "known_altered_speech": 100 - unknown("altered: "),
        "ood_auroc_made": auroc(of("speech: "), of("made: ")),
        "unknown_made": unknown("made: "),
    }
    if len(of("recorded: ")):
        figures["ood_auroc"] = auroc(of("speech: "), of("recorded: "))
        figures["unknown_recorded"] = unknown("recorded: ")
    else:
        figures["ood_auroc"] = figures["ood_auroc_made"]
    rows: list[dict[str, object]] = [
        {
            "sounds": name,
            "count": len(found),
            "unknown": 100 * float(np.mean(np.array(found) > STRANGE)),
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
