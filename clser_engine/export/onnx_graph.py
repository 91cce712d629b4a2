"""Export of the compact model to ONNX: a graph for waveforms and one for functionals."""

import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from clser_engine.errors import ExportError
from clser_engine.models.compact import CompactModel

OPSET = 18
TOLERANCE = 1e-4
WAVEFORM_OUTPUTS = ("frame_posteriors", "frame_activity", "functionals", "utterance_logits")
HEAD_INPUTS = ("functionals", "mean", "std", "count")
HEAD_OUTPUTS = ("logits_alone", "logits_project")


class _WaveformGraph(nn.Module):
    """The model with only the waveform as input, so that the graph has one input."""

    def __init__(self, model: CompactModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        outputs: tuple[Tensor, Tensor, Tensor, Tensor] = self.model(waveform)
        return outputs


def export_model(model: CompactModel, path: Path) -> float:
    """Write the graph from waveform (1, N) and compare it with torch at several lengths.

    Returns:
        The largest difference found.

    Raises:
        ExportError: If the difference is not below 1e-4.
    """
    torch.manual_seed(0)
    _export(
        _WaveformGraph(model).eval(),
        (0.1 * torch.randn(1, 20_000),),
        path,
        inputs=("waveform",),
        outputs=WAVEFORM_OUTPUTS,
        axes={
            "waveform": {1: "samples"},
            "frame_posteriors": {1: "frames"},
            "frame_activity": {1: "frames"},
        },
    )
    lengths = (1, 639, 640, 16_000, 50_123, 160_000)
    cases: list[tuple[Tensor, ...]] = [(speech_like(samples),) for samples in lengths]
    return _compare(_WaveformGraph(model).eval(), path, ("waveform",), cases)


def export_heads(model: CompactModel, path: Path) -> float:
    """Write the graph from functionals and statistics, with a batch axis, and compare it.

    Raises:
        ExportError: If the difference is not below 1e-4.
    """
    size = model.num_functionals
    generator = torch.Generator().manual_seed(0)

    def case(batch: int, count: float) -> tuple[Tensor, ...]:
        spread = model.heads.prior_std
        functionals = model.heads.prior_mean + spread * torch.randn(
            batch, size, generator=generator
        )
        mean = model.heads.prior_mean + 0.3 * spread * torch.randn(size, generator=generator)
        return functionals, mean, spread * 0.8, torch.tensor([count])

    _export(
        model.heads,
        case(3, 10.0),
        path,
        inputs=HEAD_INPUTS,
        outputs=HEAD_OUTPUTS,
        axes={name: {0: "batch"} for name in ("functionals", *HEAD_OUTPUTS)},
    )
    cases = [case(1, 0.0), case(1, 1.0), case(40, 40.0)]
    return _compare(model.heads, path, HEAD_INPUTS, cases)


def speech_like(samples: int) -> Tensor:
    """Return a waveform (1, N) with voiced, noisy and silent stretches, the same each time."""
    time = torch.arange(samples) / 16_000
    generator = torch.Generator().manual_seed(samples)
    phase = 2 * torch.pi * (140 * time + 8 * torch.sin(2 * torch.pi * 0.8 * time))
    voice = sum(torch.sin(k * phase) / k for k in range(1, 12))
    noise = torch.randn(samples, generator=generator)
    gate = (torch.sin(2 * torch.pi * 2.3 * time) > -0.3).float()
    return ((0.1 * voice * gate + 0.003 * noise) * (0.6 + 0.4 * torch.cos(3 * time)))[None]


def _export(
    module: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    *,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    axes: dict[str, dict[int, str]],
) -> None:
    with warnings.catch_warnings(), torch.no_grad():
        # The exporter through TorchScript is called deprecated, yet the newer one needs another
        # package; its other warnings are about shapes that are fixed here. The graph is compared.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            example,
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )


def _compare(
    module: nn.Module, path: Path, inputs: tuple[str, ...], cases: list[tuple[Tensor, ...]]
) -> float:
    """Return the largest difference between torch and onnxruntime over cases and outputs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    worst = 0.0
    for case in cases:
        with torch.inference_mode():
            expected = module(*case)
        found = session.run(None, {n: v.numpy() for n, v in zip(inputs, case, strict=True)})
        for wanted, got in zip(expected, found, strict=True):
            scale = max(1.0, float(wanted.abs().max()))
            worst = max(worst, float(np.abs(wanted.numpy() - got).max()) / scale)
    if not worst < TOLERANCE:
        path.unlink()
        raise ExportError(
            f"{path.name} differs from the model by {worst:.1e}, more than {TOLERANCE:.0e}; "
            f"it was not kept."
        )
    return worst
