"""Builds the edit that changes the emotion set of a project; pure functions."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from app.domain.clip_edits import counted
from app.domain.edits import Edit
from app.domain.labels import Label
from clser_engine.labels import SPECIAL_ANSWERS, USUAL_EMOTIONS, Emotion

KEYS = "123456789"
SPARE_COLOURS = ("#117733", "#882255", "#44AA99", "#DDCC77", "#332288", "#AA4499", "#661100")
PLAIN_COLOUR = "#777777"


def check_emotions(emotions: Sequence[Emotion]) -> str:
    """Return one sentence if a set cannot be used, else an empty string."""
    if not emotions:
        return "The set of emotions is empty; add at least one."
    for emotion in emotions:
        if not emotion.name or emotion.name != emotion.name.strip():
            return f"An emotion is named {emotion.name!r}; give it a name without spaces around it."
        if emotion.name in SPECIAL_ANSWERS:
            return f"{emotion.name} is always there as an answer; choose another name."
        if len(emotion.letter) != 1:
            return f"The letter of {emotion.name} is {emotion.letter!r}; give it one character."
        if not re.fullmatch(r"#[0-9A-Fa-f]{6}", emotion.colour):
            return f"The colour of {emotion.name} is {emotion.colour!r}; write it like #D55E00."
        if emotion.key and emotion.key not in KEYS:
            return f"The key of {emotion.name} is {emotion.key!r}; give it a digit from 1 to 9."
    for what, values in (
        ("name", [emotion.name for emotion in emotions]),
        ("letter", [emotion.letter for emotion in emotions]),
        ("key", [emotion.key for emotion in emotions if emotion.key]),
    ):
        value, times = Counter(values).most_common(1)[0] if values else ("", 1)
        if times > 1:
            return f"Two emotions have the {what} {value!r}; change one of them."
    return ""


def check_removed(
    before: Iterable[Emotion],
    after: Iterable[Emotion],
    labels: Iterable[Label],
    renames: Mapping[str, str],
) -> str:
    """Return one sentence if an emotion would go that labels still use, else an empty string."""
    left = {emotion.name for emotion in after} | renames.keys()
    gone = {emotion.name for emotion in before} - left
    used = Counter(label.answer for label in labels if label.answer in gone)
    for name, number in used.items():
        return (
            f"{name} cannot be removed because {counted(number, 'label')} of this project"
            f" {'uses' if number == 1 else 'use'} it; rename it, or change these labels first."
        )
    return ""


def emotions_edit(
    before: tuple[Emotion, ...],
    after: tuple[Emotion, ...],
    labels: Iterable[Label],
    renames: Mapping[str, str],
) -> Edit | None:
    """Return the edit that changes the set; labels of a renamed emotion go with it.

    What a model had suggested keeps the model's word.

    Args:
        before: The set as it is.
        after: The set as it becomes; was checked.
        labels: All labels.
        renames: New name of each old one that was renamed.

    Returns:
        The edit, or None if nothing changes.
    """
    if before == after:
        return None
    changed = [label for label in labels if label.answer in renames]
    return Edit(
        name=_edit_name(before, after, renames),
        removed_labels=tuple(changed),
        added_labels=tuple(replace(label, answer=renames[label.answer]) for label in changed),
        emotions_before=before,
        emotions_after=after,
    )


def with_more(emotions: tuple[Emotion, ...], names: Iterable[str]) -> tuple[Emotion, ...]:
    """Return a set with emotions added by name, with free letters, colours and keys."""
    known = list(emotions)
    usual = {emotion.name: emotion for emotion in USUAL_EMOTIONS}
    for name in names:
        letters = {emotion.letter for emotion in known}
        colours = {emotion.colour for emotion in known}
        keys = {emotion.key for emotion in known}
        model = usual.get(name)
        wanted = (model.letter if model else "") + name.upper() + "ABCDEFGHIJKLMNOPQRSTUVWXYZ*+"
        palette = (*((model.colour,) if model else ()), *SPARE_COLOURS)
        known.append(
            Emotion(
                name=name,
                letter=next(c for c in wanted if c not in letters and not c.isspace()),
                colour=next((c for c in palette if c not in colours), PLAIN_COLOUR),
                key=next((key for key in KEYS if key not in keys), ""),
            )
        )
    return tuple(known)


def _edit_name(
    before: Iterable[Emotion], after: Iterable[Emotion], renames: Mapping[str, str]
) -> str:
    if len(renames) == 1:
        ((old, new),) = renames.items()
        return f"Rename {old} to {new}"
    had, has = {emotion.name for emotion in before}, {emotion.name for emotion in after}
    if not renames and len(has - had) == 1 and had < has:
        return f"Add emotion {(has - had).pop()}"
    if not renames and len(had - has) == 1 and has < had:
        return f"Remove emotion {(had - has).pop()}"
    return "Change the emotions"
