"""Posterior lanes, one per class, over a ribbon of the emotion.

A lane is filled up to the mean posterior of each pixel column, more opaque the surer the model is,
and faintly up to the maximum, so that a short outburst is seen when an hour is on screen. Where
nobody speaks lanes and ribbon are hatched: what a model says of noise is no emotion.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QBrush, QMouseEvent, QPainter
from PySide6.QtWidgets import QWidget

from app.services.posterior_pyramid import PosteriorPyramid
from app.services.ribbon import NO_SPEECH, Ribbon
from app.views.emotion_colours import colour_of, letter_of
from app.views.hatching import hatch
from app.views.pane_colours import mix, ramp, text_on
from app.views.plot_pixels import ByteArray, ColourTable, PlotPixels
from app.views.ruler_view import format_time
from app.views.time_axis import TimeAxis
from app.views.time_pane import GUTTER_PX, TimePane
from clser_engine.labels import Emotion
from clser_engine.types import FloatArray, Posteriors

LANE_MIN_PX = 15
CHIP_PX = 17
RIBBON_PX = 20
DESCRIPTION = "Strength of each emotion over time, and a ribbon of the strongest"
FAINTEST = 0.35  # opacity of a posterior near 0: the height shows it, the colour must be seen
MAXIMUM_OPACITY = 0.22
FIRST_STRENGTH = 2  # of a lane's levels: 0 is nothing, 1 the maximum
LETTER_ROOM_PX = 14  # a run of the ribbon as wide as this gets its letter
NO_SPEECH_WORDS = "no speech"
HELP = (
    "The lanes show how strongly the model hears each emotion moment by moment. The ribbon below"
    " shows what it hears in each phrase as a whole, compared with the other phrases; it is right"
    " more often, so the two may differ. Where lines are hatched, nobody speaks."
)
HELP_WITHOUT_PHRASES = (
    "The lanes show how strongly the model hears each emotion moment by moment, the ribbon below"
    " which one is the strongest."
)
MAX_PAUSES_TOLD = 3
NOTHING_YET = "Not analysed yet: analysing shows one lane per emotion here"


class PosteriorView(TimePane):
    """Frame posteriors; says in words what is missing where there are none."""

    def __init__(self, axis: TimeAxis, parent: QWidget | None = None) -> None:
        super().__init__(
            axis,
            "Posteriors",
            DESCRIPTION,
            parent,
        )
        self._pyramid: PosteriorPyramid | None = None
        self._ribbon: Ribbon | None = None
        self._emotions: tuple[Emotion, ...] = ()
        self._state = NOTHING_YET
        self.setMinimumHeight(4 * LANE_MIN_PX + RIBBON_PX)

    @property
    def pyramid(self) -> PosteriorPyramid | None:
        """What is shown."""
        return self._pyramid

    @property
    def ribbon(self) -> Ribbon | None:
        """Stretches of one emotion, None where the model cannot tell speech."""
        return self._ribbon

    def set_posteriors(self, posteriors: Posteriors | None, ribbon: Ribbon | None = None) -> None:
        """Show posteriors; None shows the state in words.

        Args:
            posteriors: Of the recording.
            ribbon: Its stretches of one emotion; without it the strongest of each moment is shown.
        """
        self._pyramid = None if posteriors is None else PosteriorPyramid(posteriors)
        self._ribbon = None if posteriors is None else ribbon
        self.setAccessibleDescription(f"{DESCRIPTION}{_pauses_in_words(self._ribbon)}")
        lanes = len(posteriors.classes) if posteriors else 4
        self.setMinimumHeight(lanes * LANE_MIN_PX + RIBBON_PX)
        self.redraw()

    def set_emotions(self, emotions: Sequence[Emotion]) -> None:
        """Take the colours and letters of the project's emotions."""
        self._emotions = tuple(emotions)
        self.redraw()

    def set_state(self, words: str) -> None:
        """Say why there is nothing yet, for example `analysing 40 %`; empty for the usual words."""
        self._state = words or NOTHING_YET
        if self._pyramid is None:
            self.redraw()

    def lane_edges(self, height: int) -> list[int]:
        """Return the y where each lane begins, then where the ribbon begins, for a height."""
        lanes = len(self._pyramid.posteriors.classes) if self._pyramid else 4
        ribbon_top = round(height * (1 - RIBBON_PX / max(self.height(), 1)))
        return [ribbon_top * lane // lanes for lane in range(lanes + 1)]

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        is_name = event.position().x() < GUTTER_PX and self._pyramid is not None
        words = HELP_WITHOUT_PHRASES if self._ribbon is None else HELP
        self.setToolTip(f"<p>{words}</p>" if is_name else "")  # the plot stays in sight

    def paint_plot(self, plot: PlotPixels) -> None:
        if self._pyramid is None or self.axis.span_s <= 0.0:
            super().paint_plot(plot)
            return
        height, width = plot.height, plot.width
        means, maxima, known = self._pyramid.pool(self.axis.start_s, self.axis.end_s, width)
        edges = self.lane_edges(height)
        classes = self._pyramid.posteriors.classes
        for lane, name in enumerate(classes):
            levels = lane_levels(edges[lane + 1] - edges[lane], means[:, lane], maxima[:, lane])
            plot.draw(levels, self._lane_table(name), top=edges[lane])
            plot.pixels[edges[lane + 1] - 1] = self.colours.faint.rgb()
        tints = np.array([colour_of(name, self._emotions).rgb() for name in classes], np.uint32)
        codes = self._codes(means, width)
        plot.pixels[edges[-1] :] = tints[np.maximum(codes, 0)]
        hatch(plot.pixels, codes == NO_SPEECH, self.colours, self.devicePixelRatioF())
        plot.pixels[:, known:] = self.colours.unknown.rgb()

    def paint_over(self, painter: QPainter, plot: QRect) -> None:
        if self._pyramid is None:
            painter.fillRect(plot, QBrush(self.colours.unknown, Qt.BrushStyle.BDiagPattern))
            self._paint_words(painter, plot)
        elif self.axis.span_s > 0.0:
            self._paint_letters(painter, plot)

    def paint_gutter(self, painter: QPainter, gutter: QRect) -> None:
        if self._pyramid is None:
            super().paint_gutter(painter, gutter)
            return
        edges = self.lane_edges(self.height())
        for lane, name in enumerate(self._pyramid.posteriors.classes):
            box = QRect(6, edges[lane], gutter.width() - 12, edges[lane + 1] - edges[lane])
            side = min(CHIP_PX, box.height())
            chip = QRect(box.left(), box.center().y() - side // 2, side, side)
            colour = colour_of(name, self._emotions)
            painter.fillRect(chip, colour)
            painter.setPen(text_on(colour))
            painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, letter_of(name, self._emotions))
            painter.setPen(self.colours.text)
            room = box.adjusted(22, 0, 0, 0)
            words = painter.fontMetrics().elidedText(
                name.replace("_", " "), Qt.TextElideMode.ElideRight, room.width()
            )
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, words)
        ribbon = QRect(6, edges[-1], gutter.width() - 12, self.height() - edges[-1])
        words = self.tr("strongest") if self._ribbon is None else self.tr("by phrase")
        painter.drawText(ribbon, Qt.AlignmentFlag.AlignVCenter, words)

    def _codes(self, means: FloatArray, bins: int) -> NDArray[np.int64]:
        """Return (B,) the class that the ribbon shows in each column, or `NO_SPEECH`."""
        if self._ribbon is None:
            strongest: NDArray[np.int64] = means.argmax(axis=1)
            return strongest
        return self._ribbon.pool(self.axis.start_s, self.axis.end_s, bins)

    def _lane_table(self, name: str) -> ColourTable:
        """Return the colours of a lane's levels."""
        background, colour = self.colours.background, colour_of(name, self._emotions)
        return (
            background.rgb(),
            mix(background, colour, MAXIMUM_OPACITY).rgb(),
            *ramp(mix(background, colour, FAINTEST).rgb(), colour.rgb(), 256 - FIRST_STRENGTH),
        )

    def _paint_words(self, painter: QPainter, plot: QRect) -> None:
        metrics = painter.fontMetrics()
        words = metrics.elidedText(self._state, Qt.TextElideMode.ElideRight, plot.width() - 16)
        box = metrics.boundingRect(words).adjusted(-8, -4, 8, 4)
        box.moveCenter(plot.center())
        painter.fillRect(box, self.colours.background)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)

    def _paint_letters(self, painter: QPainter, plot: QRect) -> None:
        """Write the letter of each run of the ribbon that has room for it."""
        assert self._pyramid is not None
        means, _, known = self._pyramid.pool(self.axis.start_s, self.axis.end_s, plot.width())
        codes = self._codes(means, plot.width())[:known]
        borders = np.flatnonzero(np.diff(codes)) + 1
        starts = np.concatenate([[0], borders]).astype(int)
        stops = np.concatenate([borders, [known]]).astype(int)
        wide = stops - starts >= LETTER_ROOM_PX
        top = self.lane_edges(self.height())[-1]
        classes = self._pyramid.posteriors.classes
        metrics = painter.fontMetrics()
        baseline = top + (self.height() - top + metrics.ascent() - metrics.descent()) / 2
        letters = [letter_of(name, self._emotions) for name in classes]
        pens = [text_on(colour_of(name, self._emotions)) for name in classes]
        halves = [metrics.horizontalAdvance(letter) / 2 for letter in letters]
        middles = (starts + stops) / 2 + plot.left()
        for run in np.flatnonzero(wide).tolist():
            code, middle = int(codes[starts[run]]), float(middles[run])
            if code == NO_SPEECH:
                self._paint_no_speech(painter, middle, int(stops[run] - starts[run]), top)
                continue
            painter.setPen(pens[code])
            painter.drawText(QPointF(middle - halves[code], baseline), letters[code])

    def _paint_no_speech(self, painter: QPainter, middle: float, room: int, top: int) -> None:
        """Say in words over the hatching that nobody speaks, where there is room."""
        width = painter.fontMetrics().horizontalAdvance(NO_SPEECH_WORDS) + 12
        if room < width + 8:
            return
        box = QRect(round(middle - width / 2), top + 1, width, self.height() - top - 2)
        painter.fillRect(box, self.colours.background)
        painter.setPen(self.colours.text)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, NO_SPEECH_WORDS)


def _pauses_in_words(ribbon: Ribbon | None) -> str:
    """Return for a screen reader where nobody speaks, beginning with a full stop."""
    pauses = ribbon.pauses if ribbon is not None else ()
    if not pauses:
        return ""
    told = ", ".join(
        f"{format_time(pause.start_s)} to {format_time(pause.end_s)}"
        for pause in pauses[:MAX_PAUSES_TOLD]
    )
    more = len(pauses) - MAX_PAUSES_TOLD
    return f". Nobody speaks from {told}" + (f" and in {more} more stretches" if more > 0 else "")


def lane_levels(height: int, mean: FloatArray, maximum: FloatArray) -> ByteArray:
    """Return a lane's pixels (height, bins): 0 nothing, 1 up to the maximum, above that the mean.

    Args:
        height: Of the lane in pixels.
        mean: (bins,) 0 to 1.
        maximum: (bins,) 0 to 1, at least the mean.
    """
    rows = np.arange(height, dtype=np.int16)[:, None]
    mean_top = np.rint(height * (1 - mean)).astype(np.int16)
    maximum_top = np.rint(height * (1 - maximum)).astype(np.int16)
    strength = (FIRST_STRENGTH - 1 + np.rint(mean * (255 - FIRST_STRENGTH))).astype(np.uint8)
    levels = (rows >= mean_top).view(np.uint8) * strength
    levels += (rows >= maximum_top).view(np.uint8)
    return levels
