"""The answers as buttons, what they are about, and what the model suggests."""

from collections.abc import Iterable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.domain.clips import Guess
from app.domain.time_span import TimeSpan
from app.models.words import answer_in_words, guess_in_words, percent_in_words
from app.widgets.elided_label import ElidedLabel
from app.widgets.emotion_swatch import SWATCH_PX, AnswerIcons
from app.widgets.flow_layout import FlowLayout
from clser_engine.labels import NONE_OF_THESE, UNSURE, Emotion

SPACE_PX = 8
NOT_KNOWN = "The model doesn't know this one."
CHOOSE = "Choose an answer yourself, for example X for none of these."


class LabelBar(QWidget):
    """Asks one question about the clip or the stretch and shows the answers with their keys.

    Signals:
        answer_requested: The answer whose button was pressed.
        accept_requested: The person takes the suggestion.
    """

    answer_requested = Signal(str)
    accept_requested = Signal()

    def __init__(self, icons: AnswerIcons, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icons = icons
        self._buttons: dict[str, QPushButton] = {}
        self._why_not = ""

        self._target = QLabel(self)
        self._target.setAccessibleName("What an answer is about")
        self._suggestion = ElidedLabel(self)
        self._suggestion.setAccessibleName("Suggestion of the model")
        self._accept = QPushButton("Accept  ⏎", self)
        self._accept.setAccessibleName("Accept the suggestion, Enter")
        self._accept.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._accept.clicked.connect(self.accept_requested)

        top = QHBoxLayout()
        top.addWidget(self._target)
        top.addStretch(1)
        top.addWidget(self._suggestion)
        top.addWidget(self._accept)
        self._answers = QWidget(self)
        self._flow = FlowLayout(self._answers)
        self._flow.setContentsMargins(0, 0, 0, 0)
        self._flow.setSpacing(SPACE_PX)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_PX, SPACE_PX // 2, SPACE_PX, SPACE_PX)
        layout.addLayout(top)
        layout.addWidget(self._answers)
        self.set_target(None)
        self.set_suggestion(None, "")

    @property
    def button_texts(self) -> tuple[str, ...]:
        """What the buttons say."""
        return tuple(button.text() for button in self._buttons.values())

    @property
    def suggestion_text(self) -> str:
        """What the bar says of the model's suggestion."""
        return self._suggestion.text()

    @property
    def target_text(self) -> str:
        """What the bar says an answer is about."""
        return self._target.text()

    def set_emotions(self, emotions: Iterable[Emotion]) -> None:
        """Show one button for each emotion, and the two answers that are not emotions."""
        for button in self._buttons.values():
            self._flow.removeWidget(button)
            button.hide()  # else the layout would still show it, as a window of its own
            button.setParent(None)
            button.deleteLater()
        self._buttons = {}
        for emotion in emotions:
            self._add_button(emotion.name, emotion.name.capitalize(), emotion.key)
        self._add_button(NONE_OF_THESE, "None of these", "X")
        self._add_button(UNSURE, "Unsure", "U")
        self.allow(self._why_not)

    def set_target(self, span: TimeSpan | None) -> None:
        """Say whether an answer is about the whole clip or the selected stretch."""
        if span is None:
            self._target.setText("Label the <b>whole clip</b>")
        else:
            self._target.setText(f"Label the <b>selection {span.duration_s:.2f} s</b>")

    def set_answer(self, answer: str) -> None:
        """Mark the answer that the target has; empty for none."""
        for name, button in self._buttons.items():
            button.setChecked(name == answer)

    def set_suggestion(self, guess: Guess | None, text: str) -> None:
        """Show what the model suggests, or a text that says why nothing is shown."""
        if guess is None:
            self._suggestion.show_text(text)
        elif not guess.is_known:
            self._suggestion.show_text(NOT_KNOWN)  # why would be cut off on a usual window
            self._suggestion.setToolTip(f"{guess.notice} {CHOOSE}".lstrip())
        else:
            emotion = answer_in_words(guess.emotion)
            confidence = percent_in_words(guess.confidence)
            self._suggestion.show_text(
                f"Suggestion: <i>{emotion}</i>, confidence {confidence}", Qt.TextFormat.RichText
            )
            self._suggestion.setToolTip(guess_in_words(guess))

    def allow_accept(self, why_not: str) -> None:
        """Enable the button that takes the suggestion, or say why it is off."""
        self._accept.setEnabled(not why_not)
        self._accept.setToolTip(why_not or "Label the clip as the model suggests")

    def allow(self, why_not: str) -> None:
        """Enable the answers, or say why they are off."""
        self._why_not = why_not
        for button in self._buttons.values():
            button.setEnabled(not why_not)
            button.setToolTip(why_not or button.accessibleName())

    def _add_button(self, answer: str, text: str, key: str) -> None:
        button = QPushButton(f"{key}  {text}" if key else text, self._answers)
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys where they were
        button.setAccessibleName(f"{text}, key {key}" if key else text)
        icon = self._icons.icon(answer)
        if icon is not None:
            button.setIcon(icon)
            button.setIconSize(QSize(SWATCH_PX, SWATCH_PX))
        button.clicked.connect(lambda _checked: self.answer_requested.emit(answer))
        self._buttons[answer] = button
        self._flow.addWidget(button)
