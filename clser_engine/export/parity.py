"""Comparison of a graph in onnxruntime with the module it was made from, shape by shape.

Shapes: B recordings, N samples.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from clser_engine.errors import ExportError

TOLERANCE = 1e-4


def speech_like(samples: int) -> Tensor:
    """Return a waveform (1, N) with voiced, noisy and silent stretches, the same each time."""
    time = torch.arange(samples) / 16_000
    generator = torch.Generator().manual_seed(samples)
    phase = 2 * torch.pi * (140 * time + 8 * torch.sin(2 * torch.pi * 0.8 * time))
    voice = sum(torch.sin(k * phase) / k for k in range(1, 12))
    noise = torch.randn(samples, generator=generator)
    gate = (torch.sin(2 * torch.pi * 2.3 * time) > -0.3).float()
    return ((0.1 * voice * gate + 0.003 * noise) * (0.6 + 0.4 * torch.cos(3 * time)))[None]


def speech_batch(lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return waveforms (B, N) padded with zeros to the longest, and their lengths (B,)."""
    waveform = torch.zeros(len(lengths), max(lengths))
    for row, samples in enumerate(lengths):
        waveform[row, :samples] = speech_like(samples)[0]
    return waveform, torch.tensor(list(lengths))


def compare(module: nn.Module, path: Path, cases: Sequence[Mapping[str, Tensor]]) -> float:
    """Return the largest difference between torch and onnxruntime over cases and outputs.

    A difference is relative to the output's largest number where that is above 1.

    Args:
        module: In evaluation mode, on the processor.
        path: Its graph; deleted when it is not faithful, so that nobody uses it by mistake.
        cases: The inputs by name, in the order that the module takes them.

    Raises:
        ExportError: If a difference is not below 1e-4 or onnxruntime refuses the graph or a shape.
    """
    worst = 0.0
    try:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4  # what fails is raised; its print beside that is noise
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises classes of its own without a common root
        path.unlink()
        raise ExportError(
            f"{path.name} is refused by onnxruntime ({_first_line(error)}); it was not kept."
        ) from error
    for case in cases:
        shapes = ", ".join(f"{name} {tuple(values.shape)}" for name, values in case.items())
        with torch.inference_mode():
            expected = module(*case.values())
        try:
            found = session.run(None, {name: values.numpy() for name, values in case.items()})
        except Exception as error:  # as above
            path.unlink()
            raise ExportError(
                f"{path.name} fails in onnxruntime on {shapes} ({_first_line(error)}); "
                f"it was not kept."
            ) from error
        difference = max(
            _difference(wanted.numpy(), got) for wanted, got in zip(expected, found, strict=True)
        )
        if not difference < TOLERANCE:
            path.unlink()
            raise ExportError(
                f"{path.name} differs from the model by {difference:.1e} on {shapes}, "
                f"more than {TOLERANCE:.0e}; it was not kept."
            )
        worst = max(worst, difference)
    return worst


def _difference(wanted: np.ndarray, got: np.ndarray) -> float:
    if wanted.shape != got.shape:
        return float("inf")
    return float(np.abs(wanted - got).max()) / max(1.0, float(np.abs(wanted).max()))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
