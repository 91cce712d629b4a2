"""Manifests: tables of labelled recordings as CSV or JSON Lines.

Only `path`, `emotion`, `speaker` and `language` are required; unknown columns are kept. Paths are
absolute or relative to the manifest's folder. Speakers belong to their corpus, so the key of a
speaker is `language/corpus/speaker`: two corpora that both have a speaker `01` do not mix.
"""

import difflib
import math
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clser_engine.data.languages import is_language_tag, suggest_tag
from clser_engine.data.manifest_files import REQUIRED, read_rows, write_rows
from clser_engine.errors import ManifestError
from clser_engine.labels import USUAL_EMOTIONS

OTHER = "other"
"""What none of the usual emotions is; its own name belongs in the column `emotion_original`."""

KNOWN_EMOTIONS = (*(emotion.name for emotion in USUAL_EMOTIONS), OTHER)

COLUMNS = (
    "path",
    "corpus",
    "language",
    "speaker",
    "gender",
    "emotion_original",
    "emotion",
    "intensity",
    "sentence_id",
    "transcript",
    "duration_s",
    "licence",
    "flags",
)
"""The columns that mean something here, in the order in which they are written."""

MAX_LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """One labelled recording of a manifest.

    Args:
        path: The recording, absolute.
        emotion: Its label.
        speaker: Name within the corpus.
        language: Language tag as written.
        corpus: Name of the corpus; the manifest's folder where the column is missing.
        extra: The other columns as written.
        line: Where it stands in its manifest, from 1; 0 if it is in none.
    """

    path: Path
    emotion: str
    speaker: str
    language: str
    corpus: str
    extra: dict[str, str] = field(default_factory=dict)
    line: int = field(default=0, compare=False)

    @property
    def speaker_key(self) -> str:
        """The speaker, distinct across corpora."""
        return f"{self.language}/{self.corpus}/{self.speaker}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with one line of a manifest.

    Args:
        line: From 1.
        sentence: What is wrong and the way out, without file and line.
    """

    line: int
    sentence: str


def read_manifest(
    path: str | Path, *, emotions: Collection[str] = (), check_files: bool = False
) -> list[Utterance]:
    """Read a manifest.

    Args:
        path: A file ending in `.csv` or `.jsonl`.
        emotions: Names of emotions that are allowed beside the usual ones and `other`.
        check_files: Whether all recordings must be there.

    Raises:
        ManifestError: If the file cannot be read, misses a column or holds no row; if a row has an
            empty required field, an unknown emotion, no language tag, a length that is none or a
            recording that is there already; if recordings are missing and that is checked.
    """
    utterances, problems = examine_manifest(path, emotions=emotions)
    if problems:
        first, more = problems[0], len(problems) - 1
        rest = f" ({more} more: clser data check {path})" if more else ""
        raise ManifestError(f"{path}, line {first.line}: {first.sentence}{rest}")
    if check_files:
        require_files(path, utterances)
    return utterances


def examine_manifest(
    path: str | Path, *, emotions: Collection[str] = ()
) -> tuple[list[Utterance], list[Problem]]:
    """Return the good rows of a manifest, and what is wrong with the others.

    Raises:
        ManifestError: If the file cannot be read, misses a column or holds no row.
    """
    path = Path(path)
    folder = path.resolve().parent
    known = dict.fromkeys((*KNOWN_EMOTIONS, *emotions))
    utterances: list[Utterance] = []
    problems: list[Problem] = []
    first_line: dict[Path, int] = {}
    for line, row in read_rows(path):
        if isinstance(row, str):
            problems.append(Problem(line=line, sentence=row))
            continue
        sentence = _find_fault(row, known)
        if sentence is None:
            utterance = _make_utterance(folder, line, row)
            if utterance.path not in first_line:
                first_line[utterance.path] = line
                utterances.append(utterance)
                continue
            sentence = (
                f"{row['path']} is already on line {first_line[utterance.path]}; keep one of them."
            )
        problems.append(Problem(line=line, sentence=sentence))
    if not utterances and not problems:
        raise ManifestError(f"{path}: holds no recording below its header.")
    return utterances, problems


def require_files(path: str | Path, utterances: Sequence[Utterance]) -> None:
    """Make sure that all recordings of a manifest are there.

    Raises:
        ManifestError: If some are not; says how many and on which lines.
    """
    missing = [utterance for utterance in utterances if not utterance.path.is_file()]
    if missing:
        named = [f"line {u.line} ({u.path})" for u in missing[:MAX_LISTED]]
        more = len(missing) - len(named)
        raise ManifestError(
            f"{path}: {len(missing)} of {len(utterances)} recordings are missing: "
            f"{', '.join(named)}{f' and {more} more' if more else ''}; "
            "bring them back or correct the paths."
        )


def write_manifest(
    path: str | Path, utterances: Sequence[Utterance], *, overwrite: bool = False
) -> None:
    """Write recordings as a manifest, so that reading it gives them back.

    Recordings in the manifest's folder or below it get relative paths, others absolute ones.

    Args:
        path: A file ending in `.csv` or `.jsonl`.
        utterances: The recordings; at least one.
        overwrite: Whether an existing file may be replaced.

    Raises:
        ManifestError: If there is no recording, or the name ends otherwise.
        FormatError: If the file exists and may not be replaced, or cannot be written.
    """
    path = Path(path)
    if not utterances:
        raise ManifestError(f"{path}: there is no recording to write.")
    folder = path.resolve().parent
    extra = {column: None for utterance in utterances for column in utterance.extra}
    columns = [c for c in COLUMNS if c in (*REQUIRED, "corpus") or c in extra]
    columns += [c for c in extra if c not in COLUMNS]
    write_rows(path, columns, [_make_row(u, folder) for u in utterances], overwrite=overwrite)


def _find_fault(row: dict[str, str], known: Collection[str]) -> str | None:
    """Return what is wrong with the fields of a row, if anything."""
    for column in REQUIRED:
        if not row.get(column):
            return f"the column {column!r} is empty."
    emotion, language, seconds = row["emotion"], row["language"], row.get("duration_s", "")
    if emotion not in known:
        close = difflib.get_close_matches(emotion.lower(), known, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}?" if close else "what is no such class is 'other'."
        return f"the emotion {emotion!r} is unknown; known are {', '.join(known)}; {hint}"
    if not is_language_tag(language):
        tag = suggest_tag(language)
        hint = f"did you mean {tag!r}?" if tag else "write an ISO 639-3 code such as 'deu'."
        return f"the language {language!r} is no language tag; {hint}"
    if seconds and not _is_length(seconds):
        return f"the duration {seconds!r} is no length; write seconds above 0, or nothing."
    return None


def _is_length(text: str) -> bool:
    try:
        return 0.0 < float(text) < math.inf
    except ValueError:
        return False


def _make_utterance(folder: Path, line: int, row: dict[str, str]) -> Utterance:
    return Utterance(
        path=Path(os.path.normpath(folder / row["path"])),
        emotion=row["emotion"],
        speaker=row["speaker"],
        language=row["language"],
        corpus=row.get("corpus") or folder.name,
        extra={k: v for k, v in row.items() if k not in (*REQUIRED, "corpus")},
        line=line,
    )


def _make_row(utterance: Utterance, folder: Path) -> dict[str, str]:
    path = utterance.path
    if path.is_relative_to(folder):
        path = path.relative_to(folder)
    return {
        **utterance.extra,
        "path": path.as_posix(),
        "emotion": utterance.emotion,
        "speaker": utterance.speaker,
        "language": utterance.language,
        "corpus": utterance.corpus,
    }
