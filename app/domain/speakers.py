"""Who speaks, as names of folders and files tell it; pure functions."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from app.domain.clip_edits import named
from app.domain.clips import Clip
from app.domain.edits import Edit
from app.domain.label_edits import file_stem


class SpeakerSource(StrEnum):
    """Where the name of a speaker is taken from."""

    TYPED = "as typed above"
    FOLDER = "the name of the clip's folder"
    FOLDER_ABOVE = "the name of the folder above that"
    FILE_START = "the start of the file name, up to _ - . or a space"


def speaker_of(path: str, source: SpeakerSource) -> str:
    """Return who speaks in a file by its path of any system, empty where it does not tell."""
    if source == SpeakerSource.FILE_START:
        start, *rest = re.split(r"[_\-. ]", file_stem(path), maxsplit=1)
        return start if rest else ""
    above = {SpeakerSource.FOLDER: 1, SpeakerSource.FOLDER_ABOVE: 2}[source]
    folders = path.replace("\\", "/").split("/")[:-1]
    return folders[-above] if len(folders) >= above else ""


def speakers_in_words(paths: Iterable[str], source: SpeakerSource, shown: int = 4) -> str:
    """Return which speakers a source gives, such as `2 speakers: ann, ben`."""
    names = sorted({name for path in paths if (name := speaker_of(path, source))})
    if not names:
        return "tells no speaker"
    words = ", ".join(names[:shown]) + (", …" if len(names) > shown else "")
    return f"{len(names):,} speaker{'' if len(names) == 1 else 's'}: {words}"


def speakers_edit(clips: Sequence[Clip], speakers: Mapping[str, str]) -> Edit | None:
    """Return the edit that names the speakers of clips, None if they have these names already.

    Args:
        clips: The clips.
        speakers: Who speaks, by clip id; a clip that is missing or whose name is empty stays.
    """
    before, after = [], []
    for clip in clips:
        speaker = speakers.get(clip.clip_id, "")
        if speaker and speaker != clip.speaker:
            before.append(clip)
            after.append(replace(clip, speaker=speaker))
    if not before:
        return None
    return Edit(
        name=f"Set speaker of {named(before)}",
        removed_clips=tuple(before),
        added_clips=tuple(after),
    )
