"""Arrays of differing length, such as decoded recordings, in one memory-mapped file on disk.

They are made once for each key, written beside the place and renamed into it, so a store is whole
or not there, and several processes that make the same one at once do no harm.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import platformdirs
from numpy.typing import NDArray

from clser_engine.errors import EngineError

ROWS, INDEX = "rows.bin", "index.json"


class RowStore(Sequence[NDArray[Any]]):
    """N arrays that differ in their first axis only; read from disk as they are asked for.

    Args:
        folder: Made by `make_store`.
    """

    def __init__(self, folder: Path) -> None:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        self.facts: list[Any] = index["facts"]
        """What was kept about each array."""
        self._ends: list[int] = index["ends"]
        shape = (self._ends[-1], *index["row_shape"])
        self._rows: NDArray[Any] = np.memmap(
            folder / ROWS, dtype=index["dtype"], mode="r", shape=shape
        )

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: Any) -> Any:
        return self._rows[self._start(index) : self._ends[index]]

    def size(self, index: int) -> int:
        """Return the length of the first axis of an array, without reading it."""
        return self._ends[index] - self._start(index)

    def part(self, index: int, start: int, size: int) -> NDArray[Any]:
        """Return a stretch of an array, cut at its end."""
        first = self._start(index) + start
        return self._rows[first : min(first + size, self._ends[index])]

    def _start(self, index: int) -> int:
        return self._ends[index - 1] if index else 0


def store_folder(kind: str, key: str) -> Path:
    """Return where the store of a key is kept; `CLSER_HOME` moves it."""
    home = os.environ.get("CLSER_HOME")
    root = Path(home) / "cache" if home else platformdirs.user_cache_path("clser-studio")
    return root / kind / hashlib.sha256(key.encode()).hexdigest()[:32]


def make_store(
    folder: Path, arrays: Iterable[tuple[NDArray[Any], Any]], dtype: type[np.generic]
) -> RowStore:
    """Return the store in a folder, made from arrays and a fact about each if it is not there yet.

    Args:
        folder: Where it is or will be.
        arrays: Made one by one, and only if needed; all but their first axis alike.
        dtype: What numbers are kept as.

    Raises:
        EngineError: If the disk is full or may not be written.
    """
    if not (folder / INDEX).exists():
        partial = folder.with_name(f"{folder.name}.{uuid4().hex}.partial")
        try:
            partial.mkdir(parents=True)
            _write(partial, iter(arrays), dtype)
            try:
                partial.rename(folder)
            except OSError:
                if not (folder / INDEX).exists():  # else another process was faster
                    raise
        except OSError as error:
            raise EngineError(
                f"The cache {folder.parent} cannot be written ({error.strerror}); free some space "
                "or set CLSER_HOME to a folder elsewhere."
            ) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return RowStore(folder)


def _write(folder: Path, arrays: Iterator[tuple[NDArray[Any], Any]], dtype: type) -> None:
    ends: list[int] = []
    facts: list[Any] = []
    row_shape: tuple[int, ...] = ()
    with (folder / ROWS).open("wb") as file:
        for array, fact in arrays:
            ends.append((ends[-1] if ends else 0) + len(array))
            facts.append(fact)
            row_shape = array.shape[1:]
            file.write(np.ascontiguousarray(array, dtype=dtype).data)
        file.flush()
        os.fsync(file.fileno())
    index = {"dtype": np.dtype(dtype).str, "row_shape": row_shape, "ends": ends, "facts": facts}
    (folder / INDEX).write_text(json.dumps(index), encoding="utf-8")
