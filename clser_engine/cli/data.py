"""`clser data`: labelled recordings, from public corpora to splits that do not leak."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clser_engine.cli.data_report import print_report, print_table, report_as_json

if TYPE_CHECKING:
    from clser_engine.data.corpora.read import Reading
    from clser_engine.data.manifest import Utterance

NAME = "data"
HELP = "Read corpora into manifests, check them, split them."
EPILOG = """\
A manifest is CSV or JSON Lines with the columns path, emotion, speaker and language.

examples:
  clser data list
  clser data make emodb Downloads/EmoDB --out emodb.csv
  clser data check emodb.csv emovo.csv
  clser data split emodb.csv emovo.csv --share 0.2 --out split
  clser data check split/train.csv split/validation.csv
"""
SPLIT_COLUMN = "split"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_list(actions)
    _add_make(actions)
    _add_check(actions)
    _add_split(actions)
    _add_cache(actions)


def run(args: argparse.Namespace) -> int:
    """Do what was asked; return 1 if something was refused or could not be read."""
    actions = {
        "list": _list,
        "make": _make,
        "check": _check,
        "split": _split,
        "cache": _cache,
    }
    return actions[args.action](args)


def _add(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    text: str,
    example: str,
) -> argparse.ArgumentParser:
    return actions.add_parser(name, help=text, description=text, epilog=f"example: {example}")


def _add_list(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _add(actions, "list", "List the corpora that can be read.", "clser data list --json")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print everything known as JSON")
    form.add_argument("--markdown", action="store_true", help="print a table for documents")


def _add_make(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _add(
        actions,
        "make",
        "Write the manifest of a corpus from its folder as published.",
        "clser data make ravdess Downloads/RAVDESS --out ravdess.csv",
    )
    parser.add_argument("corpus", help="which one, as clser data list names it")
    parser.add_argument("folder", type=Path, help="its folder")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="ends in .csv or .jsonl"
    )
    parser.add_argument("--language", metavar="TAG", help="for a corpus whose language is unknown")
    parser.add_argument(
        "--no-durations", action="store_true", help="open no recording, so leave lengths empty"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")


def _add_check(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _add(
        actions,
        "check",
        "Check labelled recordings; several manifests are the parts of a split.",
        "clser data check train.csv test.csv --classes anger,neutral",
    )
    parser.add_argument("manifests", type=Path, nargs="+", metavar="MANIFEST")
    parser.add_argument(
        "--split",
        metavar="COLUMN",
        help="the column that names the part of each recording (default: split, if there is one)",
    )
    parser.add_argument(
        "--pooled", action="store_true", help="several manifests are one collection, no split"
    )
    parser.add_argument("--classes", help="emotions that every part must have, with commas")
    parser.add_argument("--no-audio", action="store_true", help="open no recording")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def _add_split(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _add(
        actions,
        "split",
        "Split labelled recordings so that nobody is heard in two parts.",
        "clser data split emodb.csv emovo.csv --by language --out folds",
    )
    parser.add_argument("manifests", type=Path, nargs="+", metavar="MANIFEST")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument(
        "--by",
        choices=["speaker", "language"],
        default="speaker",
        help="train and validation, or these and a test for each language left out",
    )
    parser.add_argument(
        "--share", type=float, default=0.2, help="of each class for validation (default: 0.2)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default: 0)")
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")


def _add_cache(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _add(
        actions, "cache", "Show or clear the features that are kept.", "clser data cache --clear"
    )
    parser.add_argument("--clear", action="store_true", help="remove them")
    parser.add_argument("--json", action="store_true", help="print the folders as JSON")


def _list(args: argparse.Namespace) -> int:
    from clser_engine.data.corpora.table import CORPORA, corpora_as_markdown, foreign_corpora

    if args.markdown:
        print(corpora_as_markdown(), end="")
        return 0
    rows: list[dict[str, object]] = [
        {
            "name": corpus.name,
            "title": corpus.title,
            "languages": ", ".join(corpus.languages) or "any",
            "kind": corpus.kind,
            "licence": corpus.licence,
            "source": corpus.source,
            "example": corpus.example,
            "emotions": dict(corpus.emotions),
            "traps": corpus.traps,
        }
        for corpus in CORPORA.values()
    ]
    foreign = {name: entry.value for name, entry in foreign_corpora().items()}
    if args.json:
        print(json.dumps({"corpora": rows, "from_packages": foreign}, ensure_ascii=False))
        return 0
    print_table([{k: row[k] for k in ("name", "title", "languages", "kind")} for row in rows])
    for name, value in foreign.items():
        print(f"{name}  from {value}")
    return 0


def _make(args: argparse.Namespace) -> int:
    from clser_engine.cli.stage_progress import stage_progress
    from clser_engine.data.corpora.read import read_corpus
    from clser_engine.data.corpora.table import find_corpus
    from clser_engine.data.durations import add_durations
    from clser_engine.data.manifest import write_manifest

    reading = read_corpus(find_corpus(args.corpus), args.folder, language=args.language)
    utterances = reading.utterances
    failed: list[str] = []
    if not args.no_durations:
        with stage_progress() as context:
            utterances, failed = add_durations(utterances, context)
    write_manifest(args.out, utterances, overwrite=args.overwrite)
    _tell_reading(reading)
    for sentence in failed:
        print(f"clser: left out: {sentence}", file=sys.stderr)
    seconds = sum(float(u.extra.get("duration_s") or 0) for u in utterances)
    length = "" if args.no_durations else f", {seconds / 60:.1f} minutes"
    speakers = len({u.speaker_key for u in utterances})
    print(f"Wrote {args.out}: {len(utterances)} recordings, {speakers} speakers{length}")
    return 1 if failed else 0


def _tell_reading(reading: "Reading") -> None:
    told = (
        (reading.unknown, "files have names that mean nothing in this corpus and were passed over"),
        (reading.copies, "files hold recordings that are there twice and were passed over"),
        (reading.missing, "clips are in the corpus's tables but have no file"),
    )
    for items, what in told:
        if items:
            print(f"clser: {len(items)} {what}, for example {items[0]}", file=sys.stderr)


def _check(args: argparse.Namespace) -> int:
    from clser_engine.cli.stage_progress import stage_progress
    from clser_engine.data.check import check_data
    from clser_engine.data.manifest import examine_manifest
    from clser_engine.data.sound_facts import measure_sounds

    manifests: dict[str, list[Utterance]] = {}
    wrong = []
    for name, path in zip(_name_parts(args.manifests), args.manifests, strict=True):
        manifests[name], problems = examine_manifest(path)
        wrong += [f"{path}, line {p.line}: {p.sentence}" for p in problems]
    parts, is_split = _find_parts(manifests, args.split, args.pooled)
    utterances = [utterance for part in parts.values() for utterance in part]
    facts = None
    if not args.no_audio:
        paths = list(dict.fromkeys(u.path for u in utterances))
        with stage_progress() as context:
            facts = dict(zip(paths, measure_sounds(paths, context), strict=True))
    classes = args.classes.split(",") if args.classes else ()
    report = check_data(parts, facts, is_split=is_split, classes=classes)
    if args.json:
        print(json.dumps(report_as_json(report, wrong), ensure_ascii=False))
    else:
        print_report(report)
    for sentence in (*wrong, *(finding.sentence for finding in report.refused)):
        print(f"clser: {sentence}", file=sys.stderr)
    return 1 if wrong or report.refused else 0


def _find_parts(
    manifests: "dict[str, list[Utterance]]", column: str | None, is_pooled: bool
) -> "tuple[dict[str, list[Utterance]], bool]":
    """Return the recordings by part, and whether the parts are those of a split."""
    from clser_engine.errors import BadValueError

    utterances = [utterance for some in manifests.values() for utterance in some]
    if column is None and any(u.extra.get(SPLIT_COLUMN) for u in utterances) and not is_pooled:
        column = SPLIT_COLUMN
    if column is None:
        if is_pooled:
            return {"all": utterances}, False
        return manifests, len(manifests) > 1
    parts: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        part = utterance.extra.get(column, "")
        if column not in utterance.extra:
            known = ", ".join(sorted(utterance.extra)) or "none"
            raise BadValueError(
                f"Bad split: got {column!r}, expected a column of the manifest: {known}."
            )
        parts.setdefault(part or "(no part)", []).append(utterance)
    return parts, True


def _name_parts(paths: Sequence[Path]) -> list[str]:
    """Return names that tell the manifests apart: of the file, or else its whole path."""
    stems = [path.stem for path in paths]
    if len(set(stems)) == len(paths):
        return stems
    folders = [f"{path.absolute().parent.name}/{path.name}" for path in paths]
    return folders if len(set(folders)) == len(paths) else [str(path) for path in paths]


def _split(args: argparse.Namespace) -> int:
    from clser_engine.data.manifest import read_manifest
    from clser_engine.data.splits import leave_one_language_out, split_by_speaker

    utterances = [u for path in args.manifests for u in read_manifest(path)]
    if args.by == "speaker":
        split = split_by_speaker(utterances, args.share, args.seed)
        parts = {"train": split.train, "validation": split.validation}
    else:
        parts = {}
        for fold in leave_one_language_out(utterances):
            split = split_by_speaker(fold.sources, args.share, args.seed)
            parts[f"{fold.language}/train"] = split.train
            parts[f"{fold.language}/validation"] = split.validation
            parts[f"{fold.language}/test"] = fold.target
    _write_parts(args.out, parts, overwrite=args.overwrite)
    print_table(
        [
            {
                "part": name,
                "recordings": len(part),
                "speakers": len({u.speaker_key for u in part}),
                **_count_emotions(part, utterances),
            }
            for name, part in parts.items()
        ]
    )
    return 0


def _write_parts(folder: Path, parts: "dict[str, list[Utterance]]", *, overwrite: bool) -> None:
    from clser_engine.data.manifest import write_manifest
    from clser_engine.errors import FormatError

    paths = {name: folder / f"{name}.csv" for name in parts}
    there = [path for path in paths.values() if path.exists()]
    if there and not overwrite:
        raise FormatError(
            f"{there[0]} exists already and was left as it is; choose another folder or allow "
            "replacing with --overwrite."
        )
    for name, path in paths.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FormatError(
                f"{path.parent} cannot be made because the system says '{error.strerror}'; choose "
                "another folder."
            ) from error
        write_manifest(path, parts[name], overwrite=overwrite)


def _count_emotions(
    part: "Sequence[Utterance]", utterances: "Sequence[Utterance]"
) -> dict[str, int]:
    emotions = sorted({u.emotion for u in utterances})
    return {emotion: sum(u.emotion == emotion for u in part) for emotion in emotions}


def _cache(args: argparse.Namespace) -> int:
    from clser_engine.data.features_cache import list_cache, make_room

    removed = make_room(-1) if args.clear else []
    rows: list[dict[str, object]] = [
        {
            "folder": str(folder.path),
            "alteration": folder.alteration,
            "recordings": folder.recordings,
            "MB": round(folder.num_bytes / 1e6, 1),
            "in use": "yes" if folder.is_current else "no: made by other code",
        }
        for folder in list_cache()
    ]
    if args.json:
        print(json.dumps({"removed": [str(path) for path in removed], "folders": rows}))
        return 0
    for path in removed:
        print(f"Removed {path}")
    if rows:
        print_table(rows)
    elif not removed:
        print("No features are kept.")
    return 0
