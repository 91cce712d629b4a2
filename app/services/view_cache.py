"""What is drawn of recordings, kept on disk: one memory-mapped file per recording and channel.

Layout: a header of 4096 bytes (magic, length and CRC-32 of a JSON text, the text), the arrays one
after the other, an end mark. A file is written under a temporary name and takes its own name only
when it is complete. Whatever is damaged is made again; the folder may be deleted at any time.
"""

import hashlib
import json
import logging
import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

VERSION = 2  # raise when what is stored means something else
MAGIC = b"CLSERVC1"
END_MARK = b"CLSEREND"
HEADER_BYTES = 4096
PREFIX = struct.Struct("<8sII")
SAMPLE_BYTES = 65536  # of the head and the tail of a recording, hashed for its key
ZEROS_BYTES = 1 << 20
CAPACITY_BYTES = 2 * 1024**3

ArrayPlan = tuple[str, str, tuple[int, int]]  # name, dtype, shape


def cache_key(path: Path, channel: int | None) -> str:
    """Return a key that changes when the recording does.

    Path, size, time of change and the bytes at both ends: a file of hours is not read for it.

    Raises:
        OSError: If the file cannot be read.
    """
    status = path.stat()
    digest = hashlib.sha256()
    text = f"{VERSION}|{path.resolve()}|{status.st_size}|{status.st_mtime_ns}|{channel}"
    digest.update(text.encode("utf-8", "surrogateescape"))
    with path.open("rb") as file:
        digest.update(file.read(SAMPLE_BYTES))
        file.seek(max(status.st_size - SAMPLE_BYTES, 0))
        digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()[:40]


class CachedArrays:
    """Arrays in one memory-mapped file.

    Args:
        facts: Small JSON facts stored beside the arrays.
        arrays: The arrays by name, views of the file.
    """

    def __init__(self, facts: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        self.facts = facts
        self.arrays = arrays


class ViewCache:
    """A folder of cached drawings, the least recently used of which go first.

    Args:
        folder: Where they lie; made when the first is written.
        capacity_bytes: How much the folder may hold.
    """

    def __init__(self, folder: Path, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self.folder = folder
        self.capacity_bytes = capacity_bytes

    def load(self, key: str) -> CachedArrays | None:
        """Return a complete entry, or None where there is none or it is damaged."""
        path = self._path(key)
        try:
            entry = _map(path)
            os.utime(path)  # used just now
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            logger.info("Cached drawing %s is unusable (%s) and is made again", path, error)
            _remove(path)
            return None
        return entry

    def begin(self, key: str, plan: Sequence[ArrayPlan]) -> CachedArrays:
        """Return zeroed arrays to fill; `finish` keeps them.

        On a disk that cannot be written the arrays lie in memory and are not kept.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._part(key).open("wb") as file:
                _reserve(file, HEADER_BYTES + sum(_num_bytes(item) for item in plan))
            return CachedArrays({}, _views(self._part(key), plan, mode="r+"))
        except OSError as error:
            logger.info("Drawings cannot be kept in %s (%s)", self.folder, error)
            _remove(self._part(key))
            return CachedArrays({}, {name: np.zeros(shape, dtype) for name, dtype, shape in plan})

    def finish(self, key: str, plan: Sequence[ArrayPlan], facts: dict[str, Any]) -> None:
        """Keep what `begin` gave, now that it is filled, and make room if need be."""
        part = self._part(key)
        text = json.dumps({"facts": facts, "plan": list(plan)}).encode()
        header = PREFIX.pack(MAGIC, len(text), zlib.crc32(text)) + text
        if len(header) > HEADER_BYTES:
            raise ValueError(f"Header of {len(header)} bytes does not fit {HEADER_BYTES}")
        try:
            with part.open("r+b") as file:
                file.write(header)
                file.seek(0, os.SEEK_END)
                file.write(END_MARK)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path(key))
        except OSError as error:
            logger.info("Cached drawing %s cannot be kept (%s)", part, error)
            return
        self.prune(keep=key)

    def abandon(self, key: str) -> None:
        """Drop what `begin` made."""
        _remove(self._part(key))

    def prune(self, keep: str = "") -> None:
        """Remove the least recently used entries beyond the capacity."""
        found = []
        for path in self.folder.glob("*.view*"):
            try:
                status = path.stat()
            except OSError:
                continue
            found.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self.capacity_bytes:
                break
            if path.stem == keep:
                continue
            if _remove(path):
                total -= size

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.view"

    def _part(self, key: str) -> Path:
        return self.folder / f"{key}.view-part-{os.getpid()}"


def _reserve(file: BinaryIO, size: int) -> None:
    """Make a file that long, its space taken: a mapped page without space would end the program.

    Raises:
        OSError: If the disk has too little space.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    for start in range(0, size, ZEROS_BYTES):
        file.write(bytes(min(ZEROS_BYTES, size - start)))


def _remove(path: Path) -> bool:
    """Remove a file if it can be; on Windows a mapped one cannot and goes another time."""
    try:
        path.unlink()
    except OSError as error:
        logger.debug("%s stays (%s)", path, error)
        return False
    return True


def _num_bytes(item: ArrayPlan) -> int:
    _, dtype, shape = item
    return int(np.prod(shape)) * np.dtype(dtype).itemsize


def _views(path: Path, plan: Sequence[ArrayPlan], *, mode: str) -> dict[str, NDArray[Any]]:
    memory = np.memmap(path, np.uint8, mode="r" if mode == "r" else "r+")
    views, offset = {}, HEADER_BYTES
    for item in plan:
        name, dtype, shape = item
        size = _num_bytes(item)
        views[name] = memory[offset : offset + size].view(np.ndarray).view(dtype).reshape(shape)
        offset += size
    return views


def _map(path: Path) -> CachedArrays:
    """Open an entry.

    Raises:
        ValueError: If it is damaged.
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - len(END_MARK), 0))
        end = file.read()
    if len(head) < HEADER_BYTES:
        raise ValueError("cut off in the header")
    magic, length, checksum = PREFIX.unpack_from(head)
    text = head[PREFIX.size : PREFIX.size + length]
    if magic != MAGIC or zlib.crc32(text) != checksum:
        raise ValueError("damaged header")
    content = json.loads(text)
    plan: list[ArrayPlan] = [
        (name, dtype, (int(rows), int(columns))) for name, dtype, (rows, columns) in content["plan"]
    ]
    wanted = HEADER_BYTES + sum(_num_bytes(item) for item in plan) + len(END_MARK)
    if size != wanted or end != END_MARK:
        raise ValueError(f"{size} bytes where {wanted} belong")
    return CachedArrays(content["facts"], _views(path, plan, mode="r"))
