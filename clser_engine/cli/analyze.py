"""`clser analyze`: frame and utterance posteriors of recordings, written to files."""

import argparse
import json
import logging
import re
import sys
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from clser_engine.audio.read import find_recordings, probe_audio
from clser_engine.cli.progress import AnalysisProgress
from clser_engine.errors import EngineError, FormatError
from clser_engine.formats.stems import unique_stems
from clser_engine.formats.table import POSTERIOR_FORMATS, PosteriorFormat
from clser_engine.types import Analysis

if TYPE_CHECKING:  # it loads onnxruntime, which --help must not wait for
    from clser_engine.inference.predictor import Predictor

logger = logging.getLogger(__name__)

NAME = "analyze"
HELP = "Recognise emotions in recordings and write them to files."
EPILOG = """\
Each recording gets DIR/<name>.json and whatever else --format asks for. Folders are searched, with
the folders below them. A later run replaces the results of an earlier one and no other file.

example: clser analyze interview.wav recordings/ --out results
         clser analyze recordings/ --statistics project --format json,csv,textgrid --out results
         clser analyze talks/ --statistics auto --speaker-pattern '/(\\w+)_[0-9]+' --out results
"""
HEAD_BYTES = 8192


class Outcome(NamedTuple):
    """A recording that was analysed, and the stem of its results."""

    path: Path
    stem: str
    analysis: Analysis


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="a recording or folder")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of results")
    parser.add_argument(
        "--model",
        default="default",
        metavar="M",
        help="default, the name of an installed bundle, or a bundle's folder",
    )
    parser.add_argument(
        "--statistics",
        choices=["none", "project", "speaker", "auto"],
        default="none",
        help="judge each recording by itself, or relative to all recordings named here, which is "
        "more accurate when they are many and of one kind, or relative to those of its speaker; "
        "auto does what is safe for these recordings (default: none)",
    )
    parser.add_argument(
        "--speaker-pattern",
        type=_to_pattern,
        metavar="REGEX",
        help="finds the speaker in a recording's path; the part in brackets is the name",
    )
    parser.add_argument(
        "--propagate",
        action="store_true",
        help="let recordings that sound alike share their posteriors (with --statistics)",
    )
    parser.add_argument(
        "--format",
        type=_to_formats,
        default="json",
        metavar="LIST",
        help="any of json,csv,textgrid (default: json)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per recording")
    parser.add_argument(
        "--device",
        choices=["auto", "cpu", "cuda"],
        default="auto",
        help="what the model runs on (default: auto: the processor for the shipped small model, "
        "a graphics card for pretrained encoders)",
    )
    parser.add_argument(
        "--runtime",
        choices=["onnx", "torch"],
        default="onnx",
        help="what runs the model; torch gives the same numbers, to compare with (default: onnx)",
    )


def run(args: argparse.Namespace) -> int:
    """Analyse each recording; return 0 only when all succeeded."""
    failures = 0
    paths: list[Path] = []
    for path in args.paths:
        found = find_recordings(path) if path.is_dir() else [path]
        if not found:
            failures += 1
            _tell(f"{path} holds no recordings; name another folder or the files themselves.")
        paths += found
    if not paths:
        return 1
    _make_folder(args.out)
    stems = unique_stems([PurePath(path) for path in paths])
    for path, stem in stems.items():
        if stem != path.stem:
            _tell(
                f"note: {path} shares its name with another recording; "
                f"its results are called {stem}."
            )

    # Imported here because they load onnxruntime or torch, which takes seconds.
    from clser_engine.inference.many import analyze_many
    from clser_engine.inference.predictor import load_predictor

    predictor = load_predictor(args.model, runtime=args.runtime, device=args.device)
    told = predictor.notice
    if told:
        _tell(f"note: {told}")
    outcomes = []
    with AnalysisProgress(len(stems)) as progress:
        analysed = analyze_many(predictor, [Path(path) for path in stems], progress.context)
        for stem, (path, analysis, error) in zip(stems.values(), analysed, strict=True):
            try:
                if analysis is None:
                    raise error or EngineError(f"{path} was not analysed.")
                outcome = Outcome(path, stem, analysis)
                files = _write(args.out, outcome, args.format)
                if notice := probe_audio(path).notice:
                    _tell(f"note: {notice}")
            except EngineError as failure:
                failures += 1
                _report_failure(path, str(failure), args.json)
            except Exception as failure:  # one recording must not stop the others
                logger.exception("Unexpected error in %s", path)
                failures += 1
                name = type(failure).__name__
                _report_failure(path, f"{path} met an unexpected {name}; see the log.", args.json)
            else:
                if args.statistics == "none":
                    _report(outcome, files, args.json)
                else:
                    outcomes.append(outcome)
    if predictor.notice != told:
        _tell(f"note: {predictor.notice}")
    if outcomes:
        for outcome in _relative_to_each_other(predictor, outcomes, args):
            _report(outcome, _write(args.out, outcome, args.format), args.json)
    return 1 if failures else 0


def _relative_to_each_other(
    predictor: "Predictor", outcomes: list[Outcome], args: argparse.Namespace
) -> list[Outcome]:
    """Score each recording again, relative to the others, and say what that rests on."""
    scores = predictor.score_project(
        np.stack([outcome.analysis.functionals for outcome in outcomes]),
        statistics=args.statistics,
        speakers=[_speaker(outcome.path, args.speaker_pattern) for outcome in outcomes],
        propagate=args.propagate,
    )
    _tell(f"note: {scores.summary.words}")
    for notice in scores.summary.notices:
        _tell(f"note: {notice}")
    return [
        outcome._replace(analysis=replace(outcome.analysis, utterance=utterance))
        for outcome, utterance in zip(outcomes, scores.utterances, strict=True)
    ]


def _speaker(path: Path, pattern: re.Pattern[str] | None) -> str:
    """Return who speaks, empty where the path does not say."""
    found = pattern.search(str(path)) if pattern else None
    return (found[1] or "") if found else ""


def _write(folder: Path, outcome: Outcome, formats: list[PosteriorFormat]) -> list[Path]:
    files = [folder / f"{outcome.stem}{wanted.suffix}" for wanted in formats]
    for file, wanted in zip(files, formats, strict=True):
        wanted.write(file, outcome.analysis, outcome.path, overwrite=_is_result(file, wanted))
    return files


def _is_result(file: Path, wanted: PosteriorFormat) -> bool:
    """Whether an earlier run made the file; a TextGrid made by hand is never replaced."""
    try:
        with open(file, "rb") as stream:
            return wanted.marker in stream.read(HEAD_BYTES)
    except OSError:
        return False


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FormatError(
            f"The folder {folder} cannot be made because the system says '{error.strerror}'; "
            "name another one with --out."
        ) from error


def _report(outcome: Outcome, files: list[Path], as_json: bool) -> None:
    utterance = outcome.analysis.utterance
    if as_json:
        summary = {
            "path": str(outcome.path),
            "results": [str(file) for file in files],
            "emotion": utterance.emotion,
            "confidence": round(utterance.confidence, 6),
            "statistics": utterance.statistics,
            "is_known": utterance.is_known,
            "ood_score": round(utterance.ood_score, 6),
            "duration_s": outcome.analysis.duration_s,
        }
        print(json.dumps(summary), flush=True)
    else:
        found = utterance.emotion if utterance.is_known else f"don't know, {utterance.emotion}?"
        print(f"{outcome.path}: {found} ({utterance.confidence:.0%})", flush=True)


def _report_failure(path: Path, sentence: str, as_json: bool) -> None:
    _tell(sentence)
    if as_json:
        print(json.dumps({"path": str(path), "error": sentence}), flush=True)


def _tell(sentence: str) -> None:
    print(f"clser: {sentence}", file=sys.stderr, flush=True)


def _to_pattern(text: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"no regular expression: {text!r} ({error})") from None
    if pattern.groups != 1:
        raise argparse.ArgumentTypeError(
            f"{text!r} has {pattern.groups} parts in brackets, expected one: the speaker's name"
        )
    return pattern


def _to_formats(text: str) -> list[PosteriorFormat]:
    known = {known.name: known for known in POSTERIOR_FORMATS}
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise argparse.ArgumentTypeError(
            f"unknown format {', '.join(unknown) or text!r}, expected any of {', '.join(known)}"
        )
    return [known[name] for name in dict.fromkeys(names)]
