"""The mark of an answer: its colour with its letter, so that colour is never alone."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPixmap

from app.models.words import DONT_KNOW
from clser_engine.labels import NONE_OF_THESE, UNSURE, Emotion

SWATCH_PX = 16
RADIUS_PX = 4
PIXEL_RATIO = 3  # drawn large once, so that it stays sharp at 200 %
SPECIAL_MARKS = {
    NONE_OF_THESE: ("X", "#5A5A5A"),
    UNSURE: ("?", "#5A5A5A"),
    DONT_KNOW: ("–", "#5A5A5A"),
}


def relative_luminance(colour: QColor) -> float:
    """Return the luminance of a colour, 0 to 1.

    Source: W3C, Web Content Accessibility Guidelines 2.1, "relative luminance".
    """
    channels = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: QColor, other: QColor) -> float:
    """Return the contrast of two colours, 1 to 21 (same source)."""
    dark, light = sorted((relative_luminance(one), relative_luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def text_colour_on(background: QColor) -> QColor:
    """Return black or white, whichever can be read better on a colour."""
    black, white = QColor("black"), QColor("white")
    return max((black, white), key=lambda text: contrast(text, background))


def mark_icon(letter: str, colour: str) -> QIcon:
    """Draw a rounded square of a colour with a letter in it."""
    background = QColor(colour)
    pixmap = QPixmap(SWATCH_PX * PIXEL_RATIO, SWATCH_PX * PIXEL_RATIO)
    pixmap.setDevicePixelRatio(PIXEL_RATIO)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(background)
    square = QRectF(0, 0, SWATCH_PX, SWATCH_PX)
    painter.drawRoundedRect(square, RADIUS_PX, RADIUS_PX)
    font = QFont()
    font.setPixelSize(SWATCH_PX - 5)
    font.setBold(True)
    painter.setFont(font)
    painter.setPen(text_colour_on(background))
    painter.drawText(square, Qt.AlignmentFlag.AlignCenter, letter)
    painter.end()
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)  # else the selection's colour is laid over it
    return icon


class AnswerIcons:
    """Marks of a project's answers, drawn once each."""

    def __init__(self) -> None:
        self._marks = dict(SPECIAL_MARKS)
        self._icons: dict[str, QIcon] = {}

    def set_emotions(self, emotions: tuple[Emotion, ...]) -> None:
        """Use the letters and colours of this emotion set."""
        self._marks = dict(SPECIAL_MARKS)
        self._marks |= {emotion.name: (emotion.letter, emotion.colour) for emotion in emotions}
        self._icons.clear()

    def icon(self, answer: str) -> QIcon | None:
        """Return the mark of an answer; None for one that the set does not hold."""
        if answer not in self._marks:
            return None
        if answer not in self._icons:
            self._icons[answer] = mark_icon(*self._marks[answer])
        return self._icons[answer]
