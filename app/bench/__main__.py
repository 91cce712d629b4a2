"""`python -m app.bench --out FILE.json`: measures the window and writes what it found."""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

GROUPS = ("window", "open", "frames", "keys", "long")
HEAVY_MODULES = ("torch", "onnxruntime", "transformers")
HOUR_S = 3600.0
LONG_HOURS = 8
NUM_LONG_LABELS = 100_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m app.bench",
        description="Measure the window through the window, offscreen at 1920 by 1080.",
        epilog="example: python -m app.bench --out bench.json --only frames",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.json")
    parser.add_argument("--only", choices=GROUPS, action="append", help="one group of figures")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, no 8 h file")
    options = parser.parse_args(arguments)
    os.environ["QT_QPA_PLATFORM"] = "offscreen"

    from app.services.folders import cache_folder

    material = cache_folder() / "bench"
    groups = tuple(options.only or GROUPS)
    if options.quick and not options.only:
        groups = tuple(group for group in groups if group != "long")
    with tempfile.TemporaryDirectory(prefix="clser-bench-") as home:
        os.environ["CLSER_HOME"] = home  # nobody's settings, projects or caches are touched
        from app.bench.session import measure

        began, load_before = time.perf_counter(), os.getloadavg()[0]
        figures, rows, settings = measure(groups, material, Path(home), is_quick=options.quick)
        seconds = time.perf_counter() - began
    figures["gui_torch_imported"] = float(any(name in sys.modules for name in HEAVY_MODULES))
    result = {
        "bench": "app",
        "figures": figures,
        "rows": rows,
        "settings": settings,
        "environment": {**environment(), "load_before": load_before},
        "seconds": round(seconds, 1),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for row in rows:
        sys.stdout.write(
            f"{row['figure']:34} median {row['median']:8.1f}   p95 {row['p95']:8.1f}"
            f"   least {row['least']:8.1f}   of {row['count']}\n"
        )
    for name, value in figures.items():
        sys.stdout.write(f"{name:34} {value:.1f}\n")
    return 0


def environment() -> dict[str, object]:
    """Return what the figures were measured on."""
    packages = ("PySide6-Essentials", "pyqtgraph", "numpy", "soundfile", "SQLAlchemy")
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "gpu": "",
        "versions": {name: version(name) for name in packages},
    }


def row_of(figure: str, values: list[float]) -> dict[str, object]:
    """Return the table's row behind a figure."""
    from app.bench.measures import percentile_95

    return {
        "figure": figure,
        "median": round(statistics.median(values), 2),
        "p95": round(percentile_95(values) if len(values) > 1 else values[0], 2),
        "least": round(min(values), 2),
        "most": round(max(values), 2),
        "count": len(values),
    }


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


if __name__ == "__main__":
    sys.exit(main())
