"""Tests of clser_engine.training.events: what is written is read back by a reader of the format."""

import json
import struct

import pytest

from clser_engine.training.events import EventLog, crc32c, read_events


def read_records(data):
    """Yield the records of an event file, their checksums compared."""
    place = 0
    while place < len(data):
        length_bytes = data[place : place + 8]
        (length,) = struct.unpack("<Q", length_bytes)
        content = data[place + 12 : place + 12 + length]
        for checked, at in ((length_bytes, place + 8), (content, place + 12 + length)):
            (stored,) = struct.unpack("<I", data[at : at + 4])
            crc = crc32c(checked)
            assert stored == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) % 2**32
        yield content
        place += 16 + length


def read_fields(data):
    """Return the fields of a protocol buffer as (number, value)."""
    place, fields = 0, []

    def varint():
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(data):
        key = varint()
        number, kind = key >> 3, key & 7
        if kind == 0:
            fields.append((number, varint()))
            continue
        size = {1: 8, 5: 4}.get(kind) or varint()
        raw = data[place : place + size]
        place += size
        fields.append(
            (number, struct.unpack({1: "<d", 5: "<f"}[kind], raw)[0] if kind != 2 else raw)
        )
    return fields


def read_curves(folder):
    """Return {tag: [(step, value)]} and the version of the one event file in a folder."""
    (path,) = folder.glob("events.out.tfevents.*")
    version, *records = read_records(path.read_bytes())
    curves = {}
    for record in records:
        fields = dict(read_fields(record))
        for number, value in read_fields(fields[5]):
            assert number == 1
            tag, number = (part for _, part in read_fields(value))
            curves.setdefault(tag.decode(), []).append((fields[2], number))
    return curves, dict(read_fields(version))[3]


def test_the_checksum_is_the_published_one():
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"") == 0


def test_events_become_lines_and_curves(tmp_path):
    log = EventLog(tmp_path)
    log.write("step", 1, losses={"loss": 1.5, "frame": 0.25}, seconds=0.5)
    log.write("step", 300, losses={"loss": 1.25, "frame": 0.125}, seconds=0.5, note="text")
    log.write("validation", 300, uar=62.5, stops_early=True)
    log.close()

    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [(line["event"], line["step"]) for line in lines] == [
        ("step", 1), ("step", 300), ("validation", 300)
    ]  # fmt: skip
    curves, version = read_curves(tmp_path / "tensorboard")
    assert version == b"brain.Event:2"
    assert curves["step/losses/loss"] == [(1, 1.5), (300, 1.25)]
    assert curves["step/losses/frame"] == [(1, 0.25), (300, 0.125)]
    assert curves["validation/uar"] == [(300, 62.5)]
    assert "step/note" not in curves


def test_a_line_that_a_crash_cut_off_is_left_out_and_later_steps_are_dropped(tmp_path):
    log = EventLog(tmp_path)
    for step in (1, 2, 3, 4):
        log.write("step", step, losses={"loss": float(step)})
    log.close()
    path = tmp_path / "events.jsonl"
    path.write_text(path.read_text()[:-7])

    again = EventLog(tmp_path, last_step=2)
    again.write("step", 3, losses={"loss": 9.0})
    again.close()

    assert [event["step"] for event in read_events(tmp_path)] == [1, 2, 3]
    curves, _ = read_curves(tmp_path / "tensorboard")
    assert curves["step/losses/loss"] == [(1, 1.0), (2, 2.0), (3, 9.0)]


def test_a_run_without_events_has_none(tmp_path):
    assert read_events(tmp_path) == []


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**20, 2**40])
def test_steps_of_any_size_survive(tmp_path, value):
    log = EventLog(tmp_path)
    log.write("step", value, seconds=1.0)
    log.close()

    assert read_curves(tmp_path / "tensorboard")[0] == {"step/seconds": [(value, 1.0)]}
