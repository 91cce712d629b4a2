"""Which emotion each moment of a recording has for the model, and where nobody speaks.

The share of a class in a pixel column is exact at every zoom: it is the difference of two values of
the time that the class has had until then.

Shapes: S pieces, C emotion classes, B bins.
"""

import numpy as np
from numpy.typing import NDArray

from app.domain.time_span import TimeSpan
from clser_engine.types import Analysis

NO_SPEECH = -1
"""In place of a class where nobody speaks."""


class Ribbon:
    """Stretches of one emotion and the pauses between them, which cover all of a recording.

    Args:
        analysis: Of a model that can tell speech from what is none.
    """

    def __init__(self, analysis: Analysis) -> None:
        classes = analysis.posteriors.classes
        edges, codes = [0.0], []
        for segment in analysis.segments:
            if segment.start_s > edges[-1]:
                edges.append(segment.start_s)
                codes.append(NO_SPEECH)
            edges.append(segment.end_s)
            codes.append(classes.index(segment.emotion))
        if analysis.duration_s > edges[-1]:
            edges.append(analysis.duration_s)
            codes.append(NO_SPEECH)
        self._edges = np.array(edges)  # (S + 1,)
        self._codes = np.array(codes, np.int64)  # (S,)
        is_of_class = self._codes[:, None] == np.arange(NO_SPEECH, len(classes))  # (S, 1 + C)
        lengths_s = np.diff(self._edges)[:, None] * is_of_class
        self._until_s = np.concatenate([np.zeros((1, len(classes) + 1)), lengths_s.cumsum(axis=0)])

    def code_at(self, time_s: float) -> int:
        """Return the class at a time, or `NO_SPEECH`."""
        piece = int(np.searchsorted(self._edges, time_s, side="right")) - 1
        return int(self._codes[piece]) if 0 <= piece < len(self._codes) else NO_SPEECH

    def pool(self, start_s: float, end_s: float, bins: int) -> NDArray[np.int64]:
        """Return (B,) the class that has most of each of `bins` equal stretches, or `NO_SPEECH`."""
        edges = np.linspace(start_s, end_s, bins + 1)
        until_s = [np.interp(edges, self._edges, column) for column in self._until_s.T]
        shares = np.diff(np.stack(until_s, axis=1), axis=0)  # (B, 1 + C)
        codes: NDArray[np.int64] = shares.argmax(axis=1) + NO_SPEECH
        return codes

    @property
    def pauses(self) -> tuple[TimeSpan, ...]:
        """Stretches in which nobody speaks, in order."""
        return tuple(
            TimeSpan(float(self._edges[piece]), float(self._edges[piece + 1]))
            for piece in np.flatnonzero(self._codes == NO_SPEECH)
        )


def ribbon_of(analysis: Analysis) -> Ribbon | None:
    """Return the ribbon of an analysis, None where its model cannot tell speech."""
    return None if analysis.posteriors.speech is None else Ribbon(analysis)
