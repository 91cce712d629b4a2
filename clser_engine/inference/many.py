"""Many recordings: short ones of similar length go through the graph together.

The compact model's hundreds of small operations cost little more for eight recordings than for one,
so recordings of 3 to 6 s take a sixth less processor time together. A pretrained encoder keeps a
core busy with one recording, and fills a graphics card only with many.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from clser_engine.audio.read import AudioReader, mono_blocks
from clser_engine.errors import AudioError, EngineError
from clser_engine.inference.devices import PROCESSOR
from clser_engine.inference.predictor import READ_BLOCK_S, Predictor
from clser_engine.runtime import RunContext
from clser_engine.types import Analysis, FloatArray

PROCESSOR_BATCH_S = 40.0  # audio in a batch, padding included; more gains nothing
CARD_BATCH_S = 640.0
READ_AHEAD_BATCHES = 4  # read before the first is analysed, so that lengths can be matched
LEAST_FILL = 0.8  # of the longest in a batch: shorter ones would be mostly padding


class Outcome(NamedTuple):
    """What became of one recording: an analysis, or why there is none."""

    path: Path
    analysis: Analysis | None
    error: Exception | None


class _Short(NamedTuple):
    place: int
    samples: FloatArray


def analyze_many(
    predictor: Predictor, paths: Sequence[str | Path], context: RunContext | None = None
) -> Iterator[Outcome]:
    """Analyse recordings, each as `Predictor.analyze` would to 1e-4, and yield them in order.

    Args:
        predictor: A loaded model.
        paths: Recordings of any length.
        context: Progress in recordings, and cancellation.

    Raises:
        Cancelled: If the context was cancelled.
    """
    context = context or RunContext()
    batch_s = _batch_s(predictor)
    finished: dict[int, Outcome] = {}
    waiting: list[_Short] = []
    given, waiting_s = 0, 0.0
    for place, path in enumerate(map(Path, paths)):
        context.report("analyse", place, len(paths))
        of_this = _part_of(context, place, len(paths))
        try:
            samples = _read_short(predictor, path, of_this) if batch_s else None
            if samples is None:  # long: block by block, whatever its length
                finished[place] = Outcome(path, predictor.analyze(path, of_this), None)
            else:
                waiting.append(_Short(place, samples))
                waiting_s += len(samples) / predictor.card.sample_rate_hz
        except Exception as error:  # one recording must not stop the others
            finished[place] = Outcome(path, None, error)
        is_last = place == len(paths) - 1
        if waiting and (waiting_s >= READ_AHEAD_BATCHES * batch_s or is_last):
            for batch in _batches(waiting, batch_s * predictor.card.sample_rate_hz):
                context.report("analyse", place, len(paths))
                finished.update(_analyze_batch(predictor, batch, paths))
            waiting, waiting_s = [], 0.0
        while given in finished:
            yield finished.pop(given)
            given += 1
    context.report("analyse", len(paths), len(paths))


def _part_of(context: RunContext, place: int, total: int) -> RunContext:
    """Return a context whose work is one recording of many."""

    def show(stage: str, done: float, whole: float) -> None:
        part = min(done / whole, 1.0) if whole > 0 and stage == "analyse" else 0.0
        context.report("analyse", place + part, total)

    part_context = RunContext(show)
    context.on_cancel(part_context.cancel)
    return part_context


def _batch_s(predictor: Predictor) -> float:
    """Return how many seconds of audio pay together; 0 for one recording at a time."""
    if predictor.device != PROCESSOR:
        return CARD_BATCH_S
    return PROCESSOR_BATCH_S if predictor.card.kind == "compact" else 0.0


def _read_short(predictor: Predictor, path: Path, context: RunContext) -> FloatArray | None:
    """Return the samples of a recording that goes through the graph in one pass, else None."""
    rate = predictor.card.sample_rate_hz
    with AudioReader(path, context) as reader:
        if reader.info.duration_s > predictor.longest_whole_s:
            return None
        blocks = list(mono_blocks(reader, rate, READ_BLOCK_S, context))
    samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    if len(samples) == 0:
        raise AudioError(f"{path} holds no audio.")
    if len(samples) > predictor.longest_whole_s * rate:  # more than its header says
        return None
    return samples


def _batches(waiting: Sequence[_Short], most_samples: float) -> Iterator[list[_Short]]:
    """Yield the recordings, longest first, in batches of similar length and limited size."""
    batch: list[_Short] = []
    for short in sorted(waiting, key=lambda one: (-len(one.samples), one.place)):
        if batch:
            longest = len(batch[0].samples)
            is_full = (len(batch) + 1) * longest > most_samples
            if is_full or len(short.samples) < LEAST_FILL * longest:
                yield batch
                batch = []
        batch.append(short)
    if batch:
        yield batch


def _analyze_batch(
    predictor: Predictor, batch: Sequence[_Short], paths: Sequence[str | Path]
) -> dict[int, Outcome]:
    """Return what became of each recording of a batch by its place."""
    try:
        found = predictor.analyze_batch([short.samples for short in batch])
    except EngineError as error:
        return {s.place: Outcome(Path(paths[s.place]), None, error) for s in batch}
    return {
        short.place: Outcome(Path(paths[short.place]), analysis, None)
        for short, analysis in zip(batch, found, strict=True)
    }
