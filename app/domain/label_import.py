"""Matches labels from a file to the clips of a project and builds one edit of them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from app.domain.clip_edits import counted
from app.domain.clips import Clip
from app.domain.edits import Edit
from app.domain.emotion_edits import with_more
from app.domain.ids import new_id
from app.domain.label_edits import check_answer, file_stem
from app.domain.labels import Label, Origin
from app.domain.time_span import TimeSpan
from clser_engine.errors import BadValueError
from clser_engine.formats.rows import LabelRow
from clser_engine.labels import SPECIAL_ANSWERS, Emotion

UNNAMED_ANNOTATOR = "imported"
MAX_NEW_EMOTIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelImport:
    """What importing a file of labels would do.

    Args:
        edit: The one step, or None if there is nothing to do.
        added: Labels that come, replacements included.
        replaced: Labels that go because the same annotator answers the same anew.
        unchanged: Rows that say what the project says already.
        new_emotions: Emotions that come into the set.
        unmatched: Rows whose recordings are not in the project, or not clearly one of it.
        misfits: Rows whose stretch is not inside their recording.
        described: Recordings that get a speaker or language that the project did not know.
    """

    edit: Edit | None
    added: int
    replaced: int
    unchanged: int
    new_emotions: tuple[str, ...]
    unmatched: tuple[LabelRow, ...]
    misfits: tuple[LabelRow, ...]
    described: int = 0

    def summary(self) -> str:
        """Return what was done and what was not, for a person."""
        parts = [f"Imported {counted(self.added, 'label')}"]
        if self.replaced:
            parts.append(f"{self.replaced:,} in place of earlier answers")
        if self.unchanged:
            parts.append(f"{self.unchanged:,} were there already")
        if self.new_emotions:
            parts.append(f"new in the set: {', '.join(self.new_emotions)}")
        if self.described:
            recordings = counted(self.described, "recording")
            parts.append(f"{recordings} with speaker or language now known")
        text = ", ".join(parts) + "."
        if self.unmatched:
            names = list(dict.fromkeys(row.path for row in self.unmatched))
            shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
            text += (
                f" {counted(len(self.unmatched), 'row')} not imported, because no single recording"
                f" of this project is meant ({shown})."
            )
        if self.misfits:
            text += (
                f" {counted(len(self.misfits), 'row')} not imported, because the stretch is not"
                " inside the recording."
            )
        return text


class ClipMatcher:
    """Finds the clip that a file of labels means.

    By absolute path, else by the end of the path, else by a file name or stem that only one clip
    has.

    Args:
        clips: The clips of the project.
        folder: The folder of the file of labels, absolute, for paths relative to it.
    """

    def __init__(self, clips: Iterable[Clip], folder: str) -> None:
        self._folder = _slashes(folder).rstrip("/")
        self._by_path: dict[str, Clip] = {}
        self._by_name: dict[str, list[Clip]] = {}
        self._by_stem: dict[str, list[Clip]] = {}
        for clip in clips:
            path = _slashes(clip.path)
            self._by_path.setdefault(path, clip)
            self._by_name.setdefault(path.rpartition("/")[2], []).append(clip)
            self._by_stem.setdefault(file_stem(path), []).append(clip)

    def match(self, written: str) -> Clip | None:
        """Return the clip, or None if there is none or several could be meant."""
        path = _slashes(written)
        while path.startswith("./"):
            path = path[2:]
        exact = self._by_path.get(path) or self._by_path.get(f"{self._folder}/{path}")
        if exact is not None:
            return exact
        same_name = self._by_name.get(path.rpartition("/")[2], [])
        same_end = [clip for clip in same_name if _slashes(clip.path).endswith(f"/{path}")]
        for candidates in (same_end, same_name, self._by_stem.get(path, [])):
            if candidates:
                return candidates[0] if len(candidates) == 1 else None
        return None


def plan_import(
    rows: Sequence[LabelRow],
    matcher: ClipMatcher,
    labels: Iterable[Label],
    emotions: tuple[Emotion, ...],
    *,
    source: str,
    now: str,
) -> LabelImport:
    """Return what importing rows would do; nothing is changed.

    A row takes the place of a label by the same annotator about the same clip or stretch. Who
    answered, when, how and with what suggestion is kept as the file says it.

    Args:
        rows: What the file holds; of two about the same the later one counts.
        matcher: Finds their clips.
        labels: The labels of the project.
        emotions: The emotion set of the project; it gets the emotions that it does not have.
        source: Name of the file, for the Undo menu.
        now: ISO 8601, UTC, for rows without a time.

    Raises:
        BadValueError: If the answers are so many that they cannot be emotions; one sentence.
    """
    names = [emotion.name for emotion in emotions]
    matched: list[tuple[LabelRow, Clip]] = []
    unmatched, misfits = [], []
    for row in rows:
        clip = matcher.match(row.path)
        if clip is None:
            unmatched.append(row)
        elif _misfits(row, clip):
            misfits.append(row)
        else:
            matched.append((row, clip))
    answers = Counter(row.answer for row, _ in matched)
    new_names = [name for name in answers if name not in names and name not in SPECIAL_ANSWERS]
    if len(new_names) > MAX_NEW_EMOTIONS:
        raise BadValueError(
            f"{source} was not imported because it has {len(new_names):,} answers that are no"
            f" emotions of this project ({', '.join(new_names[:3])}, …), at most"
            f" {MAX_NEW_EMOTIONS} can be new; choose the file or tier that holds emotions."
        )
    earlier = {_question(label): label for label in labels}
    coming: dict[tuple[object, ...], Label] = {}
    unchanged = 0
    for row, clip in matched:
        label = _label(row, clip, now)
        coming[_question(label)] = label
    added, removed = [], []
    for question, label in coming.items():
        old = earlier.get(question)
        if old is not None and _says_the_same(old, label):
            unchanged += 1
            continue
        added.append(label)
        if old is not None:
            removed.append(old)
    described = _describe(matched)
    edit = Edit(
        name=f"Import {counted(len(added), 'label') if added else 'speakers'} from {source}",
        removed_labels=tuple(removed),
        added_labels=tuple(added),
        removed_clips=tuple(before for before, _ in described),
        added_clips=tuple(after for _, after in described),
        emotions_before=emotions if new_names else None,
        emotions_after=with_more(emotions, new_names) if new_names else None,
    )
    return LabelImport(
        edit=edit if added or described else None,
        added=len(added),
        replaced=len(removed),
        unchanged=unchanged,
        new_emotions=tuple(new_names) if added else (),
        unmatched=tuple(unmatched),
        misfits=tuple(misfits),
        described=len(described),
    )


def in_parts(edit: Edit, num_labels: int) -> Iterator[Edit]:
    """Yield a large import as edits of the same name that can be applied one after the other.

    Args:
        edit: What `plan_import` plans.
        num_labels: How many labels, or recordings that are described, come with each part.
    """
    for start in range(0, len(edit.added_clips), num_labels):
        part = slice(start, start + num_labels)
        yield Edit(
            name=edit.name,
            removed_clips=edit.removed_clips[part],
            added_clips=edit.added_clips[part],
        )
    replaced = {_question(label): label for label in edit.removed_labels}
    for start in range(0, len(edit.added_labels), num_labels):
        added = edit.added_labels[start : start + num_labels]
        gone = [replaced[key] for label in added if (key := _question(label)) in replaced]
        yield Edit(
            name=edit.name,
            removed_labels=tuple(gone),
            added_labels=added,
            emotions_before=None if start else edit.emotions_before,
            emotions_after=None if start else edit.emotions_after,
        )


def label_rows(labels: Iterable[Label], clips: dict[str, Clip]) -> list[LabelRow]:
    """Return labels as files hold them, in the order of the recordings and of time."""
    rows = [
        LabelRow(
            path=clips[label.clip_id].path,
            answer=label.answer,
            start_s=label.start_s,
            end_s=label.end_s,
            origin=label.origin.value,
            annotator=label.annotator,
            created_at=label.created_at,
            suggested_by=label.suggested_by,
            suggestion=label.suggestion,
            suggestion_confidence=label.suggestion_confidence,
            suggestion_seen=label.suggestion_seen,
            language=clips[label.clip_id].language,
            speaker=clips[label.clip_id].speaker,
            duration_s=clips[label.clip_id].duration_s,
        )
        for label in labels
    ]
    return sorted(rows, key=lambda row: (row.path, row.start_s is not None, row.start_s or 0.0))


def _describe(matched: Iterable[tuple[LabelRow, Clip]]) -> list[tuple[Clip, Clip]]:
    """Return clips before and after for which rows know a speaker or language that is missing."""
    described: dict[str, tuple[Clip, Clip]] = {}
    for row, clip in matched:
        before, after = described.get(clip.clip_id, (clip, clip))
        speaker, language = after.speaker or row.speaker, after.language or row.language
        if (speaker, language) != (after.speaker, after.language):
            described[clip.clip_id] = (before, replace(after, speaker=speaker, language=language))
    return list(described.values())


def _label(row: LabelRow, clip: Clip, now: str) -> Label:
    return Label(
        label_id=new_id(),
        clip_id=clip.clip_id,
        answer=row.answer,
        origin=Origin(row.origin),
        annotator=row.annotator or UNNAMED_ANNOTATOR,
        created_at=row.created_at or now,
        start_s=row.start_s,
        end_s=row.end_s,
        suggested_by=row.suggested_by,
        suggestion=row.suggestion,
        suggestion_confidence=row.suggestion_confidence,
        suggestion_seen=row.suggestion_seen,
    )


def _misfits(row: LabelRow, clip: Clip) -> bool:
    if row.start_s is None or row.end_s is None:
        return False
    span = TimeSpan(row.start_s, row.end_s)
    return bool(check_answer(SPECIAL_ANSWERS[0], span, (), clip.duration_s))


def _question(label: Label) -> tuple[object, ...]:
    return (label.clip_id, label.annotator, label.start_s, label.end_s)


def _says_the_same(old: Label, new: Label) -> bool:
    """Whether a row brings nothing new; a file without a time does not make the label newer."""
    return replace(old, label_id="", created_at="") == replace(new, label_id="", created_at="")


def _slashes(path: str) -> str:
    return path.replace("\\", "/")
