"""The two kinds of files that a manifest comes in: CSV with a header, and JSON Lines."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from clser_engine.errors import ManifestError
from clser_engine.formats.atomic_write import write_atomically

REQUIRED = ("path", "emotion", "speaker", "language")

Rows = Iterator[tuple[int, dict[str, str] | str]]
"""Line number, and either the row or a sentence on why it is none."""


def read_rows(path: Path) -> Rows:
    """Yield the rows of a manifest; all values are text.

    Raises:
        ManifestError: If the file cannot be read, is no text, or misses a column.
    """
    reader = {".csv": _read_csv, ".jsonl": _read_json_lines}.get(path.suffix.lower())
    if reader is None:
        raise ManifestError(f"{path}: a manifest ends in .csv or .jsonl, not {path.suffix!r}.")
    try:
        yield from reader(path)
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}: is not UTF-8 text; save it as UTF-8.") from error


def write_rows(
    path: Path, columns: Sequence[str], rows: Sequence[dict[str, str]], *, overwrite: bool
) -> None:
    """Write a manifest, whole or not at all.

    Raises:
        ManifestError: If the name ends otherwise.
        FormatError: If the file exists and may not be replaced, or cannot be written.
    """
    text = io.StringIO(newline="")
    if path.suffix.lower() == ".csv":
        writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    elif path.suffix.lower() == ".jsonl":
        for row in rows:
            line = {column: row[column] for column in columns if column in row}
            text.write(json.dumps(line, ensure_ascii=False) + "\n")
    else:
        raise ManifestError(f"{path}: a manifest ends in .csv or .jsonl, not {path.suffix!r}.")
    write_atomically(path, text.getvalue().encode("utf-8"), overwrite=overwrite)


def _read_csv(path: Path) -> Rows:
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
                    count = len(reader.fieldnames or ())
                    yield (
                        reader.line_num,
                        f"the row does not have {count} fields like the header.",
                    )
                else:
                    yield reader.line_num, row
        except csv.Error as error:
            raise ManifestError(f"{path}, line {reader.line_num}: is no CSV ({error}).") from error


def _read_json_lines(path: Path) -> Rows:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield number, f"is no JSON ({getattr(error, 'msg', 'too deep')})."
                continue
            if isinstance(row, dict):
                yield number, {str(k): "" if v is None else str(v) for k, v in row.items()}
            else:
                yield number, "is no JSON object."
