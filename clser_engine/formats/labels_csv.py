"""Labels as a CSV table: one row a label, columns as in `LabelRow`, UTF-8.

It opens in a spreadsheet: a byte order mark tells Excel that it is UTF-8, and text that a
spreadsheet would run as a formula (it begins with = + - @, a tab or a carriage return) gets an
apostrophe in front, as does text that begins with an apostrophe. Reading takes one such
apostrophe away again, so that every text comes back exactly.

A table saved by a spreadsheet with semicolons or tabs reads just as well, and so does one with
only the columns `path` and `answer`. Other columns are passed over.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from clser_engine.errors import FormatError
from clser_engine.formats.atomic_write import write_atomically
from clser_engine.formats.rows import LabelRow
from clser_engine.formats.text_file import read_text

COLUMNS = tuple(field.name for field in fields(LabelRow))
NUMBERS = frozenset({"start_s", "end_s", "suggestion_confidence", "duration_s"})
FLAGS = frozenset({"suggestion_seen"})
REQUIRED = ("path", "answer")

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0", "")


def write_labels(path: Path, rows: Sequence[LabelRow], *, overwrite: bool) -> list[Path]:
    """Write labels to one file.

    Raises:
        FormatError: If the file exists and may not be replaced, or cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_MINIMAL)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_to_cell(getattr(row, column)) for column in COLUMNS])
    data = text.getvalue().encode("utf-8", "surrogatepass")
    write_atomically(path, b"\xef\xbb\xbf" + data, overwrite=overwrite)
    return [path]


def read_labels(path: Path) -> list[LabelRow]:
    """Read labels from one file.

    Raises:
        FormatError: If it cannot be read or a row is wrong; names the file and the line.
    """
    text = read_text(path)
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = []
    columns: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            if columns is None:
                columns = _check_header(path, cells)
            elif any(cells):
                rows.append(_to_row(path, line, columns, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise FormatError(
            f"{path}, line {line}, is not a proper row of a table; correct its quotes."
        ) from error
    if columns is None:
        raise FormatError(f"{path} is empty; it needs a first line with the column names.")
    return rows


def _check_header(path: Path, cells: list[str]) -> list[str]:
    columns = [cell.strip() for cell in cells]
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise FormatError(
            f"{path} has no column {' and no column '.join(missing)} in its first line; "
            "add it or export the labels again."
        )
    return columns


def _to_row(path: Path, line: int, columns: list[str], cells: list[str]) -> LabelRow:
    where = f"{path}, line {line},"
    if len(cells) > len(columns):
        raise FormatError(
            f"{where} has {len(cells)} cells but the first line names {len(columns)} columns; "
            "put text with commas into quotes."
        )
    values: dict[str, object] = {}
    for column, cell in zip(columns, cells, strict=False):
        if column in NUMBERS:
            values[column] = _to_number(where, column, cell)
        elif column in FLAGS:
            values[column] = _to_flag(where, column, cell)
        elif column in COLUMNS:
            values[column] = _to_text(cell)
    if not values.get("origin"):
        values["origin"] = "imported"
    row = LabelRow(**{"path": "", "answer": "", **values})  # type: ignore[arg-type]
    if problem := row.problem():
        raise FormatError(f"{where} {problem}; correct it and import again.")
    return row


def _to_cell(value: str | float | bool | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value if value.startswith((*_FORMULA_STARTS, "'")) else value
    return repr(float(value))


def _to_text(cell: str) -> str:
    escaped = cell.startswith("'") and cell[1:].startswith((*_FORMULA_STARTS, "'"))
    return cell[1:] if escaped else cell


def _to_number(where: str, column: str, cell: str) -> float | None:
    if not cell.strip():
        return None
    try:
        return float(cell)
    except ValueError as error:
        raise FormatError(
            f"{where} has {cell!r} as {column}, which is not a number; write it like 1.25."
        ) from error


def _to_flag(where: str, column: str, cell: str) -> bool:
    word = cell.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise FormatError(f"{where} has {cell!r} as {column}; write true or false.")
