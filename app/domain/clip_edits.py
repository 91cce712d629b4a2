"""Builds the edits that add, remove, describe and move clips; pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from app.domain.clips import Clip
from app.domain.edits import Edit
from app.domain.label_edits import file_stem
from app.domain.labels import Label


def counted(number: int, one: str) -> str:
    """Return a number with its noun, for example `1 recording` or `10,000 recordings`."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def named(clips: Sequence[Clip]) -> str:
    """Return one clip by its name and several by their number."""
    return file_stem(clips[0].path) if len(clips) == 1 else counted(len(clips), "recording")


def remove_clips_edit(clips: Sequence[Clip], labels: Iterable[Label]) -> Edit:
    """Return the edit that takes clips and their labels out of the project.

    Args:
        clips: The clips.
        labels: All labels of these clips.
    """
    return Edit(
        name=f"Remove {named(clips)}",
        removed_clips=tuple(clips),
        removed_labels=tuple(labels),
    )


def describe_edit(
    clips: Iterable[Clip],
    *,
    language: str | None = None,
    speaker: str | None = None,
    transcript: str | None = None,
) -> Edit | None:
    """Return the edit that sets fields of clips, None if they have these values already.

    Args:
        clips: The clips.
        language: BCP 47 tag, empty for unknown, None to leave it.
        speaker: Name, empty for unknown, None to leave it.
        transcript: What is said, empty for unknown, None to leave it.
    """
    wanted = {"language": language, "speaker": speaker, "transcript": transcript}
    values = {name: value.strip() for name, value in wanted.items() if value is not None}
    before, after = [], []
    for clip in clips:
        changed = replace(
            clip,
            language=values.get("language", clip.language),
            speaker=values.get("speaker", clip.speaker),
            transcript=values.get("transcript", clip.transcript),
        )
        if changed != clip:
            before.append(clip)
            after.append(changed)
    if not before:
        return None
    return Edit(
        name=f"Set {' and '.join(values)} of {named(before)}",
        removed_clips=tuple(before),
        added_clips=tuple(after),
    )


def move_edit(clips: Sequence[Clip], new_paths: Mapping[str, str]) -> Edit:
    """Return the edit that lets clips refer to where their files are now.

    Args:
        clips: The clips whose files were found.
        new_paths: The new path of each old one.
    """
    moved = tuple(replace(clip, path=new_paths[clip.path], problem="") for clip in clips)
    return Edit(name=f"Locate {named(clips)}", removed_clips=tuple(clips), added_clips=moved)
