"""Long work at the bottom of the window: how far, how long still, and Cancel."""

import time
from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QToolButton, QWidget

from app.models.words import length_in_words

SPACE_PX = 8
BAR_WIDTH_PX = 160
SETTLING_S = 1.0  # an estimate from less than that is noise


class TimeLeft:
    """Estimates the time that work still needs from its mean speed so far.

    Args:
        clock: Gives seconds; tests pass their own.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started_s = clock()
        self._first_done = 0.0

    def restart(self, done: float = 0.0) -> None:
        """Begin to measure other work."""
        self._started_s = self._clock()
        self._first_done = done

    def seconds(self, done: float, total: float) -> float | None:
        """Return the seconds left, or None while they cannot be told."""
        elapsed_s = self._clock() - self._started_s
        gained = done - self._first_done
        if elapsed_s < SETTLING_S or gained <= 0 or total <= 0:
            return None
        return (total - done) * elapsed_s / gained


class ProgressStrip(QWidget):
    """Shows one piece of long work.

    Signals:
        cancel_requested: The person wants the work to stop.
    """

    cancel_requested = Signal()

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._left = TimeLeft(clock)
        self._work = ""
        self._text = QLabel(self)
        self._text.setAccessibleName("Work that is running")
        self._bar = QProgressBar(self)
        self._bar.setFixedWidth(BAR_WIDTH_PX)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress of the work")
        self._cancel = QToolButton(self)
        self._cancel.setText("Cancel")
        self._cancel.setAccessibleName("Cancel the work")
        self._cancel.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._cancel.clicked.connect(self.cancel_requested)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_PX)
        layout.addWidget(self._bar)
        layout.addWidget(self._text)
        layout.addWidget(self._cancel)
        self.hide()

    @property
    def text(self) -> str:
        """The words on screen, empty when nothing runs."""
        return "" if self.isHidden() else self._text.text()

    def show_work(self, work: str, done: float, total: float) -> None:
        """Show how far a piece of work is; total 0 while unknown, 1 for a share."""
        if work != self._work:
            self._work = work
            self._left.restart(done)
        left_s = self._left.seconds(done, total)
        words = [work]
        if total:
            words.append(f"{done:.0%}" if total == 1.0 else f"{done:,.0f} / {total:,.0f}")
            # Qt would paint at once, and with the bar all that waits to be painted in the window.
            self._bar.setUpdatesEnabled(False)
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(1000 * min(done / total, 1.0)))
            self._bar.setUpdatesEnabled(True)
        else:
            self._bar.setRange(0, 0)
        if left_s is not None:
            words.append(f"{length_in_words(max(left_s, 1.0))} left")
        self._text.setText("   ".join(words))
        self.show()

    def end_work(self) -> None:
        """Nothing runs any more."""
        self._work = ""
        self.hide()
