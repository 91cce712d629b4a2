"""Tests of app.dialogs: what is typed comes back, and what cannot be used is said."""

from dataclasses import replace
from itertools import pairwise

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QTableWidget,
    QTextBrowser,
)

from app.dialogs.about_dialog import about_as_html
from app.dialogs.clip_fields_dialog import VARIOUS, ClipFields, ClipFieldsDialog
from app.dialogs.emotions_dialog import COLOUR, KEY, LETTER, NAME, EmotionsDialog
from app.dialogs.keys_dialog import keys_as_html
from app.dialogs.models_dialog import ModelsDialog, card_as_html
from app.domain.speakers import SpeakerSource
from app.services.versions import Part
from clser_engine.client import InstalledModel
from clser_engine.labels import USUAL_EMOTIONS
from clser_engine.types import ModelId

FOUR = USUAL_EMOTIONS[:4]


@pytest.fixture
def emotions(qtbot):
    dialog = EmotionsDialog(FOUR, frozenset({"anger"}))
    qtbot.addWidget(dialog)
    return dialog


def press(dialog, name):
    [button] = [b for b in dialog.findChildren(QAbstractButton) if b.accessibleName() == name]
    button.click()
    return button


def is_ok(dialog):
    return dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok).isEnabled()


def table_of(dialog):
    return dialog.findChild(QTableWidget)


def test_the_set_comes_back_as_it_was(emotions):
    assert emotions.emotions() == FOUR
    assert emotions.problem() == ""
    assert is_ok(emotions)


def test_the_first_emotion_can_be_worked_on_at_once_and_it_is_said_how(emotions):
    assert table_of(emotions).currentRow() == 0
    assert [
        button.isEnabled()
        for button in emotions.findChildren(QPushButton)
        if button.accessibleName() in ("Move the emotion down", "Choose another colour")
    ] == [True, True]
    assert any("F2" in label.text() for label in emotions.findChildren(QLabel))


def test_a_new_emotion_has_its_own_letter_colour_and_key(emotions):
    press(emotions, "Add an emotion")

    assert emotions.emotions() == USUAL_EMOTIONS[:5]


def test_emotions_beyond_the_usual_ones_can_be_added(emotions):
    for _ in range(7):
        press(emotions, "Add an emotion")

    assert emotions.problem() == ""
    assert len({emotion.colour for emotion in emotions.emotions()}) == 11
    assert emotions.emotions()[-1].key == ""


@pytest.mark.parametrize(
    ("row", "column", "text", "problem"),
    [
        (1, LETTER, "a", "Two emotions have the letter 'A'; change one of them."),
        (1, KEY, "1", "Two emotions have the key '1'; change one of them."),
        (1, NAME, "anger", "Two emotions have the name 'anger'; change one of them."),
        (1, KEY, "0", "The key of happiness is '0'; give it a digit from 1 to 9."),
        (1, NAME, "unsure", "unsure is always there as an answer; choose another name."),
    ],
)
def test_what_cannot_be_used_is_said_before_ok(emotions, row, column, text, problem):
    table_of(emotions).item(row, column).setText(text)

    assert emotions.problem() == problem
    assert not is_ok(emotions)


def test_an_emotion_that_labels_carry_is_not_removed(emotions):
    table = table_of(emotions)
    table.setCurrentCell(0, NAME)

    button = press(emotions, "Remove the emotion")

    assert emotions.emotions() == FOUR
    assert button.toolTip() == "Labels carry this emotion, so it can be renamed, not removed."


def test_an_emotion_that_labels_carry_is_renamed_and_it_is_said_what_becomes_of_them(
    emotions, qtbot
):
    table = table_of(emotions)
    with qtbot.waitExposed(emotions):
        emotions.show()
    table.setCurrentCell(0, NAME)
    table.editItem(table.item(0, NAME))
    editor = table.findChild(QLineEdit)
    editor.selectAll()
    qtbot.keyClicks(editor, "Fury")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: table.item(0, NAME).text() == "Fury")
    press(emotions, "Move the emotion down")  # what it was called goes along
    table.item(0, NAME).setText("joy")

    assert [emotion.name for emotion in emotions.emotions()][:2] == ["joy", "fury"]
    assert emotions.renames() == {"anger": "fury", "happiness": "joy"}
    assert is_ok(emotions)
    [said] = [
        label.text()
        for label in emotions.findChildren(QLabel)
        if "labels" in label.accessibleName()
    ]
    assert said == "In labels anger becomes fury; what the model suggests keeps its own word."
    table.setCurrentCell(1, NAME)
    press(emotions, "Remove the emotion")
    assert "fury" in [emotion.name for emotion in emotions.emotions()]


def test_a_new_emotion_is_no_renamed_one(emotions):
    press(emotions, "Add an emotion")
    table_of(emotions).item(4, NAME).setText("calm")

    assert emotions.renames() == {}


def test_emotions_are_removed_and_moved(emotions):
    table = table_of(emotions)
    table.setCurrentCell(1, NAME)
    press(emotions, "Remove the emotion")
    table.setCurrentCell(2, NAME)
    press(emotions, "Move the emotion up")

    assert [emotion.name for emotion in emotions.emotions()] == ["anger", "neutral", "sadness"]
    assert table.item(0, COLOUR).text() == "#D55E00"


def test_fields_that_differ_stay_unless_something_is_typed(qtbot):
    dialog = ClipFieldsDialog(ClipFields(language="de", speaker=None), ("/a.wav",) * 12)
    qtbot.addWidget(dialog)
    assert dialog.fields() == ClipFields(language="de", speaker=None)
    assert dialog._speaker.placeholderText() == VARIOUS

    dialog._speaker.setText(" s07 ")
    dialog._language.setText("")

    assert dialog.fields() == ClipFields(language="", speaker="s07")


def test_names_of_folders_and_files_can_tell_who_speaks(qtbot):
    paths = ("/talk/ann/day1/x_1.wav", "/talk/ben/day1/x_2.wav", "/talk/ben/day2/plain.wav")
    dialog = ClipFieldsDialog(ClipFields(language="de", speaker=None), paths)
    qtbot.addWidget(dialog)
    [box] = dialog.findChildren(QComboBox)
    assert dialog._found.text() == ""

    for presses, words in ((1, "2 speakers: day1, day2"), (1, "2 speakers: ann, ben")):
        for _ in range(presses):
            qtbot.keyClick(box, Qt.Key.Key_Down)
        assert dialog._found.text() == words
        assert not dialog._speaker.isEnabled()

    assert dialog.fields().speaker_source == SpeakerSource.FOLDER_ABOVE
    qtbot.keyClick(box, Qt.Key.Key_Down)
    assert dialog._found.text() == "1 speaker: x"


MODELS = (
    InstalledModel(
        reference="default",
        model_id=ModelId(name="default", sha256="ab" * 32),
        summary="A <small> model.",
        classes=("anger", "neutral"),
        languages=("deu", "sw", "qqq"),
        corpora=("emodb",),
        licence="CC-BY-NC-SA-4.0",
        protocol="each corpus held out in turn; percent",
        figures={
            "one_file_uar": 46.9,
            "project_uar": 58.57,
            "frames_uar": 46.3,
            "frames_temperature": 1.1,
            "project_ece_before": 9.9,
            "project_ece_after": 2.98,
            "known_speech": 99.6,
            "known_speech_of_worst_emotion": 95.8,
            "known_damaged_speech": 100.0,
            "known_noises": 0.3,
        },
    ),
    InstalledModel(
        reference="/m/mine.clser-model", model_id=ModelId(name="mine", sha256="cd" * 32)
    ),
    InstalledModel(
        reference="broken", model_id=ModelId(name="broken", sha256=""), problem="It is no model."
    ),
)


def test_a_card_is_told_in_words():
    html = card_as_html(MODELS[0])

    for words in (
        "A &lt;small&gt; model.",
        "anger, neutral",
        "German, Swahili, qqq",
        "CC-BY-NC-SA-4.0 (not for commercial use)",
        "guessing gets 50&nbsp;%",
        "Measured so: each corpus held out in turn.",
    ):
        assert words in html
    assert "It cannot be used: It is no model." in card_as_html(MODELS[2])
    assert "How much it recognises" not in card_as_html(MODELS[1])


def test_a_card_tells_its_figures_in_words_and_no_name_of_theirs(qtbot):
    dialog = ModelsDialog(MODELS, "default")
    qtbot.addWidget(dialog)

    lines = dialog.findChild(QTextBrowser).toPlainText().replace("\xa0", " ").splitlines()

    for first, second in (
        ("Each recording by itself:  ", "47 %"),
        ("Relative to the other clips of a project:  ", "59 %"),
        ("Moment by moment:  ", "46 %"),
        ("Relative to the other clips of a project:  ", "3 points"),
        ("Speech that gets an emotion:  ", "99 %"),
        ("The same for the emotion that it knows least:  ", "96 %"),
        ("The same for noisy, muffled or distant speech:  ", "100 %"),
        ("Noise and music that get one by mistake:  ", "1 %"),
    ):
        assert (first, second) in pairwise(lines)
    assert "_" not in "".join(lines)
    assert not any("speaker" in line for line in lines)  # what was not measured is left out


def test_figures_of_a_model_trained_here_are_told_too():
    trained = replace(MODELS[0], figures={"project_ece": 7.4, "frames_uar": 40.0})

    assert "7&nbsp;points" in card_as_html(trained)
    assert "When it says" not in card_as_html(trained)


def test_a_model_is_chosen_unless_it_is_in_use_or_broken(qtbot):
    dialog = ModelsDialog(MODELS, "default")
    qtbot.addWidget(dialog)
    models = dialog.findChild(QListWidget)
    use = next(b for b in dialog.findChildren(QPushButton) if "Use" in b.text())
    assert [models.item(row).text() for row in range(3)] == ["default (in use)", "mine", "broken"]
    assert not use.isEnabled()

    qtbot.keyClick(models, Qt.Key.Key_Down)
    assert use.isEnabled()
    qtbot.keyClick(models, Qt.Key.Key_Down)
    assert not use.isEnabled()
    assert use.toolTip() == "It is no model."
    qtbot.keyClick(models, Qt.Key.Key_Up)
    use.click()

    assert dialog.result() == ModelsDialog.USE
    assert dialog.reference == "/m/mine.clser-model"


def test_before_the_engine_has_said_no_model_can_be_chosen(qtbot):
    dialog = ModelsDialog((), "default")
    qtbot.addWidget(dialog)

    assert not any(b.isEnabled() for b in dialog.findChildren(QPushButton) if "Use" in b.text())
    text = dialog.findChild(QTextBrowser).toPlainText()
    assert text == "The engine has not said yet which models there are."


def test_keys_are_grouped_and_escaped():
    html = keys_as_html(
        [
            ("&File", ("Ctrl+N",), "New."),
            ("&View/&Theme", (), "No key."),
            ("&View", ("W", "+"), "Wide <b>."),
        ]
    )

    assert html.count("<h3>") == 2
    assert "No key" not in html
    assert "Wide &lt;b&gt;." in html
    assert "<b>W</b> &nbsp;or&nbsp; <b>+</b>" in html


def test_about_names_licences_and_says_what_is_measured():
    html = about_as_html("1.0", [Part(name="numpy", version="2", licence="BSD-3-Clause")])

    for words in ("CLSER Studio 1.0", "BSD-3-Clause", "CC BY-NC-SA 4.0", "Apache License 2.0"):
        assert words in html
    assert "Nothing leaves this computer" in html
