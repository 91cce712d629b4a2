"""Streaming: frame posteriors of audio as it arrives, the same as of the whole recording.

Shapes: N samples, T frames, C classes.
"""

import numpy as np

from clser_engine.errors import BadValueError
from clser_engine.inference.predictor import Predictor
from clser_engine.types import FloatArray, Posteriors


class StreamingPredictor:
    """Posteriors of a live signal, each as soon as its declared look-ahead has been heard.

    Holds the past that a posterior may depend on and no more, so it may run for days.

    Args:
        predictor: A loaded model.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._buffer = np.zeros(0, np.float32)
        self._first = 0  # step at which the buffer starts
        self._done = 0  # steps given out

    def push(self, samples: FloatArray) -> Posteriors:
        """Add samples and return the posteriors that became certain, possibly none.

        Args:
            samples: (N,) float32 mono at the model's rate, finite; any N.

        Raises:
            BadValueError: If the samples are not one-dimensional or not finite.
        """
        if samples.ndim != 1:
            raise BadValueError(f"Bad samples shape: got {samples.shape}, expected (N,).")
        if not np.isfinite(samples).all():
            raise BadValueError("Bad samples: got one that is not finite, expected none.")
        self._buffer = np.concatenate([self._buffer, samples.astype(np.float32, copy=False)])
        heard = self._first + len(self._buffer) // self._predictor.step_samples
        return self._give(heard - self._predictor.look_ahead_steps)

    def flush(self) -> Posteriors:
        """Return the posteriors of what was still waiting; the next push begins a new signal."""
        step = self._predictor.step_samples
        found = self._give(self._first + -(-len(self._buffer) // step))
        self._buffer = np.zeros(0, np.float32)
        self._first = self._done = 0
        return found

    def _give(self, end: int) -> Posteriors:
        """Compute posteriors up to step `end` and forget what is no longer needed."""
        predictor = self._predictor
        values = np.zeros((0, len(predictor.card.classes)), np.float32)
        speech: FloatArray | None = np.zeros(0, np.float32)
        if end > self._done:
            found = predictor.frame_posteriors(self._buffer)
            new = slice(self._done - self._first, end - self._first)
            values = found.values[new]
            speech = None if found.speech is None else found.speech[new]
            self._done = end
            keep = max(self._first, end - predictor.context_steps)
            self._buffer = self._buffer[(keep - self._first) * predictor.step_samples :]
            self._first = keep
        return Posteriors(
            classes=predictor.card.classes,
            frame_rate_hz=predictor.card.frame_rate_hz,
            values=values,
            speech=speech,
        )
