"""How fast the compact model is: processor time on one core, with the reading of files in it.

Processor time and not the clock, because other programs run on the same machine; the median of
several runs, because caches and clocks of the processor change.
"""

import contextlib
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from clser_engine.audio.read import iter_mono
from clser_engine.errors import BadValueError
from clser_engine.inference.many import analyze_many
from clser_engine.inference.predictor import Predictor, load_predictor
from clser_engine.runtime import RunContext
from clser_engine.types import FloatArray

SAMPLE_RATE_HZ = 16_000
LONG_S = 600.0


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on one core, and libraries at one thread, where the system can."""
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    threads = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    if before is not None:
        os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        if before is not None:
            os.sched_setaffinity(0, before)
        if threads is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = threads


def median_cpu_s(work: Callable[[], object], runs: int, context: RunContext, stage: str) -> float:
    """Return the median processor time of some runs, in seconds, after one that warms up."""
    seconds = []
    for run in range(runs + 1):
        context.report(stage, run, runs + 1)
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds[1:])


def read_recordings(paths: Sequence[Path]) -> list[FloatArray]:
    """Return the samples of recordings at 16 kHz.

    Raises:
        BadValueError: If there is none.
        AudioError: If one cannot be read.
    """
    if not paths:
        raise BadValueError("No recordings to measure with: name a folder that holds some.")
    return [
        np.concatenate(list(iter_mono(path, sample_rate_hz=SAMPLE_RATE_HZ, block_s=10.0)))
        for path in paths
    ]


def measure_compact(
    model: str, paths: Sequence[Path], runs: int, context: RunContext
) -> tuple[dict[str, float], list[dict[str, object]], Predictor]:
    """Time a compact bundle on recordings, and compare its graphs with torch.

    Returns:
        Figures, rows and the predictor: `compact_rtf_1core` is for recordings one after another,
        reading included.
    """
    samples = read_recordings(paths)
    total_s = sum(map(len, samples)) / SAMPLE_RATE_HZ
    long = np.tile(np.concatenate(samples), 1 + int(LONG_S / total_s))
    long = long[: round(LONG_S * SAMPLE_RATE_HZ)]
    with one_core():
        predictor = load_predictor(model, device="cpu")
        works: dict[str, tuple[float, Callable[[], object]]] = {
            "files, one after another": (total_s, lambda: [predictor.analyze(p) for p in paths]),
            "files, as clser analyze": (total_s, lambda: list(analyze_many(predictor, paths))),
            "ten minutes at once": (LONG_S, lambda: predictor.analyze_samples(long)),
            "frames alone": (total_s, lambda: [predictor.frame_posteriors(s) for s in samples]),
        }
        rows: list[dict[str, object]] = []
        rtf = []
        for what, (audio_s, work) in works.items():
            rtf.append(median_cpu_s(work, runs, context, what) / audio_s)
            rows.append({"model": "compact", "what": what, "rtf": rtf[-1], "audio_s": audio_s})
    folder = predictor.card.folder
    figures = {
        "compact_rtf_1core": rtf[0],
        "compact_rtf_1core_together": rtf[1],
        "compact_rtf_1core_long": rtf[2],
        "compact_max_diff_to_torch": parity(predictor, model, samples),
        "compact_bundle_mb": sum(f.stat().st_size for f in folder.iterdir()) / 1e6,
    }
    return figures, rows, predictor


def parity(predictor: Predictor, model: str, samples: Sequence[FloatArray]) -> float:
    """Return the largest difference of a posterior, of frames or recordings, to torch."""
    in_torch = load_predictor(model, runtime="torch", device="cpu")
    worst = 0.0
    for waveform in samples:
        ours, theirs = predictor.analyze_samples(waveform), in_torch.analyze_samples(waveform)
        for a, b in (
            (ours.posteriors.values, theirs.posteriors.values),
            (ours.utterance.posterior, theirs.utterance.posterior),
        ):
            worst = max(worst, float(np.abs(a - b).max()))
    return worst
