"""Reading a JSON file that must hold an object."""

import json
from pathlib import Path
from typing import Any

from clser_engine.errors import FormatError
from clser_engine.formats.text_file import read_text


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises:
        FormatError: If the file cannot be read, is not JSON or holds something else than an object.
    """
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise FormatError(
            f"{path}, line {error.lineno}, is not valid JSON; correct it or export again."
        ) from error
    except RecursionError as error:
        raise FormatError(f"{path} is nested too deeply; export it again.") from error
    if not isinstance(content, dict):
        raise FormatError(f"{path} holds no JSON object; export it again.")
    return content
