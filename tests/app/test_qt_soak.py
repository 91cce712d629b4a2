"""The pinned PySide6 on this Python survives many calls: 6.12.0 on 3.11 loses `None` and aborts.

Run in a process of its own, because the failure it looks for kills the interpreter.
See resources/docs/decisions/0002-pyside6-is-pinned.md.
"""

import json
import subprocess
import sys

CALLS = 200_000
SIGNALS = 10_000
DRIFT = 50  # references that Python itself may take or drop meanwhile
GROWTH_BYTES = 4 * 1024 * 1024

SOAK = """
import gc, json, sys
import psutil
from PySide6.QtCore import QObject, Qt, QCoreApplication, Signal, Slot
from PySide6.QtGui import QPainterPath, QPolygonF
from PySide6.QtWidgets import QApplication, QLabel

class Sender(QObject):
    sent = Signal(int, str, object)

class Receiver(QObject):
    received = 0

    @Slot(int, str, object)
    def take(self, number, text, thing):
        self.received += 1

application = QApplication([])
path, polygon, label = QPainterPath(), QPolygonF(), QLabel()
sender, receiver = Sender(), Receiver()
sender.sent.connect(receiver.take)
sender.sent.connect(receiver.take, Qt.ConnectionType.QueuedConnection)

def call(times):
    for _ in range(times // 8):
        path.moveTo(0.0, 1.0)
        path.reserve(4)
        path.clear()
        polygon.resize(2)
        label.setEnabled(True)
        label.setToolTip("anger")
        label.update()
        label.isEnabled()

def send(times):
    for number in range(times // 2):
        sender.sent.emit(number, "anger", None)
        sender.sent.emit(number, "anger", True)
        if number % 100 == 0:
            QCoreApplication.sendPostedEvents()
    QCoreApplication.sendPostedEvents()

def measure():
    gc.collect()
    return {
        "none": sys.getrefcount(None),
        "true": sys.getrefcount(True),
        "bytes": psutil.Process().memory_info().rss,
    }

calls, signals = map(int, sys.argv[1:])
call(calls // 10), send(signals // 10)  # fill the caches of both sides first
warm, received = measure(), receiver.received
call(calls)
called = measure()
send(signals)
print(json.dumps([warm, called, measure(), receiver.received - received]))
"""


def test_many_calls_and_signals_leave_no_trace(record_property):
    finished = subprocess.run(
        [sys.executable, "-c", SOAK, str(CALLS), str(SIGNALS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    assert finished.returncode == 0, finished.stderr[-2000:]
    warm, called, sent, received = json.loads(finished.stdout)
    record_property("soak", {"warm": warm, "called": called, "sent": sent})
    assert received == 2 * SIGNALS, "one direct and one queued delivery of each"
    for after in (called, sent):
        assert abs(after["none"] - warm["none"]) <= DRIFT
        assert abs(after["true"] - warm["true"]) <= DRIFT
        assert after["bytes"] - warm["bytes"] <= GROWTH_BYTES
