"""Labels as JSON: `{"format": "clser-labels", "version": 1, "labels": [{…}, …]}`.

Each label has the keys of `LabelRow`; those that are empty may be left out.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clser_engine.errors import FormatError
from clser_engine.formats.atomic_write import write_atomically
from clser_engine.formats.json_file import read_json
from clser_engine.formats.labels_csv import COLUMNS, FLAGS, NUMBERS
from clser_engine.formats.rows import LabelRow

FORMAT = "clser-labels"
VERSION = 1


def write_labels(path: Path, rows: Sequence[LabelRow], *, overwrite: bool) -> list[Path]:
    """Write labels to one file.

    Raises:
        FormatError: If the file exists and may not be replaced, or cannot be written.
    """
    content = {"format": FORMAT, "version": VERSION, "labels": [asdict(row) for row in rows]}
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
    write_atomically(path, (text + "\n").encode("utf-8", "surrogatepass"), overwrite=overwrite)
    return [path]


def read_labels(path: Path) -> list[LabelRow]:
    """Read labels from one file.

    Raises:
        FormatError: If it cannot be read or a label is wrong; names the file and the label.
    """
    content = read_json(path)
    if content.get("format") != FORMAT or not isinstance(content.get("labels"), list):
        raise FormatError(f"{path} is JSON but holds no labels of CLSER Studio; choose another.")
    if content.get("version") != VERSION:
        raise FormatError(
            f"{path} has version {content.get('version')!r} of the label format and this program "
            f"reads {VERSION}; update the program."
        )
    return [
        _to_row(f"{path}, label {number},", label)
        for number, label in enumerate(content["labels"], start=1)
    ]


def _to_row(where: str, label: Any) -> LabelRow:
    # Any: parsed JSON may hold anything; it is checked key by key here.
    if not isinstance(label, dict):
        raise FormatError(f"{where} is not an object; correct it and import again.")
    values = {"path": "", "answer": "", **{k: v for k, v in label.items() if k in COLUMNS}}
    for key, value in values.items():
        if key in NUMBERS:
            good = value is None or (isinstance(value, int | float) and not isinstance(value, bool))
            expected = "a number or null"
        elif key in FLAGS:
            good, expected = isinstance(value, bool), "true or false"
        else:
            good, expected = isinstance(value, str), "text"
        if not good:
            raise FormatError(f"{where} has {value!r} as {key}, which should be {expected}.")
        if key in NUMBERS and value is not None:
            values[key] = float(value)
    row = LabelRow(**values)
    if problem := row.problem():
        raise FormatError(f"{where} {problem}; correct it and import again.")
    return row
