"""Tests of app.services.log_file, app.services.report and app.services.versions."""

import errno
import logging
from importlib import metadata
from logging.handlers import RotatingFileHandler

import pytest

from app.services.log_file import MAX_BYTES, start_log, stop_log
from app.services.report import report_text
from app.services.settings import Settings
from app.services.versions import parts
from clser_engine.version import program_version

logger = logging.getLogger("app.test")


@pytest.fixture
def log(tmp_path):
    handler = start_log(tmp_path / "log")
    yield handler
    stop_log()


def test_the_log_is_written_to_its_folder(tmp_path, log):
    logger.info("Opened %s", "/home/kim/market")

    text = (tmp_path / "log" / "clser-studio.log").read_text(encoding="utf-8")
    assert "INFO app.test: Opened /home/kim/market" in text


def test_the_log_does_not_grow_without_end(tmp_path, log):
    for _ in range(3 * MAX_BYTES // 10_000):
        logger.info("x" * 10_000)

    files = list((tmp_path / "log").iterdir())
    assert len(files) in (3, 4)
    assert all(file.stat().st_size <= MAX_BYTES for file in files)


def test_without_a_folder_the_program_goes_on(tmp_path):
    (tmp_path / "log").write_text("a file is in the way")

    handler = start_log(tmp_path / "log")
    logger.info("still here")
    stop_log()

    assert "INFO app.test: still here" in handler.lines


def test_what_is_filled_into_a_message_stays_on_this_computer(log, caplog):
    try:
        raise ValueError("k_0031 says marina")
    except ValueError:
        logger.exception("Job %r failed", "read /home/kim/k_0031.wav")
    caplog.clear()

    text = "\n".join(log.lines)
    assert "Job %r failed" in text
    assert "ValueError" in text
    assert "test_log_and_report.py" in text
    assert "k_0031" not in text
    assert "/home" not in text


def test_the_report_tells_versions_counts_and_settings_but_no_names(log):
    settings = Settings(annotator="Kim Doe", output_device="Kim's headset", theme="dark")
    text = report_text(
        engine="ready CPU", counts={"clips": 7}, settings=settings, log_lines=["INFO a: b"]
    )

    assert text.startswith(f"CLSER Studio {program_version()}\n")
    for line in ("engine: ready CPU", "clips: 7", "  theme = 'dark'", "  INFO a: b"):
        assert f"\n{line}\n" in text
    assert "Kim" not in text


def test_every_part_has_a_version_and_a_licence():
    found = parts()

    assert {"Python", "numpy", "torch"} <= {part.name for part in found}
    assert all(part.version and part.licence for part in found)
    unknown = [part.name for part in found if part.licence == "see its files"]
    assert len(unknown) <= 2, unknown
    assert program_version() == metadata.version("clser-studio")


def test_a_full_disk_costs_log_lines_and_nothing_else(tmp_path, log, capsys, monkeypatch):
    def full(record):
        raise OSError(errno.ENOSPC, "No space left on device")

    [to_file] = [h for h in logging.getLogger().handlers if isinstance(h, RotatingFileHandler)]
    monkeypatch.setattr(to_file, "shouldRollover", full)

    logger.info("lost")
    monkeypatch.undo()
    logger.info("kept")

    assert capsys.readouterr().err == ""
    assert "lost" not in (tmp_path / "log" / "clser-studio.log").read_text()
    assert "kept" in (tmp_path / "log" / "clser-studio.log").read_text()
