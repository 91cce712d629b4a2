"""`clser export`: a model's weights as one ONNX graph, checked against torch."""

import argparse
from pathlib import Path

NAME = "export"
HELP = "Write a model as one ONNX graph from waveform to posteriors."
EPILOG = """\
The graph is made from the weights anew and kept only if onnxruntime gives the numbers of torch.

example: clser export default --onnx model.onnx
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("model", metavar="M", help="name or folder of a model")
    parser.add_argument("--onnx", type=Path, required=True, metavar="FILE", help="file to write")


def run(args: argparse.Namespace) -> int:
    """Export the model."""
    from clser_engine.bundle import find_bundle, load_card, verify_files
    from clser_engine.export.onnx_graph import export_model
    from clser_engine.inference.runtimes import load_weights

    card = load_card(find_bundle(args.model))
    verify_files(card)
    args.onnx.parent.mkdir(parents=True, exist_ok=True)
    difference = export_model(load_weights(card), args.onnx)
    print(f"Wrote {args.onnx}; largest difference to torch {difference:.1e}")
    return 0
