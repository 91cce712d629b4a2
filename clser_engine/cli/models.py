"""`clser models`: the models and pretrained backbones of this computer, and how more come to it."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clser_engine.errors import BadValueError, BundleError, CheckpointError

if TYPE_CHECKING:
    from clser_engine.backbones.fetched import Fetched
    from clser_engine.backbones.hub import RemoteCheckpoint
    from clser_engine.bundle import ModelCard

NAME = "models"
HELP = "List, fetch, show, add and remove models and pretrained backbones."
EPILOG = """\
A model recognises emotions: `default`, a trained one, or one that was added from a folder or zip.
A backbone is a pretrained speech encoder that models are trained on: a checkpoint of the hub
(owner/name) or a pipeline of torchaudio (torchaudio:NAME).

examples:
  clser models list
  clser models show default
  clser models fetch facebook/wav2vec2-xls-r-300m
  clser models fetch microsoft/wavlm-base-plus --convert --yes
  clser models fetch torchaudio:WAVLM_BASE_PLUS
  clser models add colleague.clser-model.zip
  clser models remove facebook/wav2vec2-xls-r-300m
"""
COMMIT_SHOWN = 12
OK, DECLINED = 0, 1
PREFIX = "torchaudio:"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def add(name: str, text: str, example: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=text, description=text, epilog=f"example: {example}")

    listed = add("list", "List models and fetched backbones.", "clser models list --json")
    _json(listed)

    show = add("show", "Tell what a model or backbone is.", "clser models show default")
    show.add_argument("name", metavar="NAME", help="as `clser models list` names it, or a folder")
    _revision(show)
    _json(show)

    fetch = add(
        "fetch",
        "Download a pretrained backbone after showing its licence and size.",
        "clser models fetch facebook/wav2vec2-xls-r-300m --revision main",
    )
    fetch.add_argument("name", metavar="NAME", help="owner/name on the hub, or torchaudio:NAME")
    _revision(fetch)
    _yes(fetch, "download without being asked")
    fetch.add_argument(
        "--convert",
        action="store_true",
        help="accept weights that exist only as pickle: read without running anything in them, "
        "kept as safetensors",
    )
    fetch.add_argument(
        "--offline", action="store_true", help="use no network: only say whether it is here"
    )
    _json(fetch)

    added = add(
        "add", "Install a model from a folder or a zip.", "clser models add mine.clser-model"
    )
    added.add_argument("path", type=Path, metavar="PATH", help="the folder or zip")
    _json(added)

    remove = add("remove", "Delete a model or backbone.", "clser models remove mine --yes")
    remove.add_argument("name", metavar="NAME", help="as `clser models list` names it")
    _revision(remove)
    _yes(remove, "delete without being asked")

    convert = add(
        "convert",
        "Turn a checkpoint's weights from pickle into safetensors, running nothing in them.",
        "clser models convert old-checkpoint --out new-checkpoint",
    )
    convert.add_argument("folder", type=Path, metavar="FOLDER", help="holds config.json")
    convert.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder to make")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    actions = {
        "list": _list,
        "show": _show,
        "fetch": _fetch,
        "add": _add,
        "remove": _remove,
        "convert": _convert,
    }
    return actions[args.action](args)


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def _yes(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--yes", action="store_true", help=what)


def _revision(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--revision", metavar="R", help="branch, tag or commit (default: the newest)"
    )


def _list(args: argparse.Namespace) -> int:
    from clser_engine.backbones.fetched import list_fetched, list_unfinished
    from clser_engine.installed_bundles import list_bundles

    bundles, problems = list_bundles()
    backbones = list_fetched()
    if args.json:
        models = [
            {
                "name": one.card.model_id.name,
                "sha256": one.card.model_id.sha256,
                "licence": one.card.licence,
                "bytes": one.size,
                "shipped": one.is_shipped,
                "folder": str(one.card.folder),
            }
            for one in bundles
        ]
        print(json.dumps({"models": models, "backbones": [_as_json(one) for one in backbones]}))
    else:
        rows = [
            (
                one.card.model_id.name,
                one.card.model_id.sha256[:COMMIT_SHOWN],
                _size(one.size),
                one.card.licence,
            )
            for one in bundles
        ]
        _print_table("Models", rows)
        rows = [(b.name, b.revision[:COMMIT_SHOWN], _size(b.size), b.licence) for b in backbones]
        _print_table("Backbones", rows)
        if not backbones:
            print("Backbones\n  none fetched; `compact` needs no download")
        for name, size in list_unfinished():
            print(f"  {name}: {_size(size)} of an interrupted download; fetch it to go on")
    for problem in problems:
        print(f"clser: {problem}", file=sys.stderr)
    return DECLINED if problems else OK


def _show(args: argparse.Namespace) -> int:
    from clser_engine.backbones.fetched import find_fetched
    from clser_engine.bundle import find_bundle, load_card

    backbone = find_fetched(args.name, args.revision)
    if backbone is not None:
        if args.json:
            print(json.dumps({**_as_json(backbone), "files": backbone.record["files"]}))
        else:
            _print_backbone(backbone)
        return OK
    folder = Path(args.name)
    if (folder / "config.json").is_file() and not (folder / "card.json").exists():
        return _show_checkpoint(folder, args.json)
    try:
        card = load_card(find_bundle(args.name))
    except BundleError:
        if Path(args.name).is_dir():
            raise
        at = f" at revision {args.revision!r}" if args.revision else ""
        raise CheckpointError(
            f"There is neither a model nor a fetched backbone {args.name!r}{at}; `clser models "
            f"list` tells which there are."
        ) from None
    if args.json:
        print(json.dumps(card.values, ensure_ascii=False))
    else:
        _print_card(card)
    return OK


def _show_checkpoint(folder: Path, as_json: bool) -> int:
    """Tell what a folder with a checkpoint of transformers is."""
    from clser_engine.backbones.checkpoint import FAMILIES, open_checkpoint

    checkpoint = open_checkpoint(folder)
    size = sum(path.stat().st_size for path in checkpoint.weights)
    if as_json:
        facts = {"architecture": checkpoint.architecture, "licence": checkpoint.licence}
        print(json.dumps({**facts, "bytes": size, "folder": str(folder)}))
    else:
        print(f"{folder}: a pretrained backbone, {FAMILIES[checkpoint.architecture]}")
        print(f"  licence  {_licence(checkpoint.licence)}")
        print(f"  size     {_size(size)}")
        print(f"Train with it: clser train supervised --set backbone.name={folder}")
    return OK


def _fetch(args: argparse.Namespace) -> int:
    from clser_engine.backbones.fetched import find_fetched
    from clser_engine.backbones.hub import hub_address, inspect_checkpoint, is_offline
    from clser_engine.cli.stage_progress import stage_progress

    present = find_fetched(args.name, args.revision)
    if args.offline or is_offline():
        if present is None:
            raise CheckpointError(
                f"{args.name} is not on this computer, and no network may be used; fetch it where "
                f"there is one."
            )
        return _report(present, args.json, "is on this computer")
    if args.name.startswith(PREFIX):
        from clser_engine.backbones.fetching import fetch_pipeline
        from clser_engine.backbones.torchaudio_pipelines import find_pipeline, inspect_pipeline

        if present is not None:
            return _report(present, args.json, "is on this computer already")
        pipeline = find_pipeline(args.name)
        file = inspect_pipeline(pipeline)
        _tell(f"{args.name} from {pipeline.address}")
        _tell(f"  licence  {_licence(pipeline.licence)}")
        _tell(f"  size     {_size(file.size)}, pickle that is kept as safetensors")
        if not _agrees(f"Download {_size(file.size)}?", args.yes):
            return DECLINED
        with stage_progress(in_bytes=True) as context:
            fetched = fetch_pipeline(pipeline, file, context)
        return _report(fetched, args.json, "was fetched")
    remote = inspect_checkpoint(args.name, args.revision, convert=args.convert)
    if (present := find_fetched(args.name, remote.revision)) is not None:
        return _report(present, args.json, "is on this computer already")
    _describe_remote(remote, hub_address())
    if not _agrees(f"Download {_size(remote.size)}?", args.yes):
        return DECLINED
    from clser_engine.backbones.fetching import fetch_checkpoint

    with stage_progress(in_bytes=True) as context:
        fetched = fetch_checkpoint(remote, context)
    return _report(fetched, args.json, "was fetched")


def _add(args: argparse.Namespace) -> int:
    from clser_engine.installed_bundles import add_bundle

    card = add_bundle(args.path)
    if args.json:
        print(json.dumps({"name": card.model_id.name, "folder": str(card.folder)}))
    else:
        print(f"Added {card.model_id.name}; use it with --model {card.model_id.name}")
    return OK


def _remove(args: argparse.Namespace) -> int:
    from clser_engine.backbones.fetched import find_fetched, remove_fetched, remove_unfinished
    from clser_engine.installed_bundles import SHIPPED, list_bundles, remove_bundle

    backbone = find_fetched(args.name, args.revision)
    if backbone is not None:
        at = f"{args.name} at {backbone.revision[:COMMIT_SHOWN]}"
        if not _agrees(f"Delete {at} ({_size(backbone.size)})?", args.yes):
            return DECLINED
        remove_fetched(backbone)
        print(f"Deleted {at}")
        return OK
    if remove_unfinished(args.name):
        print(f"Deleted the interrupted download of {args.name}")
        return OK
    names = [one.card.model_id.name for one in list_bundles()[0] if not one.is_shipped]
    asks = args.name in names and args.name != SHIPPED
    if asks and not _agrees(f"Delete the model {args.name}?", args.yes):
        return DECLINED
    remove_bundle(args.name)
    print(f"Deleted {args.name}")
    return OK


def _convert(args: argparse.Namespace) -> int:
    from clser_engine.backbones.pickled_weights import convert_checkpoint

    print(f"Wrote {convert_checkpoint(args.folder, args.out)}")
    return OK


def _describe_remote(remote: "RemoteCheckpoint", address: str) -> None:
    _tell(f"{remote.name} from {address}")
    _tell(f"  revision {remote.revision}")
    _tell(f"  licence  {_licence(remote.licence)}")
    for file in remote.files:
        _tell(f"  {_size(file.size):>9}  {file.name}")
    if remote.is_pickled:
        _tell("  The weights are pickle: they are read without running anything in them.")


def _agrees(question: str, is_agreed: bool) -> bool:
    """Ask a person, unless they have agreed on the command line."""
    if is_agreed:
        return True
    if not sys.stdin.isatty():
        raise BadValueError(f"{question} Nobody can be asked here; add --yes to agree.")
    _tell(f"{question} [y/N] ", end="")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _report(fetched: "Fetched", as_json: bool, what: str) -> int:
    if as_json:
        print(json.dumps(_as_json(fetched)))
    else:
        print(f"{fetched.name} {what}: revision {fetched.revision[:COMMIT_SHOWN]}")
    return OK


def _as_json(one: "Fetched") -> dict[str, Any]:
    return {
        "name": one.name,
        "revision": one.revision,
        "licence": one.licence,
        "bytes": one.size,
        "folder": str(one.folder),
    }


def _print_backbone(one: "Fetched") -> None:
    print(f"{one.name}: a pretrained backbone of {one.record.get('library')}")
    print(f"  revision {one.revision}")
    print(f"  licence  {_licence(one.licence)}")
    print(f"  size     {_size(one.size)}")
    print(f"  folder   {one.folder}")


def _print_card(card: "ModelCard") -> None:
    print(f"{card.model_id.name}: {card.summary}")
    print(f"  emotions   {', '.join(card.classes)}")
    print(f"  languages  {', '.join(card.languages) or 'not told'}")
    print(f"  corpora    {', '.join(card.corpora) or 'not told'}")
    print(f"  licence    {_licence(card.licence)}")
    print(f"  posteriors {card.frame_rate_hz:g} per second, {card.look_ahead_ms:g} ms late")
    for name, value in card.values["metrics"].items():
        if isinstance(value, int | float | str):
            print(f"  {name}: {value}")
    print(f"  hash       {card.model_id.sha256}")
    print(f"  folder     {card.folder}")


def _print_table(title: str, rows: Sequence[tuple[str, ...]]) -> None:
    if not rows:
        return
    print(title)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"  {line}".rstrip())


def _licence(licence: str) -> str:
    """Return a licence with what many overlook."""
    if licence in ("unknown", "other"):
        return f"{licence}: read its page before you use it"
    if "-nc" in licence.lower():
        return f"{licence} (no commercial use, of models trained on it neither)"
    return licence


def _size(size: int) -> str:
    from clser_engine.backbones.download import megabytes

    return megabytes(size)


def _tell(text: str, end: str = "\n") -> None:
    """Say what is no result, so not on stdout."""
    print(text, file=sys.stderr, end=end, flush=True)
