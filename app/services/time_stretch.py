"""Speech played faster or slower with its pitch kept.

Source: W. Verhelst, M. Roelands, "An overlap-add technique based on waveform similarity (WSOLA)
for high quality time-scale modification of speech", ICASSP 1993, section 2.
Differs from the source: the similarity is normalised by the energy of the candidate, so that
loud neighbours do not attract, and the last half of a segment is drawn only when the next is known.
"""

import numpy as np

from clser_engine.types import FloatArray

HOP_S = 0.015
REACH_S = 0.010  # half a period of 50 Hz: a candidate in phase is always within reach
TINY = 1e-9


class TimeStretch:
    """Takes samples as they come and gives them at another speed.

    Output sample `n` is made from input around `n * speed`, at most `REACH_S` away.

    Args:
        speed: 2 plays in half the time.
        sample_rate_hz: Of input and output.
    """

    def __init__(self, speed: float, sample_rate_hz: int) -> None:
        self._speed = speed
        self._hop = max(round(HOP_S * sample_rate_hz), 2)
        self._reach = max(round(REACH_S * sample_rate_hz), 1)
        ramp = np.sin(np.arange(self._hop) * np.pi / (2 * self._hop)) ** 2
        self._rise = ramp.astype(np.float32)  # (hop,); rise and fall sum to 1
        self._fall = (1 - ramp).astype(np.float32)
        self._held = np.zeros(0, np.float32)
        self._held_from = 0  # input position of the first held sample
        self._natural = 0  # input position that would go on without a seam
        self._num_hops = 0

    def push(self, samples: FloatArray) -> FloatArray:
        """Take `(n,)` samples and return as many `(m,)` as can be made now."""
        self._held = np.concatenate([self._held, samples])
        hops = []
        while (hop := self._next_hop()) is not None:
            hops.append(hop)
        self._drop_used()
        return np.concatenate(hops) if hops else np.zeros(0, np.float32)

    def flush(self) -> FloatArray:
        """Return what is left, `(m,)`, cut where the input ended."""
        end = self._held_from + len(self._held)
        left = round(end / self._speed) - self._num_hops * self._hop
        padding = np.zeros(2 * (self._hop + self._reach), np.float32)
        last = self.push(padding)
        return last[: max(left, 0)]

    def _next_hop(self) -> FloatArray | None:
        """Cross-fade from the natural continuation to the most similar place near the target."""
        target = round(self._num_hops * self._hop * self._speed)
        first = max(target - self._reach, self._held_from)
        last = target + self._reach
        end = max(last, self._natural) + self._hop
        if end > self._held_from + len(self._held):
            return None
        natural = self._at(self._natural, self._hop)
        if self._num_hops == 0:
            best = 0
        else:
            candidates = self._at(first, last - first + self._hop)
            best = first + _most_similar(natural, candidates)
        chosen = self._at(best, self._hop)
        self._natural = best + self._hop
        self._num_hops += 1
        return natural * self._fall + chosen * self._rise

    def _at(self, position: int, count: int) -> FloatArray:
        start = position - self._held_from
        return self._held[start : start + count]

    def _drop_used(self) -> None:
        target = round(self._num_hops * self._hop * self._speed)
        used = min(target - self._reach, self._natural) - self._held_from
        used = min(used, len(self._held))
        if used > 0:
            self._held = self._held[used:]
            self._held_from += used


def _most_similar(pattern: FloatArray, candidates: FloatArray) -> int:
    """Return where in the candidates the pattern fits best."""
    products = np.correlate(candidates, pattern, mode="valid")
    squares = np.concatenate([[0.0], np.cumsum(candidates.astype(np.float64) ** 2)])
    energies = squares[len(pattern) :] - squares[: -len(pattern)]
    return int(np.argmax(products / np.sqrt(np.maximum(energies, TINY))))
