"""What a result was measured on, as every result file records it."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("torch", "numpy", "onnxruntime-gpu", "scikit-learn")


def describe_environment() -> dict[str, object]:
    """Return versions, processor, cores and load; nothing that names the person or computer."""
    import torch

    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "versions": {name: version(name) for name in LIBRARIES},
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
