"""What a model says of a project's clips, and which of it is news; pure functions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from app.domain.clips import Clip, Guess
from app.domain.labels import Label
from clser_engine.types import UtterancePosterior

CONFIDENCE_STEP = 0.005  # whole per cents are shown: what differs by less looks the same
ALONE = ("", "none")
"""Statistics of a guess that rests on its own recording alone."""


def new_guess(clip_id: str, model: str, utterance: UtterancePosterior) -> Guess:
    """Return what a model, `name@hash`, says of a clip."""
    return Guess(
        clip_id=clip_id,
        emotion=utterance.emotion,
        confidence=utterance.confidence,
        model=model,
        statistics=utterance.statistics,
        is_known=utterance.is_known,
        notice=utterance.notice,
    )


def looks_the_same(one: Guess | None, other: Guess) -> bool:
    """Whether a person would see no difference, and both rest on the same kind of statistics.

    The number of clips that statistics rest on changes with each clip that is added: that alone
    is no reason to write 10,000 guesses anew.
    """
    return (
        one is not None
        and one.suggestion == other.suggestion
        and one.model == other.model
        and one.notice == other.notice
        and one.statistics.partition(" ")[0] == other.statistics.partition(" ")[0]
        and abs(one.confidence - other.confidence) < CONFIDENCE_STEP
    )


def is_answered(labels: Iterable[Label]) -> bool:
    """Whether a person has answered while a suggestion stood: then it stays as it was."""
    return any(label.suggested_by for label in labels)


def speaker_names(clips: Iterable[Clip]) -> dict[str, str]:
    """Return who speaks in each clip, by its id, empty where that is not known.

    Speaker 3 of one language is not speaker 3 of another: a name that occurs in several languages
    gets the language with it.
    """
    clips = tuple(clips)
    languages: defaultdict[str, set[str]] = defaultdict(set)
    for clip in clips:
        languages[clip.speaker].add(clip.language)
    return {
        clip.clip_id: f"{clip.speaker} ({clip.language or 'no language'})"
        if clip.speaker and len(languages[clip.speaker]) > 1
        else clip.speaker
        for clip in clips
    }


def count_changed(before: Mapping[str, Guess], after: Iterable[Guess]) -> int:
    """Return how many guesses suggest something else than before."""
    return sum(
        guess.clip_id in before and before[guess.clip_id].suggestion != guess.suggestion
        for guess in after
    )
