"""Builds the edits that answer, take answers back and rename classes; pure functions."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from app.domain.clips import Clip, Guess
from app.domain.edits import Edit
from app.domain.ids import new_id
from app.domain.labels import Label, Origin
from app.domain.time_span import TimeSpan
from clser_engine.labels import SPECIAL_ANSWERS, Emotion

ROUNDING_S = 0.001
"""A selection up to the end may pass it by this much, for times are rounded on their way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the person says of a clip or of a stretch of it.

    Args:
        answer: Emotion name, `none_of_these` or `unsure`.
        annotator: Who says it.
        created_at: When, ISO 8601, UTC.
        origin: By hand, accepted or imported.
        span: The stretch, or None for the whole clip.
        guess: The suggestion that stood, or None.
        guess_seen: Whether it was on screen before the answer.
    """

    answer: str
    annotator: str
    created_at: str
    origin: Origin = Origin.HAND
    span: TimeSpan | None = None
    guess: Guess | None = None
    guess_seen: bool = False


def label_edit(clip: Clip, labels: Iterable[Label], answer: Answer) -> Edit | None:
    """Return the edit that stores an answer, or None if just that answer stands already.

    An answer takes the place of the same annotator's earlier one about the same thing: the whole
    clip, or exactly the same stretch. Stretches that merely overlap stay, for both may be meant.

    Args:
        clip: What the answer is about.
        labels: The labels that the clip has.
        answer: What the person says.
    """
    label = new_label(clip.clip_id, answer)
    earlier = tuple(old for old in labels if same_question(old, label))
    if len(earlier) == 1 and replace(earlier[0], label_id="", created_at="") == replace(
        label, label_id="", created_at=""
    ):
        return None
    return Edit(
        name=f"Label {file_stem(clip.path)} as {spoken(answer.answer)}",
        removed_labels=earlier,
        added_labels=(label,),
    )


def move_edit(labels: Iterable[Label], label: Label, span: TimeSpan, stem: str) -> Edit | None:
    """Return the edit that gives a label another stretch, or None if it has it already.

    Who answered, when and from what suggestion stays. As with an answer, the same annotator's
    earlier one about exactly that stretch goes.

    Args:
        labels: The labels that the clip has.
        label: The one that moves.
        span: The stretch that it becomes.
        stem: How the clip is called.
    """
    if label.span == span:
        return None
    moved = replace(label, start_s=span.start_s, end_s=span.end_s)
    others = (old for old in labels if old.label_id != label.label_id)
    return Edit(
        name=f"Move label {spoken(label.answer)} of {stem}",
        removed_labels=(label, *(old for old in others if same_question(old, moved))),
        added_labels=(moved,),
    )


def check_answer(
    answer: str, span: TimeSpan | None, emotions: Sequence[Emotion], duration_s: float | None
) -> str:
    """Return one sentence if an answer cannot be stored, else an empty string.

    Args:
        answer: What was answered.
        span: The stretch, or None for the whole clip.
        emotions: The emotion set of the project.
        duration_s: Length of the clip in seconds, None where it is not known.
    """
    names = [emotion.name for emotion in emotions]
    if answer not in names and answer not in SPECIAL_ANSWERS:
        allowed = ", ".join([*names, *map(spoken, SPECIAL_ANSWERS)])
        return (
            f"{answer} is none of this project's answers ({allowed}); add it to the emotions first."
        )
    if span is None:
        return ""
    end_s = math.inf if duration_s is None else duration_s + ROUNDING_S
    if not 0.0 <= span.start_s < span.end_s <= end_s:
        length = "" if duration_s is None else f" of {duration_s:.3f} s"
        return (
            f"The stretch from {span.start_s:.3f} s to {span.end_s:.3f} s is not inside the"
            f" recording{length}; select a stretch within it."
        )
    return ""


def new_label(clip_id: str, answer: Answer) -> Label:
    """Return a new label with all that is known of where it came from."""
    guess, span = answer.guess, answer.span
    return Label(
        label_id=new_id(),
        clip_id=clip_id,
        answer=answer.answer,
        origin=answer.origin,
        annotator=answer.annotator,
        created_at=answer.created_at,
        start_s=None if span is None else span.start_s,
        end_s=None if span is None else span.end_s,
        suggested_by="" if guess is None else guess.model,
        suggestion="" if guess is None else guess.suggestion,
        suggestion_confidence=guess.confidence if guess and guess.is_known else None,
        suggestion_seen=guess is not None and answer.guess_seen,
    )


def same_question(one: Label, other: Label) -> bool:
    """Whether two labels answer the same: by one annotator, of the same stretch of one clip."""
    return (
        one.clip_id == other.clip_id
        and one.annotator == other.annotator
        and one.start_s == other.start_s
        and one.end_s == other.end_s
    )


def remove_edit(labels: Sequence[Label], name: str) -> Edit:
    """Return the edit that takes labels away."""
    return Edit(name=name, removed_labels=tuple(labels))


def spoken(answer: str) -> str:
    """Return an answer as the person reads it."""
    return answer.replace("_", " ") if answer in SPECIAL_ANSWERS else answer


def file_stem(path: str) -> str:
    """Return a file's name without folder and suffix, for paths of any system."""
    name = path.replace("\\", "/").rpartition("/")[2]
    return name.rpartition(".")[0] or name
