"""Reading the tables and text files that come with corpora, in whatever encoding they have."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from clser_engine.errors import ManifestError

_ENCODINGS = ("utf-8-sig", "gb18030", "cp1252")


def read_text(path: Path) -> str:
    """Return a text in UTF-8, UTF-16 with its mark, GBK or Windows-1252, the first that fits.

    Raises:
        ManifestError: If the file cannot be read, or is no text in any of them.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read ({error.strerror}).") from error
    encodings: Sequence[str] = _ENCODINGS
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ("utf-16",)
    elif b"\0" in data[:200]:  # UTF-16 without its mark: every other byte of ASCII is 0
        encodings = ("utf-16-be",) if data[:1] == b"\0" else ("utf-16-le",)
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ManifestError(f"{path}: is no text in UTF-8, UTF-16 or GBK; fetch the file again.")


def read_table(
    path: Path, *, required: Sequence[str], delimiter: str = ","
) -> list[dict[str, str]]:
    """Return the rows of a table with a header; short rows are filled up, fields are stripped.

    Raises:
        ManifestError: If it cannot be read or lacks a column.
    """
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), delimiter=delimiter)
    missing = [column for column in required if column not in (reader.fieldnames or ())]
    if missing:
        raise ManifestError(
            f"{path}, line 1: the column {missing[0]!r} is missing; required are "
            f"{', '.join(required)}."
        )
    try:
        return [
            {key: (value or "").strip() for key, value in row.items() if key is not None}
            for row in reader
        ]
    except csv.Error as error:
        raise ManifestError(f"{path}, line {reader.line_num}: is no table ({error}).") from error
