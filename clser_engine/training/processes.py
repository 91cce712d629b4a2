"""Devices and processes of a run, through accelerate.

One process drives one device. Several are started by `torchrun` or `accelerate launch`; each then
finds its place here.
"""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

import torch
from accelerate import Accelerator, InitProcessGroupKwargs
from accelerate.state import AcceleratorState
from torch import Tensor

from clser_engine.errors import ConfigError, DeviceError

Precision = Literal["auto", "no", "bf16", "fp16"]
WAIT = timedelta(hours=12)
"""How long a process waits for the first one, which decodes recordings for all."""


class AcceleratedProcesses:
    """This process among those of a run.

    Args:
        accelerator: Of the run.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        self.rank: int = accelerator.process_index
        self.count: int = accelerator.num_processes
        self.device: torch.device = accelerator.device

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum over the processes."""
        if self.count == 1:
            return values
        total: Tensor = self.accelerator.reduce(values, "sum")
        return total

    @contextlib.contextmanager
    def first_alone(self) -> Iterator[None]:
        """Let the first process through alone, then the others."""
        with self.accelerator.main_process_first():
            yield


@contextlib.contextmanager
def start_processes(device: str, precision: Precision) -> Iterator[AcceleratedProcesses]:
    """Find this process' device, the other processes and the precision.

    Args:
        device: `auto`, `cpu` or `cuda`; auto takes the GPU if there is one.
        precision: `auto` is bf16 on a GPU that has it, fp16 on another, and fp32 on the CPU.

    Raises:
        DeviceError: If `cuda` is asked for and there is none.
        ConfigError: If the device does not have the precision.
    """
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise DeviceError(
            "This computer has no CUDA device that torch can use; train with --device cpu, or see "
            "what `clser doctor` says."
        )
    on_gpu = has_cuda and device != "cpu"
    if precision == "auto":
        precision = "no" if not on_gpu else "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    if precision == "fp16" and not on_gpu:
        raise ConfigError("Bad training.precision: fp16 needs a GPU; on the CPU use no or bf16.")
    accelerator = Accelerator(
        cpu=not on_gpu,
        mixed_precision=precision,
        kwargs_handlers=[InitProcessGroupKwargs(timeout=WAIT)],
    )
    try:
        yield AcceleratedProcesses(accelerator)
    finally:
        accelerator.free_memory()
        accelerator.end_training()
        # Its state is global; without this, a second run in the process keeps the first's precision
        AcceleratorState._reset_state(reset_partial_state=True)  # noqa: SLF001
