"""From frame posteriors to stretches of one emotion, and to what is shown live.

A frame hears a second or so, and neighbouring frames hear nearly the same, so posteriors of single
frames flicker. A hidden Markov model says how rarely an emotion changes; its forward-backward pass
weighs what came before against what comes after. Where nobody speaks there is no emotion.

Shapes: T frames, C emotion classes.

Source: Rabiner, "A Tutorial on Hidden Markov Models and Selected Applications in Speech
Recognition", Proceedings of the IEEE 77(2), 1989, equations 20, 25 and 27; fixed-lag smoothing is
equation 27 with the backward pass begun a few frames later.
Differs from the source: every change of emotion is equally likely, and the likelihood of a frame
is its posterior to a power below 1, because frames that share audio are no independent witnesses.
"""

from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clser_engine.bundle import ModelCard
from clser_engine.errors import BadValueError, BundleError
from clser_engine.types import EmotionSegment, FloatArray

FLOOR = 1e-6  # no single frame may rule a class out
HALF_TRUSTED = 25.0  # frames of speech whose mean is taken half for that of the recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothing:
    """How frames become segments; the card of a model holds what was fitted for it.

    Args:
        stay: Probability that the next frame of speech has the same emotion, above 0.5, below 1.
        trust: Power of the frame posteriors, above 0, at most 1.
        lag_s: How long the live posteriors wait for what comes next.
        speech_threshold: Speech below it is nobody speaking, between 0 and 1.
        shortest_pause_s: A shorter pause belongs to what is said around it.
        shortest_speech_s: Shorter speech is taken for a noise.
        delay_s: How much later than what it hears a frame's posterior is best, offline.
        centring: How much of the recording's mean log-posterior is taken off its frames, offline:
            a voice that sounds sad to the model throughout is no sadder than itself.
        phrase_weight: Weight of whole phrases against their frames, offline; 0 asks frames alone.
        phrase_pause_s: A pause as long as that ends a phrase.
        shortest_phrase_s: Shorter phrases are judged together with a neighbour.
    """

    stay: float = 0.99
    trust: float = 0.1
    lag_s: float = 1.0
    speech_threshold: float = 0.5
    shortest_pause_s: float = 0.4
    shortest_speech_s: float = 0.12
    delay_s: float = 0.0
    centring: float = 0.0
    phrase_weight: float = 0.0
    phrase_pause_s: float = 0.2
    shortest_phrase_s: float = 0.6

    def __post_init__(self) -> None:
        limits = {"stay": (0.5, 1.0), "trust": (0.0, 1.0), "speech_threshold": (0.0, 1.0)}
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low < value <= high or (value == 1.0 and name != "trust"):
                raise BadValueError(
                    f"Bad {name}: got {value}, expected a number between {low:g} and {high:g}."
                )
        for name in ("centring", "phrase_weight"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadValueError(f"Bad {name}: got {getattr(self, name)}, expected 0 to 1.")
        for name in (
            "lag_s", "shortest_pause_s", "shortest_speech_s", "delay_s", "phrase_pause_s",
            "shortest_phrase_s",
        ):  # fmt: skip
            if not 0 <= getattr(self, name) <= 60:
                raise BadValueError(
                    f"Bad {name}: got {getattr(self, name)}, expected 0 to 60 seconds."
                )

    def to_card(self) -> dict[str, Any]:
        """Return the entries of a card that hold this."""
        return {"smoothing": asdict(self), "smoothing_lag_ms": round(1000 * self.lag_s)}


def read_smoothing(card: ModelCard) -> Smoothing:
    """Return what a model's card says, or the usual where it says nothing.

    Raises:
        BundleError: If the card holds something else.
    """
    try:
        return Smoothing(**card.values.get("smoothing", {}))
    except (TypeError, BadValueError) as error:
        raise BundleError(
            f"{card.folder} has no usable 'smoothing' in its card; install the model again."
        ) from error


def centred(
    values: FloatArray, smoothing: Smoothing, speech: FloatArray | None = None
) -> NDArray[np.float64]:
    """Return log-posteriors (T, C), less a share of their mean over speech.

    Args:
        values: (T, C) frame posteriors.
        smoothing: How large a share; a second of speech is trusted half.
        speech: (T,) how far somebody speaks.
    """
    logs = np.log(np.maximum(values.astype(np.float64), FLOOR))
    weight = np.ones(len(values)) if speech is None else speech.astype(np.float64)
    heard = weight.sum()
    if heard == 0 or smoothing.centring == 0:
        return logs
    mean = (logs * weight[:, None]).sum(axis=0) / heard
    trust = smoothing.centring * heard / (heard + HALF_TRUSTED)
    shifted: NDArray[np.float64] = logs - trust * (mean - mean.mean())
    return shifted


def smooth(
    values: FloatArray, smoothing: Smoothing, speech: FloatArray | None = None
) -> FloatArray:
    """Return the posteriors (T, C) that take the whole recording into account.

    Args:
        values: (T, C) frame posteriors.
        smoothing: How much.
        speech: (T,) how far somebody speaks; a frame without speech says nothing of the emotion.
    """
    if len(values) == 0:
        return values
    evidence = _evidence(values, smoothing, speech)
    forward = _filter(evidence, smoothing)
    # Backward: what the frames after t say of t, which is the filter run from the end, less t.
    later = _filter(evidence[::-1], smoothing)[::-1]
    after = np.ones_like(evidence)
    after[:-1] = _step(later[1:], smoothing)
    return _normalised(forward * after).astype(np.float32)


class FixedLagSmoother:
    """The same for posteriors as they arrive, each after a declared lag.

    Args:
        smoothing: How much, and the lag.
        num_classes: C.
        frame_rate_hz: Frames per second.
    """

    def __init__(self, smoothing: Smoothing, num_classes: int, frame_rate_hz: float) -> None:
        self._smoothing = smoothing
        self.lag_frames = round(smoothing.lag_s * frame_rate_hz)
        self._num_classes = num_classes
        self._restart()

    def _restart(self) -> None:
        self._before = np.full(self._num_classes, 1 / self._num_classes)  # filtered, oldest waiting
        self._waiting = np.ones((0, self._num_classes))  # evidence, oldest first
        self._is_first = True

    def push(self, values: FloatArray, speech: FloatArray | None = None) -> FloatArray:
        """Add frames (N, C) and return those (M, C) that have waited for long enough."""
        new = _evidence(values, self._smoothing, speech)
        self._waiting = np.concatenate([self._waiting, new])
        return self._give(len(self._waiting) - self.lag_frames)

    def flush(self) -> FloatArray:
        """Return what was still waiting; the next push begins a new recording."""
        found = self._give(len(self._waiting))
        self._restart()
        return found

    def _give(self, count: int) -> FloatArray:
        found = np.ones((max(0, count), self._num_classes))
        for frame in range(len(found)):
            prior = self._before if self._is_first else _step(self._before, self._smoothing)
            self._before = _normalised(prior * self._waiting[0])
            self._is_first = False
            ahead = self._waiting[1 : self.lag_frames + 1]
            after = np.ones(self._num_classes)
            if len(ahead):
                after = _step(_filter(ahead[::-1], self._smoothing)[-1], self._smoothing)
            found[frame] = _normalised(self._before * after)
            self._waiting = self._waiting[1:]
        return found.astype(np.float32)


def find_speech(speech: FloatArray, frame_rate_hz: float, smoothing: Smoothing) -> NDArray[np.bool]:
    """Return (T,) whether somebody speaks: without blips, and without the gaps between words."""
    mask: NDArray[np.bool] = np.asarray(speech) >= smoothing.speech_threshold
    pause, blip = (
        round(seconds * frame_rate_hz)
        for seconds in (smoothing.shortest_pause_s, smoothing.shortest_speech_s)
    )
    mask = _without_short(mask, value=True, shortest=blip, inside_only=False)
    return _without_short(mask, value=False, shortest=pause, inside_only=True)


def to_segments(
    labels: NDArray[np.integer], classes: tuple[str, ...], frame_rate_hz: float, duration_s: float
) -> tuple[EmotionSegment, ...]:
    """Return the runs of equal labels (T,), of which -1 is none."""
    found, frame = [], 0
    for label, members in groupby(labels.tolist()):
        start_s = frame / frame_rate_hz
        frame += len(list(members))
        end_s = min(frame / frame_rate_hz, duration_s)
        if label >= 0 and start_s < end_s:
            found.append(EmotionSegment(start_s=start_s, end_s=end_s, emotion=classes[label]))
    return tuple(found)


def _evidence(
    values: FloatArray, smoothing: Smoothing, speech: FloatArray | None
) -> NDArray[np.float64]:
    """Return what each frame says of each class, (T, C)."""
    power: NDArray[np.float64] | float = smoothing.trust
    if speech is not None:
        power = smoothing.trust * speech[:, None].astype(np.float64)
    evidence: NDArray[np.float64] = np.maximum(values.astype(np.float64), FLOOR) ** power
    return evidence


def _step(values: NDArray[np.float64], smoothing: Smoothing) -> NDArray[np.float64]:
    """Return posteriors (…, C) of the next frame before it is heard."""
    others = (values.sum(axis=-1, keepdims=True) - values) / max(1, values.shape[-1] - 1)
    stepped: NDArray[np.float64] = smoothing.stay * values + (1 - smoothing.stay) * others
    return stepped


def _filter(evidence: NDArray[np.float64], smoothing: Smoothing) -> NDArray[np.float64]:
    """Return the posteriors (T, C) given each frame and those before it."""
    num_classes = evidence.shape[1]
    leave = (1 - smoothing.stay) / max(1, num_classes - 1)
    keep = smoothing.stay - leave
    prior = [1 / num_classes] * num_classes
    found = []
    # Plain numbers: for a handful of classes arrays take five times as long.
    for row in evidence.tolist():
        heard = [before * now for before, now in zip(prior, row, strict=True)]
        total = sum(heard)
        heard = [value / total for value in heard]
        found.append(heard)
        prior = [keep * value + leave for value in heard]  # `_step` for rows that sum to 1
    return np.array(found).reshape(evidence.shape)


def _normalised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    normalised: NDArray[np.float64] = values / values.sum(axis=-1, keepdims=True)
    return normalised


def _without_short(
    mask: NDArray[np.bool], *, value: bool, shortest: int, inside_only: bool
) -> NDArray[np.bool]:
    """Return the mask with runs of `value` shorter than `shortest` frames turned over.

    Args:
        mask: (T,).
        value: Of the runs that are looked at.
        shortest: The least length that stays.
        inside_only: Whether runs at either end stay whatever their length.
    """
    changed, start = mask.copy(), 0
    for run, members in groupby(mask.tolist()):
        end = start + len(list(members))
        is_edge = start == 0 or end == len(mask)
        if run == value and end - start < shortest and not (inside_only and is_edge):
            changed[start:end] = not value
        start = end
    return changed
