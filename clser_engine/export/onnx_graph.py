"""Export of any model of the package to ONNX: a graph for waveforms and those for parts of it.

A model that can be exported is a module with

    forward(waveform (B, N), lengths (B,)) -> frame_posteriors (B, T, C), frame_speech (B, T),
                                              functionals (B, D), utterance_logits (B, C)
    heads(functionals (B, D), mean (D,), std (D,), count (1,)) -> two logits (B, C)

and optionally `least_samples`, the shortest recording that it takes. One that computes frame
descriptors first gives them too, and functionals of any stretch of them, so that phrases within a
recording cost little:

    forward(waveform (B, N), lengths (B,)) -> …, descriptors (B, F, K)
    summarise(descriptors (B, F, K), lengths (B,)) -> functionals (B, D)

Batch and time are dynamic.

The exporter is the one that traces through TorchScript, not the newer `dynamo` one: that one needs
a further package (onnxscript), takes twice as long, and gave the same numbers on every architecture
that was tried with both. Tracing can bake in what it saw, such as a batch of one or a shape, so the
example has two recordings of different lengths and every graph is compared with torch on shapes
that it has not seen.

Shapes: B recordings, N samples, T frames, D functionals, C classes.
"""

import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from clser_engine.export.parity import compare, speech_batch
from clser_engine.inference.outputs import SUMMARY_GRAPH

OPSET = 18
WAVEFORM_INPUTS = ("waveform", "lengths")
WAVEFORM_OUTPUTS = ("frame_posteriors", "frame_speech", "functionals", "utterance_logits")
DESCRIPTORS = "descriptors"
SUMMARY_INPUTS = (DESCRIPTORS, "lengths")
HEAD_INPUTS = ("functionals", "mean", "std", "count")
HEAD_OUTPUTS = ("logits_alone", "logits_project")


def export_model(model: nn.Module, path: Path) -> float:
    """Write the graph from waveforms and compare it with torch on several shapes.

    Returns:
        The largest difference found.

    Raises:
        ExportError: If the difference is not below 1e-4.
    """
    export_waveform_graph(model, path)
    least = int(getattr(model, "least_samples", 1))
    shapes: tuple[tuple[int, ...], ...] = (
        (least,), (max(least, 639),), (max(least, 640),), (16_000,), (50_123,), (160_000,),
        (30_000, 9_001), (40_001, 640 + least, 12_345),
    )  # fmt: skip
    cases = [dict(zip(WAVEFORM_INPUTS, speech_batch(shape), strict=True)) for shape in shapes]
    return compare(model, path, cases)


def export_waveform_graph(model: nn.Module, path: Path) -> None:
    """Write the graph from waveforms, unchecked."""
    write_graph(
        model,
        dict(zip(WAVEFORM_INPUTS, speech_batch((24_000, 17_000)), strict=True)),
        path,
        (*WAVEFORM_OUTPUTS, DESCRIPTORS) if summarises(model) else WAVEFORM_OUTPUTS,
        axes={
            "waveform": {0: "batch", 1: "samples"},
            "lengths": {0: "batch"},
            "frame_posteriors": {0: "batch", 1: "frames"},
            "frame_speech": {0: "batch", 1: "frames"},
            "functionals": {0: "batch"},
            "utterance_logits": {0: "batch"},
            **({DESCRIPTORS: {0: "batch", 1: "rows"}} if summarises(model) else {}),
        },
    )


def summarises(model: nn.Module) -> bool:
    """Return whether the model gives descriptors and functionals of stretches of them."""
    return hasattr(model, "summarise")


class _Summary(nn.Module):
    """`summarise` as a module of its own, which is what can be exported."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, descriptors: Tensor, lengths: Tensor) -> tuple[Tensor]:
        """Return functionals (B, D), as one of one output."""
        return (self.model.summarise(descriptors, lengths),)  # type: ignore[operator]


def export_summary(model: nn.Module, path: Path) -> float:
    """Write the graph from descriptors to functionals and compare it on several shapes.

    Raises:
        ExportError: If the difference is not below 1e-4.
    """

    def case(*samples: int) -> dict[str, Tensor]:
        with torch.no_grad():
            *_, descriptors = model.eval()(*speech_batch(samples))
        rows = torch.tensor([max(2, n * descriptors.shape[1] // max(samples)) for n in samples])
        return dict(zip(SUMMARY_INPUTS, (descriptors, rows), strict=True))

    write_graph(
        _Summary(model),
        case(24_000, 17_000),
        path,
        ("functionals",),
        axes={
            DESCRIPTORS: {0: "batch", 1: "rows"},
            "lengths": {0: "batch"},
            "functionals": {0: "batch"},
        },
    )
    return compare(_Summary(model), path, [case(640), case(16_000), case(30_000, 9_001, 50_123)])


def export_heads(model: nn.Module, path: Path) -> float:
    """Write the graph from functionals and statistics, with a batch axis, and compare it.

    Raises:
        ExportError: If the difference is not below 1e-4.
    """
    heads = model.get_submodule("heads")
    centre, spread = heads.get_buffer("prior_mean"), heads.get_buffer("prior_std")
    generator = torch.Generator().manual_seed(0)

    def case(batch: int, count: float) -> dict[str, Tensor]:
        functionals = centre + spread * torch.randn(batch, len(centre), generator=generator)
        mean = centre + 0.3 * spread * torch.randn(len(centre), generator=generator)
        values = (functionals, mean, spread * 0.8, torch.tensor([count]))
        return dict(zip(HEAD_INPUTS, values, strict=True))

    write_graph(
        heads,
        case(3, 10.0),
        path,
        HEAD_OUTPUTS,
        axes={name: {0: "batch"} for name in ("functionals", *HEAD_OUTPUTS)},
    )
    return compare(heads, path, [case(1, 0.0), case(1, 1.0), case(40, 40.0)])


def describe_graphs(
    num_classes: int, num_functionals: int, num_descriptors: int | None = None
) -> dict[str, object]:
    """Return inputs and outputs of the graphs with their shapes, as a card tells them."""
    shapes = (
        ["batch", "frames", num_classes],
        ["batch", "frames"],
        ["batch", num_functionals],
        ["batch", num_classes],
    )
    outputs = dict(zip(WAVEFORM_OUTPUTS, shapes, strict=True))
    statistics = (["batch", num_functionals], [num_functionals], [num_functionals], [1])
    graphs: dict[str, object] = {
        "model.onnx": {
            "inputs": {"waveform": ["batch", "samples"], "lengths": ["batch"]},
            "outputs": outputs,
        },
        "head.onnx": {
            "inputs": dict(zip(HEAD_INPUTS, statistics, strict=True)),
            "outputs": {name: ["batch", num_classes] for name in HEAD_OUTPUTS},
        },
    }
    if num_descriptors is not None:
        outputs[DESCRIPTORS] = ["batch", "rows", num_descriptors]
        graphs[SUMMARY_GRAPH] = {
            "inputs": {DESCRIPTORS: outputs[DESCRIPTORS], "lengths": ["batch"]},
            "outputs": {"functionals": ["batch", num_functionals]},
        }
    return graphs


def write_graph(
    module: nn.Module,
    example: Mapping[str, Tensor],
    path: Path,
    outputs: tuple[str, ...],
    *,
    axes: dict[str, dict[int, str]],
) -> None:
    """Trace a module with example inputs and write its graph, unchecked.

    Args:
        module: Put into evaluation mode.
        example: Inputs by name, in the order that the module takes them.
        path: One file holds everything.
        outputs: Their names.
        axes: Which axes of which input or output have any size, with a name for that size.
    """
    with warnings.catch_warnings(), torch.no_grad():
        # The tracer is called deprecated, and warns of shapes that are fixed here. The graph is
        # compared.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            tuple(example.values()),
            str(path),
            input_names=list(example),
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
