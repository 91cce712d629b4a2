"""Labels of the recording: its whole-clip label above, labelled stretches below."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRect, Qt, Signal, Slot
from PySide6.QtGui import QMouseEvent, QPainter
from PySide6.QtWidgets import QWidget

from app.domain.labels import Label
from app.domain.time_span import TimeSpan
from app.views.emotion_colours import colour_of, emotion_of, letter_of, words_of
from app.views.label_strip import NO_LABEL, LabelStrip
from app.views.pane_colours import PixelArray, text_on
from app.views.plot_pixels import PlotPixels
from app.views.time_axis import TimeAxis
from app.views.time_pane import GRAB_PX, TimePane
from clser_engine.labels import Emotion

ROW_PX = 24
MIN_TEXT_PX = 16  # a label narrower than this shows its colour alone; the pointer names it
HATCH_PX = 6


class LabelView(TimePane):
    """Labels as one strip; the selected and the hovered one alone are drawn as items.

    Signals:
        label_selected: Id of the label that the person chose, empty for none.
        label_moved: Id of a label and the `TimeSpan` that the person wants it to have.
    """

    label_selected = Signal(str)
    label_moved = Signal(str, object)

    def __init__(self, axis: TimeAxis, parent: QWidget | None = None) -> None:
        super().__init__(
            axis,
            "Labels",
            "Labelled stretches; click one to select it, drag its edges to change it, drag"
            " elsewhere to select a new stretch",
            parent,
        )
        self._emotions: tuple[Emotion, ...] = ()
        self._whole: tuple[Label, ...] = ()
        self._selected_id = ""
        self.setFixedHeight(2 * ROW_PX + 1)
        self.set_labels(())
        axis.edge_moved.connect(self._on_edge_moved)

    @property
    def strip(self) -> LabelStrip:
        """The stretches that are shown."""
        return self._strip

    def set_labels(self, labels: Sequence[Label]) -> None:
        """Show exactly these labels."""
        self._whole = tuple(label for label in labels if label.is_whole_clip)
        self._strip = LabelStrip(labels)
        if self._selected_id not in {label.label_id for label in labels}:
            self._selected_id = ""
        self._make_tables()
        self.redraw()
        selected = self._selected_label()
        if selected is not None and selected.span != self.axis.selection:  # it was moved back
            self.axis.set_selection(selected.span)
            self.axis.selection_finished.emit(selected.span)

    def set_emotions(self, emotions: Sequence[Emotion]) -> None:
        """Take the colours and letters of the project's emotions."""
        self._emotions = tuple(emotions)
        self._make_tables()
        self.redraw()

    def label_at(self, time_s: float) -> Label | None:
        """Return the labelled stretch that shows at a time."""
        index = self._strip.index_at(time_s)
        return None if index == NO_LABEL else self._strip.labels[index]

    @Slot(object)
    def follow_selection(self, span: TimeSpan | None) -> None:
        """Let go of the selected label once another stretch, or none, is selected."""
        label = self._selected_label()
        if label is None or label.span != span:
            self._select("")
        else:
            self.label_selected.emit(label.label_id)

    def clicked(self, time_s: float, position: QPointF) -> None:
        label = self.label_at(time_s) if position.y() >= ROW_PX else None
        if label is None:
            super().clicked(time_s, position)
            return
        self._choose(label)

    def has_edge_at(self, position: QPointF) -> bool:
        return super().has_edge_at(position) or self._edge_label_at(position) is not None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if event.button() == Qt.MouseButton.LeftButton and plain:
            label = self._edge_label_at(event.position())
            if label is not None:
                self._choose(label)  # the edges of its stretch are now what a drag takes hold of
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        label = self.label_at(self.time_at(event.position().x()))
        self.setToolTip(words_of(label.answer) if label else "")

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._make_tables()

    def paint_plot(self, plot: PlotPixels) -> None:
        super().paint_plot(plot)
        if self.axis.span_s <= 0.0:
            return
        height, width, pixels = plot.height, plot.width, plot.pixels
        indices = self._strip.indices(self.axis.start_s, self.axis.end_s, width)
        self._paint_row(pixels[height // 2 + 1 :], self._colour_table[indices], indices)
        if self._whole:
            answers = np.full(width, len(self._strip.labels) + 1)  # the whole-clip label's row
            self._paint_row(pixels[: height // 2 - 1], self._colour_table[answers], answers)

    def paint_over(self, painter: QPainter, plot: QRect) -> None:
        if self._whole:
            box = QRect(plot.left(), 0, plot.width(), ROW_PX - 1)
            self._paint_name(painter, box, self._whole[-1], self.tr("whole clip"))
        if self.axis.span_s <= 0.0:
            return
        if not self._whole and not self._strip.labels:
            words = self.tr("No labels yet: press a number key, or select a stretch first")
            fits = painter.fontMetrics().elidedText(
                words, Qt.TextElideMode.ElideRight, plot.width() - 12
            )
            painter.drawText(plot.adjusted(6, 0, -6, 0), Qt.AlignmentFlag.AlignVCenter, fits)
        indices = self._strip.indices(self.axis.start_s, self.axis.end_s, plot.width())
        borders = np.flatnonzero(np.diff(indices)) + 1
        starts = np.concatenate([[0], borders]).astype(int)
        stops = np.concatenate([borders, [len(indices)]]).astype(int)
        wide = (stops - starts >= MIN_TEXT_PX) & (indices[starts] != NO_LABEL)
        for run in np.flatnonzero(wide).tolist():
            left, right = int(starts[run]) + plot.left(), int(stops[run]) + plot.left()
            box = QRect(left, ROW_PX + 1, right - left, ROW_PX - 1)
            label = self._strip.labels[int(indices[starts[run]])]
            self._paint_name(painter, box, label)
            if label.label_id == self._selected_id:
                painter.setPen(self.colours.text)
                painter.drawRect(box.adjusted(0, 0, -1, -1))

    def _choose(self, label: Label) -> None:
        """Select a label: first its stretch, then the label, for a stretch alone names none."""
        self.axis.set_selection(label.span)
        self.axis.selection_finished.emit(self.axis.selection)
        self._select(label.label_id)

    def _edge_label_at(self, position: QPointF) -> Label | None:
        """Return the labelled stretch whose edge is under a position; the selected one first."""
        if position.y() < ROW_PX or self.axis.span_s <= 0.0:
            return None
        x = position.x()
        near = [self.label_at(self.time_at(x + step)) for step in (0, -GRAB_PX, GRAB_PX)]
        labels = [label for label in near if label is not None and self._has_edge(label, x)]
        selected = [label for label in labels if label.label_id == self._selected_id]
        return next(iter(selected + labels), None)

    def _has_edge(self, label: Label, x: float) -> bool:
        """Whether an edge of a label is at an x, and the label is wide enough to leave a middle."""
        if label.span is None:
            return False
        left, right = self.x_at(label.span.start_s), self.x_at(label.span.end_s)
        return right - left > 3 * GRAB_PX and min(abs(left - x), abs(right - x)) <= GRAB_PX

    def _selected_label(self) -> Label | None:
        labels = self._strip.labels
        return next((label for label in labels if label.label_id == self._selected_id), None)

    def _on_edge_moved(self, span: TimeSpan) -> None:
        """Ask for the selected label to follow; where that is refused, the edge goes back."""
        label = self._selected_label()
        if label is None or label.span == span:
            return
        self.label_moved.emit(label.label_id, span)
        stands = self._selected_label()
        if stands is not None and stands.span != span:
            self.axis.set_selection(stands.span)

    def _select(self, label_id: str) -> None:
        if label_id != self._selected_id:
            self._selected_id = label_id
            self.redraw()
            self.label_selected.emit(label_id)

    def _paint_name(self, painter: QPainter, box: QRect, label: Label, suffix: str = "") -> None:
        words = words_of(label.answer) + (f" ({suffix})" if suffix else "")
        metrics = painter.fontMetrics()
        if metrics.horizontalAdvance(words) + 8 > box.width():
            words = letter_of(label.answer, self._emotions)
        painter.setPen(text_on(colour_of(label.answer, self._emotions)))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)

    def _make_tables(self) -> None:
        """Prepare the colour and the hatching of each label, of the whole clip's, and of none."""
        background = self.colours.background.rgb()
        rows = [*self._strip.labels, *self._whole[-1:]]
        answers = {label.answer for label in rows}
        colours = {answer: colour_of(answer, self._emotions).rgb() for answer in answers}
        known = {answer: emotion_of(answer, self._emotions) is not None for answer in answers}
        # The last row stands for "no label" (index -1); the one before for the whole clip.
        table = [colours[label.answer] for label in self._strip.labels]
        hatched = [not known[label.answer] for label in self._strip.labels]
        whole = self._whole[-1].answer if self._whole else None
        table += [background, colours[whole] if whole else background, background]
        hatched += [False, bool(whole) and not known[whole or ""], False]
        self._colour_table = np.array(table, np.uint32)
        self._is_hatched = np.array(hatched, np.bool_)

    def _paint_row(
        self, pixels: PixelArray, colours: PixelArray, indices: NDArray[np.int64]
    ) -> None:
        """Fill a row with a colour per column; what is no emotion is hatched as well."""
        height, width = pixels.shape
        pixels[:] = colours
        hatched = self._is_hatched[indices]
        if hatched.any():
            diagonal = (np.arange(height)[:, None] + np.arange(width)) % HATCH_PX < 1
            pixels[diagonal & hatched] = self.colours.background.rgb()
        # A thin gap shows where one label ends and the next of the same answer begins.
        gaps = np.flatnonzero((np.diff(indices) != 0) & (indices[:-1] != NO_LABEL))
        if len(gaps) * 4 < width:  # zoomed far out every column is a border: no room for gaps
            pixels[:, gaps] = self.colours.background.rgb()
