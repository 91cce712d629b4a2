"""What a WAV file claims to hold, which libsndfile does not tell where the file ends before."""

import os
import struct
from pathlib import Path

CHUNK_HEAD = struct.Struct("<4sI")
RIFF_BYTES = 12
MAX_CHUNKS = 64
SMALLEST_UNKNOWN = 0x7FFFF000
"""Programs that write to a pipe do not know the size and claim about as much as there can be."""


def share_present(path: Path) -> float:
    """Return which share of the samples that a WAV file claims is there, 1 where it cannot be told.

    Source: Multimedia Programming Interface and Data Specifications 1.0 (IBM and Microsoft, 1991).
    """
    try:
        with open(path, "rb") as file:
            head = file.read(RIFF_BYTES)
            if head[:4] != b"RIFF" or head[8:] != b"WAVE":
                return 1.0
            for _ in range(MAX_CHUNKS):
                kind, size = CHUNK_HEAD.unpack(file.read(CHUNK_HEAD.size))
                if kind == b"data":
                    there = os.fstat(file.fileno()).st_size - file.tell()
                    known = there < size < SMALLEST_UNKNOWN
                    return there / size if known else 1.0
                file.seek(size + size % 2, os.SEEK_CUR)
    except (OSError, struct.error):
        pass
    return 1.0
