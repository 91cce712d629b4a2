"""Manifests: tables of labelled recordings as CSV or JSON Lines.

Only `path`, `emotion`, `speaker` and `language` are required; unknown columns are kept. Paths are
absolute or relative to the manifest's folder. Speakers belong to their corpus, so the key of a
speaker is `language/corpus/speaker`.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from clser_engine.errors import ManifestError

REQUIRED = ("path", "emotion", "speaker", "language")


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
    """

    path: Path
    emotion: str
    speaker: str
    language: str
    corpus: str
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def speaker_key(self) -> str:
        """The speaker, distinct across corpora."""
        return f"{self.language}/{self.corpus}/{self.speaker}"


def read_manifest(path: str | Path) -> list[Utterance]:
    """Read a manifest.

    Args:
        path: A file ending in `.csv` or `.jsonl`.

    Raises:
        ManifestError: If the file cannot be read, misses a column, has an empty required field,
            names a recording twice or holds no row.
    """
    path = Path(path)
    readers = {".csv": _read_csv, ".jsonl": _read_json_lines}
    if path.suffix.lower() not in readers:
        raise ManifestError(f"{path}: a manifest ends in .csv or .jsonl, not {path.suffix!r}.")
    folder = path.resolve().parent
    utterances: list[Utterance] = []
    first_line: dict[Path, int] = {}
    try:
        for line, row in readers[path.suffix.lower()](path):
            for column in REQUIRED:
                if not row.get(column):
                    raise ManifestError(f"{path}, line {line}: the column {column!r} is empty.")
            extra = {k: v for k, v in row.items() if k not in (*REQUIRED, "corpus")}
            utterance = Utterance(
                path=folder / row["path"],
                emotion=row["emotion"],
                speaker=row["speaker"],
                language=row["language"],
                corpus=row.get("corpus") or folder.name,
                extra=extra,
            )
            if utterance.path in first_line:
                raise ManifestError(
                    f"{path}, line {line}: {row['path']} is already on line "
                    f"{first_line[utterance.path]}; keep one of them."
                )
            first_line[utterance.path] = line
            utterances.append(utterance)
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}: is not UTF-8 text; save it as UTF-8.") from error
    if not utterances:
        raise ManifestError(f"{path}: holds no recording below its header.")
    return utterances


def _read_csv(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line numbers and rows of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [column for column in REQUIRED if column not in (reader.fieldnames or ())]
        if missing:
            raise ManifestError(
                f"{path}, line 1: the column {missing[0]!r} is missing; "
                f"required are {', '.join(REQUIRED)}."
            )
        try:
            for row in reader:
                if None in row or None in row.values():
                    raise ManifestError(
                        f"{path}, line {reader.line_num}: the row does not have "
                        f"{len(reader.fieldnames or ())} fields like the header."
                    )
                yield reader.line_num, row
        except csv.Error as error:
            raise ManifestError(f"{path}, line {reader.line_num}: is no CSV ({error}).") from error


def _read_json_lines(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line numbers and objects of a JSON Lines file; values become text."""
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise ManifestError(f"{path}, line {number}: is no JSON ({error.msg}).") from error
            if not isinstance(row, dict):
                raise ManifestError(f"{path}, line {number}: is no JSON object.")
            yield number, {str(k): "" if v is None else str(v) for k, v in row.items()}
