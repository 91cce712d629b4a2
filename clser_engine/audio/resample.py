"""Streaming conversion of the sample rate."""

from collections.abc import Iterable, Iterator

import numpy as np
import soxr

from clser_engine.types import FloatArray


def resample(blocks: Iterable[FloatArray], from_hz: int, to_hz: int) -> Iterator[FloatArray]:
    """Yield mono blocks at another rate; together `round(samples * to_hz / from_hz)` samples.

    The result does not depend on how the samples were cut into blocks. A recording too short for
    one sample at the new rate becomes one sample, their mean.

    Args:
        blocks: Each (samples,) float32.
        from_hz: Rate of the blocks.
        to_hz: Rate that is wanted.
    """
    if from_hz == to_hz:
        yield from blocks
        return
    stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality="HQ")
    num_in, num_out, total = 0, 0, 0.0
    for block in blocks:
        num_in += len(block)
        total += float(block.sum(dtype=np.float64))
        converted: FloatArray = stream.resample_chunk(block)
        num_out += len(converted)
        if len(converted):
            yield converted
    last: FloatArray = stream.resample_chunk(np.zeros(0, np.float32), last=True)
    if num_in and not num_out + len(last):
        last = np.array([total / num_in], np.float32)
    if len(last):
        yield last
