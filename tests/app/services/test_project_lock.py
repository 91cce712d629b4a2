"""Tests of app.services.project_lock: one writer, and no question after a crash."""

import json
import os
import platform
import signal
import subprocess
import sys

import pytest

from app.errors import ProjectLockedError
from app.services import project_lock
from app.services.project_lock import LOCK_NAME, ProjectLock, process_identity
from app.services.project_store import ProjectStore

HOLDER = """
import sys, time
from pathlib import Path
from app.services.project_store import ProjectStore
store = ProjectStore.open(Path(sys.argv[1]))
print("open", flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "a.clser-project"
    ProjectStore.create(folder).close()
    return folder


@pytest.fixture
def holder(folder):
    """Another process that has the project open."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "open\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def write_lock(folder, **values):
    record = {
        "pid": os.getpid(),
        "process": process_identity(os.getpid()),
        "host": platform.node(),
        "since": "2026-01-02T03:04:05+00:00",
        **values,
    }
    (folder / LOCK_NAME).write_text(json.dumps(record))


def test_a_second_window_is_told_who_has_the_project(folder, holder):
    with pytest.raises(ProjectLockedError) as raised:
        ProjectStore.open(folder)

    since = json.loads((folder / LOCK_NAME).read_text())["since"][:16].replace("T", " ")
    assert str(raised.value) == (
        f"The project a.clser-project is open in another window (process {holder.pid} on"
        f" {platform.node()}, since {since} UTC); use that window or open it read-only."
    )
    with ProjectStore.open(folder, read_only=True) as store:
        assert store.is_read_only


def test_a_second_window_of_the_same_process_is_kept_out_too(folder):
    with ProjectStore.open(folder), pytest.raises(ProjectLockedError, match="another window"):
        ProjectStore.open(folder)

    ProjectStore.open(folder).close()


def test_the_lock_of_a_killed_process_is_taken_over_without_a_question(folder, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert json.loads((folder / LOCK_NAME).read_text())["pid"] == holder.pid

    with ProjectStore.open(folder):
        assert json.loads((folder / LOCK_NAME).read_text())["pid"] == os.getpid()


def test_a_lock_of_another_computer_is_respected_and_the_way_out_named(folder):
    write_lock(folder, host="other-host")

    with pytest.raises(ProjectLockedError) as raised:
        ProjectStore.open(folder)

    assert str(raised.value) == (
        "The project a.clser-project is open on the computer other-host since 2026-01-02 03:04"
        " UTC; close it there or open it read-only here, and if that computer no longer has it"
        f" open, delete {folder / LOCK_NAME}."
    )
    (folder / LOCK_NAME).unlink()
    ProjectStore.open(folder).close()


def test_a_lock_whose_text_is_gone_still_keeps_others_out(folder, holder):
    (folder / LOCK_NAME).write_text("")

    with pytest.raises(ProjectLockedError) as raised:
        ProjectStore.open(folder)

    assert str(raised.value) == (
        "The project a.clser-project is open in another window; use that window or open it"
        " read-only."
    )


class WithoutSystemLocks:
    """A file system that has no locks, as some network shares."""

    def __init__(self, monkeypatch):
        monkeypatch.setattr(project_lock, "_lock_file", lambda fd: None)


def test_without_system_locks_a_running_process_counts(folder, monkeypatch):
    WithoutSystemLocks(monkeypatch)
    write_lock(folder)

    with pytest.raises(ProjectLockedError, match=f"process {os.getpid()} on"):
        ProjectStore.open(folder)


def test_without_system_locks_a_process_that_got_the_same_id_later_does_not_count(
    folder, monkeypatch
):
    WithoutSystemLocks(monkeypatch)
    write_lock(folder, process="another boot:1")

    ProjectStore.open(folder).close()


def test_without_system_locks_a_dead_process_does_not_count(folder, monkeypatch):
    WithoutSystemLocks(monkeypatch)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    write_lock(folder, pid=child.pid, process=process_identity(child.pid))
    child.communicate()

    ProjectStore.open(folder).close()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x"}'])
def test_a_lock_cut_short_by_a_crash_is_taken_over(folder, text):
    (folder / LOCK_NAME).write_text(text)

    ProjectStore.open(folder).close()


def test_a_zombie_and_a_missing_process_have_no_identity():
    child = subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.DEVNULL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert process_identity(child.pid) is None
    child.wait()
    assert process_identity(child.pid) is None


def test_releasing_leaves_an_empty_lock_and_can_be_repeated(folder):
    with ProjectLock(folder) as lock:
        pass
    lock.release()

    assert (folder / LOCK_NAME).read_text() == ""


def test_a_failure_while_opening_gives_the_lock_free(folder):
    database = folder / "project.sqlite"
    good = database.read_bytes()
    database.write_bytes(b"nonsense" * 1000)
    with pytest.raises(Exception, match="damaged"):
        ProjectStore.open(folder)

    database.write_bytes(good)
    ProjectStore.open(folder).close()


def test_where_there_is_no_proc_the_start_time_tells_processes_apart(monkeypatch):
    monkeypatch.setattr(project_lock.sys, "platform", "darwin")
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    assert float(process_identity(child.pid)) >= float(process_identity(os.getpid()))
    child.communicate()
    assert process_identity(child.pid) is None
