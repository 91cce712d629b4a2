"""Python's cyclic garbage is collected on the GUI thread alone.

The collector runs in whichever thread happens to allocate; if that is a worker and the garbage
holds a QObject, Qt's object is destroyed in the wrong thread, which can crash the process.
"""

import gc

from PySide6.QtCore import QObject, QTimer, Slot

INTERVAL_MS = 200  # a young generation fills in about that time while clips are added


class GarbageCollector(QObject):
    """Collects from a timer of the GUI thread what Python would collect anywhere.

    What exists when it starts (modules, mostly) is taken out of every later collection, so that a
    full one does not hold up drawing.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_enabled = gc.isenabled()
        gc.disable()
        gc.freeze()
        self._timer = QTimer(self, interval=INTERVAL_MS)
        self._timer.timeout.connect(self.collect_due)
        self._timer.start()

    @Slot()
    def collect_due(self) -> None:
        """Collect the oldest generation whose count is above Python's own threshold."""
        counts, thresholds = gc.get_count(), gc.get_threshold()
        for generation in (2, 1, 0):
            if counts[generation] > thresholds[generation]:
                gc.collect(generation)
                return

    def stop(self) -> None:
        """Leave collecting to Python again."""
        self._timer.stop()
        gc.unfreeze()
        if self._was_enabled:
            gc.enable()
