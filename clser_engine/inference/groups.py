"""Scores of the recordings of a project, each relative to the others or to those of its speaker.

A voice, a language and a microphone move the functionals of a recording as much as an emotion does.
Unlabelled recordings of the same kind say by how much; so each is judged by its deviation from
them. That goes wrong where they show one emotion only, because then it is the emotion that is
taken away; so a guard compares how much the recordings disagree with what several emotions give.

Shapes: B recordings, D functionals, C classes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from clser_engine.errors import BadValueError
from clser_engine.inference.group_model import GroupModel, Rests
from clser_engine.inference.moments import Moments
from clser_engine.inference.propagation import MOST, propagate_posteriors
from clser_engine.types import FloatArray, GroupSummary

MODES = ("none", "project", "speaker", "auto")
"""Each recording alone, with the statistics of all, with its speaker's, or what is safe."""

PRIOR_CLIPS = 3.0  # statistics of n clips weigh n / (n + 3) against those of the training data
SPEAKER_PRIOR_CLIPS = 5.0  # and those of a speaker n / (n + 5) against the project's
LEAST_PROJECT_CLIPS = 8  # with fewer, what they disagree about says nothing
LEAST_SPEAKER_CLIPS = 4
EVEN_ENOUGH = 0.1  # posteriors of balanced recordings are as far from even as this
NEARLY_EVEN = 0.05  # unevenness of posteriors that is put down to the model, not to the mix
MIX_STEPS = 2
CLIP = 4.0

Heads = Callable[[FloatArray, FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
"""From functionals (B, D) and the mean (D,) and deviation (D,) of their group to the calibrated
logits (B, C) of each alone and relative to the group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerCheck:
    """What the guard found out about a speaker.

    Args:
        speaker: The name.
        clips: Recordings that count.
        disagreement: Between them, in nats; None where they are too few to tell.
        shows_one_emotion: Whether that is probably so; None where it cannot be told.
        is_used: Whether the speaker's own statistics are used.
    """

    speaker: str
    clips: int
    disagreement: float | None
    shows_one_emotion: bool | None
    is_used: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupScores:
    """Posteriors of recordings relative to each other.

    Args:
        posteriors: (B, C) calibrated.
        statistics: What each rests on, as it is shown: `none`, `project (34 clips)`.
        summary: The same for all of them.
        checks: Of each speaker, where speakers were asked for.
    """

    posteriors: NDArray[np.float64]
    statistics: list[str]
    summary: GroupSummary
    checks: list[SpeakerCheck] = field(default_factory=list)


def check_mode(statistics: str) -> None:
    """Raise BadValueError if there is no such mode."""
    if statistics not in MODES:
        known = f"{', '.join(MODES[:-1])} or {MODES[-1]}"
        raise BadValueError(f"Bad statistics: got {statistics!r}, expected one of {known}.")


def score_group(
    heads: Heads,
    model: GroupModel,
    functionals: FloatArray,
    *,
    statistics: str = "auto",
    speakers: Sequence[str] | None = None,
    propagate: bool = False,
    counted: NDArray[np.bool] | None = None,
) -> GroupScores:
    """Score recordings relative to each other.

    `speaker` falls back to the project for every speaker who probably shows one emotion, and for
    all where that holds for most; `auto` does so too, and judges each recording alone where it
    holds for the project.

    Args:
        heads: The classifiers.
        model: What the model learnt about groups.
        functionals: (B, D) raw, B at least 1.
        statistics: One of `MODES`.
        speakers: Who speaks in each; empty where unknown. None where no speaker is known.
        propagate: Whether similar recordings share their posteriors.
        counted: (B,) recordings that the statistics rest on; None means all. Noise must not shift
            the middle of speech.

    Raises:
        BadValueError: If an argument is not as above.
    """
    check_mode(statistics)
    if speakers is not None and len(speakers) != len(functionals):
        raise BadValueError(
            f"Bad speakers: got {len(speakers)} for {len(functionals)} recordings, "
            f"expected one for each."
        )
    finite: NDArray[np.bool] = np.isfinite(functionals)
    whole: NDArray[np.bool] = np.asarray(finite.all(axis=1))
    rows = np.flatnonzero(whole if counted is None else whole & counted)
    functionals = np.where(whole[:, None], functionals, model.prior_mean).astype(np.float32)
    alone, _ = heads(functionals, model.prior_mean, model.prior_std)
    alone = np.where(whole[:, None], alone, 0)  # nothing is known of a broken recording
    if statistics == "none" or len(rows) == 0:
        return _each_alone(alone)
    mean, deviation = project_statistics(heads, model, functionals[rows])
    _, logits = heads(functionals, mean, deviation)
    clips = len(rows)
    notices: list[str] = []
    is_even = clips < LEAST_PROJECT_CLIPS or (
        disagreement(softmax((alone[rows] + logits[rows]) / 2)) >= model.least_project
    )
    if not is_even:
        sentence = f"The {clips} clips of this project probably show one emotion"
        if statistics == "auto":
            return _each_alone(alone, f"{sentence}, so each is judged by itself.")
        notices.append(f"{sentence}, which their common statistics take away.")

    shift = np.zeros_like(functionals)
    words = [f"project ({_clips(clips)})"] * len(functionals)
    checks: list[SpeakerCheck] = []
    if statistics in ("speaker", "auto") and speakers is not None:
        checks = check_speakers(model, softmax(logits[rows]), [speakers[i] for i in rows.tolist()])
        notices += _speaker_notices(checks)
        used = [check for check in checks if check.is_used]
        names = np.array(list(speakers))
        for check in used:
            theirs = np.flatnonzero(names == check.speaker)
            own = functionals[np.intersect1d(theirs, rows)]
            theirs_mean, _ = Moments.of(own, mean, deviation).shrunk(SPEAKER_PRIOR_CLIPS)
            shift[theirs] = theirs_mean - mean
            for row in theirs:
                words[row] = f"speaker ({_clips(check.clips)})"
        if used:
            _, logits = heads(functionals - shift, mean, deviation)
    by_speaker = np.array([word.startswith("speaker") for word in words])
    if propagate and clips > MOST:
        notices.append(f"Similar recordings share nothing among more than {MOST} of them.")
    spread = propagate and clips <= MOST
    if is_even:
        logits = logits + evening(softmax(logits[rows])).astype(np.float32)
    logits = np.where(whole[:, None], logits, 0)
    posteriors = _calibrated(logits, model, by_speaker, propagated=False)
    if spread:
        relative = ((functionals[rows] - shift[rows] - mean) / deviation).clip(-CLIP, CLIP)
        found = propagate_posteriors(relative, posteriors[rows], balance=is_even)
        log_found = np.log(found + 1e-9)
        posteriors[rows] = _calibrated(log_found, model, by_speaker[rows], propagated=True)
    return GroupScores(
        posteriors=posteriors,
        statistics=words,
        summary=_summary(clips, checks, by_speaker, notices),
        checks=checks,
    )


def project_statistics(
    heads: Heads, model: GroupModel, functionals: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the middle and spread (D,) of a project as if its classes were equally frequent.

    With the posteriors' mean as the mix of emotions, the classes' mean offsets say how far the
    mix has moved the mean and narrowed the spread; both are taken back. Mixes near even are left
    alone: the posteriors of balanced recordings are no more even than that.

    Args:
        heads: The classifiers.
        model: What the model learnt about groups.
        functionals: (B, D) raw, B at least 1.
    """
    moments = Moments.of(functionals, model.prior_mean, model.prior_std)
    plain_mean, plain_deviation = moments.shrunk(PRIOR_CLIPS)
    trust = len(functionals) / (len(functionals) + PRIOR_CLIPS)
    offsets = model.class_offsets.astype(np.float64)
    offsets = offsets - offsets.mean(axis=0)
    even = np.full(len(offsets), 1 / len(offsets))
    mean, deviation = plain_mean, plain_deviation
    for _ in range(MIX_STEPS):
        alone, project = heads(functionals, _single(mean), _single(deviation))
        excess = softmax((alone + project) / 2).mean(axis=0) - even
        size = np.abs(excess).sum() / 2
        excess *= max(0.0, 1 - EVEN_ENOUGH / max(size, 1e-9))
        mix = even + excess
        mean = plain_mean - trust * plain_deviation * (excess @ offsets)
        between = mix @ (offsets - mix @ offsets) ** 2
        lost = (offsets**2).mean(axis=0) - between
        deviation = plain_deviation * np.sqrt((1 + trust * lost).clip(min=0.1))
    return _single(mean), _single(deviation)


def evening(posteriors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what to add to log-posteriors (C,) so that no class is preferred without need.

    In a language never heard, the classifiers lean towards some classes. Unevenness of the mean
    posterior up to a small amount is taken back, the rest is believed; few recordings say little.
    It is worth half a point of UAR on corpora left out; where the mix is in truth skewed, UAR stays
    and one recording in a hundred is lost.

    Args:
        posteriors: (B, C), B at least 1.
    """
    mean = posteriors.mean(axis=0)
    even = 1 / len(mean)
    excess = mean - even
    size = np.abs(excess).sum() / 2
    believed = even + excess * max(0.0, 1 - NEARLY_EVEN / max(size, 1e-9))
    trust = len(posteriors) / (len(posteriors) + LEAST_PROJECT_CLIPS)
    found: NDArray[np.float64] = trust * np.log((believed + 1e-9) / (mean + 1e-9))
    return found


def check_speakers(
    model: GroupModel, posteriors: NDArray[np.float64], speakers: Sequence[str]
) -> list[SpeakerCheck]:
    """Return what the guard says of each named speaker.

    A speaker of several emotions disagrees with himself about as much as the whole project does.
    Where most speakers do not, speaker and emotion are confounded and nobody's statistics are safe.

    Args:
        model: What the model learnt about groups.
        posteriors: (B, C) of the recordings relative to the project.
        speakers: Of each, empty where unknown.
    """
    names = np.array(speakers)
    least = model.least_speaker * disagreement(posteriors)
    found = {}
    for speaker in sorted(set(speakers) - {""}):
        theirs = posteriors[names == speaker]
        enough = len(theirs) >= LEAST_SPEAKER_CLIPS
        found[speaker] = len(theirs), disagreement(theirs) if enough else None
    several = [value >= least for _, value in found.values() if value is not None]
    most_show_several = 2 * sum(several) >= len(several)
    return [
        SpeakerCheck(
            speaker=speaker,
            clips=clips,
            disagreement=value,
            shows_one_emotion=None if value is None else value < least,
            is_used=value is not None and value >= least and most_show_several,
        )
        for speaker, (clips, value) in found.items()
    ]


def disagreement(posteriors: NDArray[np.float64]) -> float:
    """Return how much recordings disagree: the information in nats that one has on the class.

    That is the entropy of the mean posterior less the mean entropy (the Jensen-Shannon divergence
    between them), times n / (n - 1) because few recordings disagree less by chance.

    Args:
        posteriors: (B, C), B at least 2.
    """
    count = len(posteriors)
    within = _entropy(posteriors).mean()
    return float((_entropy(posteriors.mean(axis=0)) - within) * count / max(count - 1, 1))


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return posteriors (B, C)."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    posteriors: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return posteriors


def _entropy(posteriors: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = -(posteriors * np.log(posteriors + 1e-12)).sum(axis=-1)
    return found


def _calibrated(
    logits: NDArray[np.floating],
    model: GroupModel,
    by_speaker: NDArray[np.bool],
    *,
    propagated: bool,
) -> NDArray[np.float64]:
    """Return posteriors (B, C) with the temperature of what each recording rests on."""
    project: Rests = "project_propagated" if propagated else "project"
    speaker: Rests = "speaker_propagated" if propagated else "speaker"
    names = model.temperatures
    temperature = np.where(by_speaker, names[speaker], names[project])
    return softmax(logits / temperature[:, None])


def _each_alone(logits: FloatArray, notice: str = "") -> GroupScores:
    return GroupScores(
        posteriors=softmax(logits),
        statistics=["none"] * len(logits),
        summary=GroupSummary(
            statistics="none",
            clips=0,
            words="each clip judged by itself",
            notices=(notice,) if notice else (),
        ),
    )


def _summary(
    clips: int,
    checks: Sequence[SpeakerCheck],
    by_speaker: NDArray[np.bool],
    notices: Sequence[str],
) -> GroupSummary:
    used = sum(check.is_used for check in checks) if by_speaker.any() else 0
    words = f"adapted to {_clips(clips)} of this project"
    if used:
        words += f" and {used} speaker{'' if used == 1 else 's'}"
    return GroupSummary(
        statistics="speaker" if used else "project",
        clips=clips,
        words=words,
        notices=tuple(notices),
    )


def _speaker_notices(checks: Sequence[SpeakerCheck]) -> list[str]:
    """Return a sentence on speakers of one emotion and one on those with too few clips."""
    judged = [check for check in checks if check.shows_one_emotion is not None]
    flagged = [check for check in judged if check.shows_one_emotion]
    few = len(checks) - len(judged)
    found = []
    if flagged and not any(check.is_used for check in judged):
        found.append(
            f"{len(flagged)} of {len(judged)} speakers probably show one emotion each, "
            f"so all clips are compared with the whole project."
        )
    elif len(flagged) == 1:
        found.append(
            f"Speaker {flagged[0].speaker} probably shows one emotion in all "
            f"{flagged[0].clips} clips, so they are compared with the whole project."
        )
    elif flagged:
        found.append(
            f"{len(flagged)} speakers probably show one emotion each, "
            f"so their clips are compared with the whole project."
        )
    if few:
        speakers = "speaker has" if few == 1 else "speakers have"
        found.append(
            f"{few} {speakers} fewer than {LEAST_SPEAKER_CLIPS} clips to go by, "
            f"so they are compared with the whole project."
        )
    return found


def _clips(count: int) -> str:
    return f"{count} clip{'' if count == 1 else 's'}"


def _single(values: NDArray[np.float64]) -> FloatArray:
    return values.astype(np.float32)
