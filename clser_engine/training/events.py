"""What happens in a run, as JSON lines and as the event files that TensorBoard shows.

`events.jsonl` is the record; the event file is made from it. After a run was killed, events behind
the checkpoint it goes on from are dropped, so that each step stands there once.

The event file is written here in fifty lines: torch's own writer needs the package tensorboard with
its web server, and all that is needed of the format is scalars. It is a sequence of records
(length, checksum, protocol buffer `Event`, checksum), as described in
tensorflow/core/lib/io/record_writer.h and tensorflow/core/util/event.proto.
"""

import json
import os
import struct
import time
from pathlib import Path
from typing import Any, BinaryIO, TextIO

EVENTS, TENSORBOARD = "events.jsonl", "tensorboard"


class EventLog:
    """The events of a run.

    Args:
        folder: The run.
        last_step: Events of later steps are dropped; None drops none.
    """

    def __init__(self, folder: Path, last_step: int | None = None) -> None:
        path = folder / EVENTS
        kept = [
            event
            for event in read_events(folder)
            if last_step is None or event.get("step", 0) <= last_step
        ]
        scratch = path.with_suffix(".partial")
        scratch.write_text("".join(json.dumps(event) + "\n" for event in kept), encoding="utf-8")
        os.replace(scratch, path)
        self._file: TextIO = path.open("a", encoding="utf-8")
        self._scalars = ScalarFile(folder / TENSORBOARD)
        for event in kept:
            self._scalars.write(event)

    def write(self, kind: str, step: int, **values: Any) -> None:
        """Append one event; it is in the file when this returns.

        Args:
            kind: For example `step` or `validation`.
            step: Updates made so far.
            values: JSON values; numbers, also in nested objects, become curves.
        """
        event = {"event": kind, "step": step, "time": round(time.time(), 3), **values}
        self._file.write(json.dumps(event) + "\n")
        self._file.flush()
        self._scalars.write(event)

    def close(self) -> None:
        """Close both files."""
        self._file.close()
        self._scalars.close()


def read_events(folder: Path) -> list[dict[str, Any]]:
    """Return the events of a run; a last line that was cut off by a crash is left out."""
    try:
        lines = (folder / EVENTS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    events = []
    for line in lines:
        try:
            events.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return events


class ScalarFile:
    """One event file of TensorBoard, begun anew.

    Args:
        folder: Older event files in it are removed.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        for old in folder.glob("events.out.tfevents.*"):
            old.unlink()
        name = f"events.out.tfevents.{int(time.time()):010d}.clser"
        self._file: BinaryIO = (folder / name).open("wb")
        self._record(_field(1, time.time()) + _field(3, b"brain.Event:2"))

    def write(self, event: dict[str, Any]) -> None:
        """Add a point to the curve of each number in an event."""
        summary = b"".join(
            _field(1, _field(1, tag.encode()) + _tag(2, 5) + struct.pack("<f", value))
            for tag, value in _numbers(event["event"], event)
        )
        if summary:
            self._record(
                _field(1, float(event["time"]))
                + _tag(2, 0)
                + _varint(int(event["step"]))
                + _field(5, summary)
            )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _record(self, data: bytes) -> None:
        length = struct.pack("<Q", len(data))
        checked = struct.pack("<I", _masked_crc(length)), struct.pack("<I", _masked_crc(data))
        self._file.write(length + checked[0] + data + checked[1])
        self._file.flush()


def _numbers(prefix: str, values: dict[str, Any]) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            found += _numbers(f"{prefix}/{name}", value)
        elif name not in ("step", "time") and isinstance(value, int | float):
            found.append((f"{prefix}/{name}", float(value)))
    return found


def _field(number: int, value: bytes | float) -> bytes:
    """Return a field of a protocol buffer that holds bytes or a double."""
    if isinstance(value, bytes):
        return _tag(number, 2) + _varint(len(value)) + value
    return _tag(number, 1) + struct.pack("<d", value)


def _tag(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _varint(value: int) -> bytes:
    data = bytearray()
    while value > 127:
        data.append(value & 127 | 128)
        value >>= 7
    data.append(value)
    return bytes(data)


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)  # Castagnoli's polynomial
        table.append(value)
    return table


_CRC = _crc_table()


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of bytes."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _masked_crc(data: bytes) -> int:
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
