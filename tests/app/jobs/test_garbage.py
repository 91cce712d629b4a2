"""Tests of app.jobs.garbage."""

import gc
import threading
import weakref

import pytest
from PySide6.QtCore import QObject

from app.jobs.garbage import GarbageCollector


@pytest.fixture
def collector(qapp):
    collector = GarbageCollector()
    yield collector
    collector.stop()


class Ring(QObject):
    """An object that only the cyclic collector can free."""

    def __init__(self):
        super().__init__()
        self.me = self


def allocate_much():
    return [[] for _ in range(200_000)]  # far above every threshold of the collector


def test_a_worker_that_allocates_much_frees_no_object_of_qt(collector):
    ring = weakref.ref(Ring())
    worker = threading.Thread(target=allocate_much)

    worker.start()
    worker.join()

    assert ring() is not None


def test_the_gui_thread_frees_it_soon(collector, qtbot):
    ring = weakref.ref(Ring())
    kept = allocate_much()

    qtbot.waitUntil(lambda: ring() is None, timeout=5000)

    assert kept


def test_stopping_gives_collecting_back_to_python(qapp):
    collector = GarbageCollector()
    assert not gc.isenabled()

    collector.stop()

    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
