"""Tests of app.widgets: they show what they are given, in silence, and ask for the rest."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QColor
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QMenu, QSlider, QToolButton

from app.domain.clips import Guess
from app.domain.time_span import TimeSpan
from app.models.clip_table import Column
from app.widgets.clip_list import LETTER_WIDTH_PX, column_widths, fit_answer
from app.widgets.emotion_swatch import AnswerIcons, contrast, text_colour_on
from app.widgets.label_bar import LabelBar
from app.widgets.message_bar import MessageBar
from app.widgets.progress_strip import ProgressStrip, TimeLeft
from app.widgets.statistics_line import StatisticsLine
from app.widgets.transport_bar import SPEEDS, TransportBar
from clser_engine.labels import USUAL_EMOTIONS


@pytest.fixture
def label_bar(qtbot):
    icons = AnswerIcons()
    icons.set_emotions(USUAL_EMOTIONS)
    bar = LabelBar(icons)
    bar.set_emotions(USUAL_EMOTIONS)
    qtbot.addWidget(bar)
    return bar


@pytest.fixture
def transport(qtbot):
    play, loop = QAction("Play"), QAction("Loop", checkable=True)
    bar = TransportBar(play, loop)
    bar.actions_of_test = (play, loop)
    qtbot.addWidget(bar)
    return bar


@pytest.mark.parametrize("emotion", USUAL_EMOTIONS, ids=lambda emotion: emotion.name)
def test_letters_can_be_read_on_every_colour(emotion):
    colour = QColor(emotion.colour)

    assert contrast(text_colour_on(colour), colour) >= 4.5


def test_contrast_is_that_of_the_guidelines():
    assert contrast(QColor("black"), QColor("white")) == pytest.approx(21.0)
    assert contrast(QColor("#777777"), QColor("white")) == pytest.approx(4.48, abs=0.01)


def test_every_answer_has_a_button_with_its_key(label_bar):
    assert label_bar.button_texts == (
        *("1  Anger", "2  Happiness", "3  Sadness", "4  Neutral", "5  Fear", "6  Disgust"),
        *("7  Surprise", "X  None of these", "U  Unsure"),
    )


def test_the_bar_says_what_an_answer_is_about(label_bar):
    assert "whole clip" in label_bar.target_text

    label_bar.set_target(TimeSpan(1.0, 1.82))

    assert "selection 0.82 s" in label_bar.target_text


def test_showing_an_answer_asks_for_nothing(qtbot, label_bar):
    with qtbot.assertNotEmitted(label_bar.answer_requested):
        label_bar.set_answer("sadness")
        label_bar.set_answer("")


def test_a_suggestion_is_called_one_and_has_its_confidence(label_bar):
    guess = Guess(clip_id="a", emotion="fear", confidence=0.41, model="m", statistics="none")

    label_bar.set_suggestion(guess, "")
    assert label_bar.suggestion_text == "Suggestion: <i>fear</i>, confidence 41 %"
    label_bar.set_suggestion(None, "No suggestion yet.")

    assert label_bar.suggestion_text == "No suggestion yet."


@pytest.fixture
def statistics_line(qtbot):
    line = StatisticsLine(QMenu())
    qtbot.addWidget(line)
    line.resize(300, 60)
    line.show()
    return line


def test_what_suggestions_rest_on_is_one_quiet_line(statistics_line):
    assert statistics_line.text == "Suggestions: no clip has been analysed yet"
    assert statistics_line.remark == ""

    statistics_line.show_statistics("adapted to 34 clips of this project", (), "", is_busy=False)

    assert statistics_line.text == "Suggestions: adapted to 34 clips of this project"
    assert statistics_line.remark == ""


def test_what_there_is_to_know_of_suggestions_stands_below(statistics_line):
    statistics_line.show_statistics(
        "adapted to 3 speakers",
        ("Speaker 03 shows one emotion.", "Speaker 08 has 2 clips."),
        "5 of 34 suggestions changed.",
        is_busy=False,
    )

    assert statistics_line.remark == (
        "5 of 34 suggestions changed.\n⚠ Speaker 03 shows one emotion.\n⚠ Speaker 08 has 2 clips."
    )

    statistics_line.show_statistics("adapted to 3 speakers", (), "", is_busy=True)
    assert statistics_line.text == "Suggestions: comparing clips…"
    assert statistics_line.remark == ""


def test_a_model_that_does_not_know_suggests_no_emotion(label_bar):
    guess = Guess(
        clip_id="a",
        emotion="fear",
        confidence=0.97,
        model="m",
        statistics="none",
        is_known=False,
        notice="It is unlike anything that the model was trained on.",
    )

    label_bar.set_suggestion(guess, "")

    assert label_bar.suggestion_text == "The model doesn't know this one."
    [tip] = [
        label.toolTip()
        for label in label_bar.findChildren(QLabel)
        if label.text() == label_bar.suggestion_text
    ]
    assert tip == (
        "It is unlike anything that the model was trained on."
        " Choose an answer yourself, for example X for none of these."
    )


def test_a_message_stays_until_it_is_dismissed(qtbot):
    bar = MessageBar()
    qtbot.addWidget(bar)
    assert bar.text == ""

    bar.show_error("The disk is full; free some space.", "trace")
    assert bar.text == "The disk is full; free some space."
    bar.dismiss()

    assert bar.text == ""


def test_a_way_out_belongs_to_its_message_alone(qtbot):
    bar = MessageBar()
    qtbot.addWidget(bar)
    bar.show()
    taken = []
    bar.show_error("It is locked; open it read-only.")
    bar.offer("Open read-only", "Look at it.", lambda: taken.append("first"))
    button = next(b for b in bar.findChildren(QToolButton) if b.text() == "Open read-only")
    assert button.isVisible()
    assert button.accessibleName() == "Open read-only"

    bar.show_hint("Added 3 recordings.")
    assert not button.isVisible()

    bar.show_error("It is locked; open it read-only.")
    bar.offer("Open read-only", "Look at it.", lambda: taken.append("second"))
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert taken == ["second"]
    assert bar.text == ""


def test_time_left_follows_from_the_speed_so_far():
    now = [0.0]
    left = TimeLeft(lambda: now[0])
    assert left.seconds(0, 100) is None
    now[0] = 10.0

    assert left.seconds(25, 100) == pytest.approx(30.0)


def test_work_that_goes_on_after_other_work_is_measured_from_its_own_start():
    now = [0.0]
    left = TimeLeft(lambda: now[0])
    now[0] = 100.0
    left.restart(done=50)
    now[0] = 110.0

    assert left.seconds(60, 100) == pytest.approx(40.0)


def test_progress_says_what_how_many_and_how_long(qtbot):
    now = [0.0]
    strip = ProgressStrip(lambda: now[0])
    qtbot.addWidget(strip)
    strip.show_work("Analysing", 0, 1204)
    now[0] = 68.0
    strip.show_work("Analysing", 412, 1204)

    assert strip.text == "Analysing   412 / 1,204   2:11 left"
    strip.end_work()
    assert strip.text == ""


def test_progress_without_a_known_end_has_no_numbers(qtbot):
    strip = ProgressStrip()
    qtbot.addWidget(strip)

    strip.show_work("Finding recordings", 12, 0)

    assert strip.text == "Finding recordings"


def test_showing_how_it_plays_asks_for_nothing(qtbot, transport):
    signals = (
        *(transport.speed_chosen, transport.gain_chosen),
        *(transport.channel_chosen, transport.device_chosen),
    )
    heard = []
    for signal in signals:
        signal.connect(heard.append)

    transport.set_speed(1.5)
    transport.set_gain(-6.0)
    transport.set_channels(8)
    transport.set_devices(("Speakers", "Headset"), "Headset")
    transport.set_time(1.0, 2.0)

    assert heard == []


def test_the_hand_asks_for_speed_gain_channel_and_device(qtbot, transport):
    transport.set_channels(2)
    transport.set_devices(("Speakers",), "")
    heard = []
    for signal in (
        *(transport.speed_chosen, transport.gain_chosen),
        *(transport.channel_chosen, transport.device_chosen),
    ):
        signal.connect(heard.append)
    boxes = {box.accessibleName(): box for box in transport.findChildren(QComboBox)}

    boxes["Speed, the pitch is kept"].setCurrentIndex(SPEEDS.index(1.5))
    transport.findChild(QSlider).setValue(-6)
    boxes["Channel to hear and see"].setCurrentIndex(2)
    boxes["Output device"].setCurrentIndex(1)

    assert heard == [1.5, -6.0, 1, "Speakers"]


@pytest.mark.parametrize(
    ("channels", "names"),
    [(1, ["Mix"]), (2, ["Mix", "Left", "Right"]), (4, ["Mix", "1", "2", "3", "4"])],
)
def test_channels_are_offered_by_name(transport, channels, names):
    transport.set_channels(channels)

    [box] = [b for b in transport.findChildren(QComboBox) if "Channel" in b.accessibleName()]
    assert [box.itemText(i) for i in range(box.count())] == names


def test_the_buttons_follow_their_actions(transport):
    play, loop = transport.actions_of_test
    play.setToolTip("Choose a clip first.")
    play.setEnabled(False)
    loop.setChecked(True)
    buttons = {b.accessibleName(): b for b in transport.findChildren(QAbstractButton)}

    assert not buttons["Play or pause, Space"].isEnabled()
    assert buttons["Play or pause, Space"].toolTip() == "Choose a clip first."
    assert buttons["Loop, R"].isChecked()


def test_a_long_reason_is_cut_and_shown_whole_as_a_tooltip(label_bar, qtbot):
    width = label_bar.minimumSizeHint().width()
    reason = f"/data/{'very/' * 60}a <b>name</b>.wav is empty (0 bytes); copy it again."

    label_bar.set_suggestion(None, reason)

    assert label_bar.minimumSizeHint().width() == width
    [label] = [label for label in label_bar.findChildren(QLabel) if label.toolTip() == reason]
    assert label.text() == reason
    label_bar.resize(width + 100, 120)
    with qtbot.waitExposed(label_bar):
        label_bar.show()
    assert label.geometry().right() <= label_bar.width()


def test_the_progress_of_one_piece_of_work_is_a_share(qtbot):
    strip = ProgressStrip()
    qtbot.addWidget(strip)

    strip.show_work("Analysing this clip", 0.414, 1.0)

    assert strip.text == "Analysing this clip   41%"


@pytest.mark.parametrize(
    ("room_px", "hidden"),
    [
        (900, set()),
        (498, set()),
        (497, {Column.SPEAKER}),
        (400, {Column.SPEAKER, Column.LANGUAGE}),
        (212, {Column.SPEAKER, Column.LANGUAGE}),
    ],
)
def test_a_narrow_list_gives_up_the_person_before_labels_and_suggestions(room_px, hidden):
    widths = column_widths(room_px)

    assert {column for column, width in widths.items() if not width} == hidden
    assert sum(widths.values()) <= room_px
    assert min(widths[Column.LABEL], widths[Column.GUESS]) >= LETTER_WIDTH_PX


@pytest.mark.parametrize(
    ("text", "room_px", "shown"),
    [
        ("happiness 71 %", 14, "happiness 71 %"),
        ("happiness 71 %", 13, "71 %"),
        ("happiness 71 %", 3, ""),
        ("stage fright 71 %", 6, "71 %"),
        ("happiness", 8, ""),
        ("don't know", 10, "don't know"),
        ("don't know", 9, ""),
    ],
)
def test_an_answer_without_room_keeps_its_confidence_and_no_half_word(text, room_px, shown):
    assert fit_answer(text, room_px, len) == shown


def test_in_a_wide_list_names_of_clips_and_speakers_have_more_room():
    usual, wide = column_widths(502), column_widths(720)

    assert wide[Column.SPEAKER] > usual[Column.SPEAKER]
    assert 720 - sum(wide.values()) > 100  # what is left goes to the name
    assert wide[Column.GUESS] == usual[Column.GUESS]
