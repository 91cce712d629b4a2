"""Edits: every change of a project as data, each with an exact inverse.

An edit names the full rows before and after, so that undo restores them byte for byte, also after a
restart, and a log of edits can be replayed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.domain.clips import Clip
from app.domain.labels import Label
from clser_engine.labels import Emotion


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One undoable step: rows that go and rows that come, applied in one transaction.

    A row that changes is in both `removed_*` (as it was) and `added_*` (as it becomes), same id.

    Args:
        name: What the Undo menu says, for example `Label k_0031 as anger`.
        removed_labels: Labels as they were.
        added_labels: Labels as they become.
        removed_clips: Clips as they were.
        added_clips: Clips as they become.
        emotions_before: The project's emotion set as it was, when it changes.
        emotions_after: The emotion set as it becomes, when it changes.
    """

    name: str
    removed_labels: tuple[Label, ...] = ()
    added_labels: tuple[Label, ...] = ()
    removed_clips: tuple[Clip, ...] = ()
    added_clips: tuple[Clip, ...] = ()
    emotions_before: tuple[Emotion, ...] | None = None
    emotions_after: tuple[Emotion, ...] | None = None

    def inverse(self) -> Edit:
        """Return the edit that takes this one back."""
        return Edit(
            name=self.name,
            removed_labels=self.added_labels,
            added_labels=self.removed_labels,
            removed_clips=self.added_clips,
            added_clips=self.removed_clips,
            emotions_before=self.emotions_after,
            emotions_after=self.emotions_before,
        )

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing."""
        return self == Edit(name=self.name)


def merged(name: str, edits: Iterable[Edit]) -> Edit:
    """Return one edit that does what several do one after the other.

    A row that comes and goes again on the way is in neither of its sides.
    """
    labels: dict[str, list[Label | None]] = {}
    clips: dict[str, list[Clip | None]] = {}
    before: tuple[Emotion, ...] | None = None
    after: tuple[Emotion, ...] | None = None
    for edit in edits:
        for label in edit.removed_labels:
            labels.setdefault(label.label_id, [label, None])[1] = None
        for label in edit.added_labels:
            labels.setdefault(label.label_id, [None, None])[1] = label
        for clip in edit.removed_clips:
            clips.setdefault(clip.clip_id, [clip, None])[1] = None
        for clip in edit.added_clips:
            clips.setdefault(clip.clip_id, [None, None])[1] = clip
        if edit.emotions_after is not None:
            before = edit.emotions_before if before is None else before
            after = edit.emotions_after
    return Edit(
        name=name,
        removed_labels=tuple(row[0] for row in labels.values() if row[0] is not None),
        added_labels=tuple(row[1] for row in labels.values() if row[1] is not None),
        removed_clips=tuple(row[0] for row in clips.values() if row[0] is not None),
        added_clips=tuple(row[1] for row in clips.values() if row[1] is not None),
        emotions_before=before,
        emotions_after=after,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What an edit, undo or redo touched, so that each view redraws only what it shows.

    Args:
        edit: The edit as it was applied (the inverse for an undo), clips with what is known of
            their files; `NO_EDIT` where something was found out: then read the clips anew.
        clip_ids: Clips that were added, changed or removed, or whose labels were.
        label_ids: Labels that were added, changed or removed.
        emotions_changed: Whether the emotion set changed.
    """

    edit: Edit
    clip_ids: frozenset[str] = field(default_factory=frozenset)
    label_ids: frozenset[str] = field(default_factory=frozenset)
    emotions_changed: bool = False


NO_EDIT = Edit(name="")
"""The edit of changes that are not undoable, for example a duration that became known."""
