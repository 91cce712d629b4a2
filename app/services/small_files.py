"""Small JSON files of the program's own, written whole or not at all."""

import json
import os
from pathlib import Path
from typing import Any


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file; an empty one where there is no file.

    Raises:
        ValueError: If it holds something else.
        OSError: If it cannot be read.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")
    return content


def write_object(path: Path, content: dict[str, Any]) -> None:
    """Replace a file by a JSON object; after a power cut it is the old or the new one.

    Raises:
        OSError: If it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)  # ASCII: file names may be no UTF-8
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def set_aside(path: Path) -> Path:
    """Rename a damaged file so that it is kept, and return its new path.

    Raises:
        OSError: If it cannot be renamed.
    """
    number = 1
    while (aside := path.with_name(f"{path.stem}-damaged-{number}{path.suffix}")).exists():
        number += 1
    path.rename(aside)
    return aside
