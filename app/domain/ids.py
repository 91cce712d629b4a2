"""Ids that sort by the time they were made, so that a project's tables keep that order."""

import os
import threading
import time

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """Return a UUID (version 7) as 32 hex digits, larger than any this process made before.

    Source: RFC 9562, section 5.7; the 12 bits after the version carry part of the millisecond.
    """
    global _last
    with _lock:
        # 48 bits of milliseconds and 12 bits of their fraction, never twice the same
        _last = max(_last + 1, time.time_ns() * 4096 // 1_000_000)
        stamp = _last
    random_bits = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
    value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | random_bits
    return f"{value:032x}"
