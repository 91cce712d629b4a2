"""`clser export`: a model as one ONNX graph, or as a smaller bundle in eight bits."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

NAME = "export"
HELP = "Write a model as one ONNX graph, or as a smaller bundle in eight bits."
EPILOG = """\
--onnx makes the graph from the weights anew and keeps it only if onnxruntime gives the numbers of
torch on eight shapes. It takes `waveform` (batch, samples) at 16 kHz and `lengths` (batch,).

--int8 writes a bundle whose matrix products are in eight bits, and only if its UAR on the manifest
of --check is at most half a point lower. That pays for pretrained encoders, not for the compact
model.

example: clser export default --onnx model.onnx
         clser export mine --int8 mine-int8.clser-model --check emovo/manifest.csv
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("model", metavar="M", help="name or folder of a model")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--onnx", type=Path, metavar="FILE", help="graph to write")
    kind.add_argument("--int8", type=Path, metavar="FOLDER", help="bundle to write")
    parser.add_argument(
        "--check",
        type=Path,
        metavar="MANIFEST",
        help="labelled recordings that --int8 is judged on, of a corpus the model has not heard",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Export the model."""
    if args.int8 and not args.check:
        print(
            "clser: --int8 needs --check MANIFEST, because eight bits may cost accuracy.",
            file=sys.stderr,
        )
        return 2
    values = _to_int8(args) if args.int8 else _to_onnx(args)
    if args.json:
        print(json.dumps(values))
    else:
        print(values["words"])
    return 0


def _to_onnx(args: argparse.Namespace) -> dict[str, Any]:
    from clser_engine.bundle import find_bundle, load_card, verify_files
    from clser_engine.export.onnx_graph import export_model
    from clser_engine.inference.torch_runtime import load_weights

    card = load_card(find_bundle(args.model))
    verify_files(card)
    args.onnx.parent.mkdir(parents=True, exist_ok=True)
    difference = export_model(load_weights(card), args.onnx)
    return {
        "onnx": str(args.onnx),
        "max_difference": difference,
        "bytes": args.onnx.stat().st_size,
        "words": f"Wrote {args.onnx}; largest difference to torch {difference:.1e}",
    }


def _to_int8(args: argparse.Namespace) -> dict[str, Any]:
    from clser_engine.cli.stage_progress import stage_progress
    from clser_engine.data.manifest import read_manifest
    from clser_engine.export.quantise import quantise_bundle

    with stage_progress() as context:
        result = quantise_bundle(args.model, args.int8, read_manifest(args.check), context)
    words = (
        f"Wrote {args.int8}; UAR {result.uar[0]:.1f} -> {result.uar[1]:.1f} on {result.clips} "
        f"recordings, {result.megabytes[0]:.1f} -> {result.megabytes[1]:.1f} MB, "
        f"RTF {result.rtf[0]:.4f} -> {result.rtf[1]:.4f}"
    )
    return {
        "model": str(args.int8),
        "uar_before": result.uar[0],
        "uar_after": result.uar[1],
        "clips": result.clips,
        "mb_before": result.megabytes[0],
        "mb_after": result.megabytes[1],
        "rtf_before": result.rtf[0],
        "rtf_after": result.rtf[1],
        "words": words,
    }
