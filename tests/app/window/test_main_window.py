"""The window as a whole: names for screen readers, keys, themes, reports, and no network."""

import re
import socket
import subprocess
import sys

import pytest
from PySide6.QtCore import QEvent, QPoint, QSize, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QPalette, QScreen
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QScrollBar,
    QTextBrowser,
)

from app.application import Studio
from app.controllers.model_controller import ModelInUse
from app.dialogs.about_dialog import AboutDialog
from app.dialogs.clip_fields_dialog import ClipFields, ClipFieldsDialog
from app.dialogs.emotions_dialog import EmotionsDialog
from app.dialogs.keys_dialog import KeysDialog
from app.dialogs.models_dialog import ModelsDialog
from app.errors import Explanation
from app.models.clip_table import Column
from app.services.engine_process import EngineStatus
from app.services.settings import SettingsFile
from app.services.versions import parts
from app.views.pane_colours import contrast
from app.views.time_pane import TimePane
from app.window.display import WELCOME
from app.window.theme import set_theme
from clser_engine.labels import USUAL_EMOTIONS

Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier
CONTROLS = (
    QAbstractButton,
    QAbstractSlider,
    QAbstractItemView,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QTextBrowser,
    TimePane,
)


def is_built_in(control):
    """Whether Qt itself built it into a control of ours: a list's corner, a box's popup."""
    parent = control.parent()
    return (
        isinstance(control, QScrollBar)
        or control.objectName().startswith("qt_")
        or isinstance(parent, (QComboBox, QAbstractItemView, QLineEdit))
        or parent.inherits("QComboBoxPrivateContainer")
    )


def nameless(widget):
    """Controls that a screen reader could only call `button`."""
    return [
        f"{type(control).__name__} in {control.parent()}"
        for kind in CONTROLS
        for control in widget.findChildren(kind)
        if not is_built_in(control)
        and not control.accessibleName()
        and not (isinstance(control, QPushButton) and control.text())  # its words are its name
    ]


def test_every_control_has_a_name_for_a_screen_reader(opened):
    assert nameless(opened.window) == []
    assert len(opened.window.findChildren(QAbstractButton)) > 10


DIALOGS = pytest.mark.parametrize(
    "make",
    [
        lambda: EmotionsDialog(USUAL_EMOTIONS, frozenset()),
        lambda: ModelsDialog((), "default"),
        lambda: ClipFieldsDialog(ClipFields(language="", speaker=None), ("/a.wav", "/b.wav")),
        lambda: KeysDialog([("&File", ("Ctrl+N",), "New.")]),
        lambda: AboutDialog("1", parts()),
    ],
)


@DIALOGS
def test_every_control_of_a_dialog_has_a_name(qtbot, make):
    dialog = make()
    qtbot.addWidget(dialog)

    assert nameless(dialog) == []


@DIALOGS
def test_a_dialog_opens_within_a_small_screen(qtbot, monkeypatch, make):
    screen = QSize(480, 360)
    monkeypatch.setattr(QScreen, "availableSize", lambda _: screen)
    dialog = make()
    qtbot.addWidget(dialog)

    dialog.show()

    assert dialog.size().boundedTo(screen) == dialog.size()


def test_the_check_of_names_notices(opened):
    QLineEdit(opened.window)

    assert len(nameless(opened.window)) == 1


def test_every_action_has_help_and_no_key_is_used_twice(opened):
    rows = opened.window.actions_.rows()
    keys = [key for row in rows for key in row.keys]

    assert all(row.help.endswith(".") for row in rows)
    assert len(keys) == len(set(keys)), sorted(keys)
    assert all(opened.window.actions_[row.action_id].toolTip() for row in rows)


def test_every_action_of_the_table_does_something(opened):
    """No dead options: each action has somebody who listens."""
    signal = "2triggered(bool)"
    toggled = "2toggled(bool)"
    dead = [
        row.action_id
        for row in opened.window.actions_.rows()
        if not opened.window.actions_[row.action_id].receivers(signal)
        and not opened.window.actions_[row.action_id].receivers(toggled)
    ]

    assert dead == []


def test_actions_that_are_off_say_why(driver):
    off = [
        row
        for row in driver.window.actions_.rows()
        if not driver.window.actions_[row.action_id].isEnabled()
    ]

    assert {"undo", "accept", "export_labels", "play_pause"} <= {row.action_id for row in off}
    for row in off:
        reason = driver.window.actions_[row.action_id].toolTip()
        assert reason != row.help
        assert reason.endswith(".")


def test_f1_lists_every_key_of_the_table(opened):
    opened.key(Key.Key_F1)

    [dialog] = [
        w for w in QApplication.topLevelWidgets() if isinstance(w, KeysDialog) and w.isVisible()
    ]
    text = dialog.findChild(QTextBrowser).toPlainText()
    rows = [row for row in opened.window.actions_.rows() if row.keys]
    assert len(rows) > 40
    for row in rows:
        assert row.help in text
    assert text.index("as anger") < text.index("that the model suggests")
    dialog.close()


def test_a_digit_answers_by_its_place_on_a_french_keyboard(opened):
    first = opened.clip_id
    press = QKeyEvent(
        QEvent.Type.KeyPress, Key.Key_Ampersand, Qt.KeyboardModifier.NoModifier, 10, 0, 0, "&"
    )

    QApplication.sendEvent(opened.window.clip_list.table, press)

    [label] = opened.labels_on_disk
    assert (label.clip_id, label.answer) == (first, "anger")


def test_a_digit_by_its_place_is_text_in_a_text_field(opened):
    press = QKeyEvent(
        QEvent.Type.KeyPress, Key.Key_Ampersand, Qt.KeyboardModifier.NoModifier, 10, 0, 0, "&"
    )

    QApplication.sendEvent(opened.window.clip_list.text_filter, press)

    assert opened.labels_on_disk == ()
    assert opened.window.clip_list.text_filter.text() == "&"


def test_holding_a_key_down_labels_one_clip(opened):
    first = opened.clip_id
    opened.key(Key.Key_1)
    held = QKeyEvent(
        QEvent.Type.KeyPress, Key.Key_1, Qt.KeyboardModifier.NoModifier, 10, 0, 0, "1", True
    )

    QApplication.sendEvent(opened.window, held)

    assert [label.clip_id for label in opened.labels_on_disk] == [first]


def test_space_presses_a_button_that_has_the_focus(opened):
    button = opened.button("Sadness, key 3")
    button.setFocus(Qt.FocusReason.TabFocusReason)

    opened.key(Key.Key_Space, widget=button)

    assert [label.answer for label in opened.labels_on_disk] == ["sadness"]
    assert not opened.studio.playback.is_playing


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (EngineStatus(kind="starting"), "engine: starting"),
        (EngineStatus(kind="ready", device="CPU"), "engine: ready on CPU"),
        (EngineStatus(kind="busy", device="NVIDIA H200"), "engine: busy on NVIDIA H200"),
        (EngineStatus(kind="restarted", text="It was killed."), "engine: restarted"),
        (EngineStatus(kind="failed", text="It ended five times."), "engine: failed"),
    ],
)
def test_the_state_of_the_engine_is_said_in_words(driver, status, words):
    driver.studio.engine.state_changed.emit(status)

    texts = [re.sub("<[^>]+>", "", label.text()) for label in driver.window.findChildren(QLabel)]
    assert any(text.startswith(words) for text in texts)
    if status.kind == "failed":
        assert driver.window.message_bar.text == "It ended five times."
        assert driver.window.actions_["analyse_all"].toolTip()


def test_what_was_wished_for_and_not_met_is_said_once_and_stays_in_sight(driver):
    notice = "The engine runs on the CPU, not on the graphics card: There is none."
    for kind in ("starting", "ready", "busy", "ready"):
        driver.studio.engine.state_changed.emit(
            EngineStatus(kind=kind, device="CPU", notice=notice)
        )
        if kind == "starting":
            assert driver.window.message_bar.text == notice
            driver.window.message_bar.dismiss()

    assert driver.window.message_bar.isHidden()
    [label] = [
        label
        for label in driver.window.findChildren(QLabel)
        if label.accessibleName() == "State of the engine"
    ]
    assert label.accessibleDescription().startswith("ready on CPU, not on the graphics card. ")
    assert notice in label.toolTip()


def test_the_device_is_chosen_in_the_menu_and_kept(driver):
    actions = driver.window.actions_
    assert actions["device_auto"].isChecked()

    actions["device_cuda"].trigger()

    assert [actions[f"device_{name}"].isChecked() for name in ("auto", "cpu", "cuda")] == [
        False,
        False,
        True,
    ]
    assert SettingsFile().load().engine_device == "cuda"
    assert driver.studio.engine._engine.device == "cuda"


def test_the_model_in_use_is_shown(driver):
    driver.studio.models.changed.emit(ModelInUse(reference="default", model="default@" + "ab" * 32))

    assert "model: default" in [label.text() for label in driver.window.findChildren(QLabel)]


def test_an_unforeseen_error_is_one_sentence_with_details(driver, caplog):
    try:
        raise RuntimeError("surprise")
    except RuntimeError as error:
        driver.studio.report_unforeseen(error)
    caplog.clear()

    assert driver.window.message_bar.text.startswith("Something unforeseen went wrong")
    details = driver.window.findChild(QPlainTextEdit)
    assert not details.isVisible()
    driver.click(driver.button("Show details"))
    assert details.isVisible()
    assert "RuntimeError: surprise" in details.toPlainText()


def test_an_explanation_without_details_has_no_button_for_them(driver):
    driver.window.show_explanation(Explanation(sentence="The disk is full; free some space."))

    assert not driver.button("Show details").isVisible()


def is_dark_window(window):
    palette = window.palette()
    background = palette.color(QPalette.ColorRole.Window).lightnessF()
    return background < palette.color(QPalette.ColorRole.WindowText).lightnessF()


def test_themes_change_the_palette_and_are_kept(opened):
    for theme, is_dark in (("dark", True), ("light", False), ("dark", True), ("system", False)):
        opened.window.actions_[f"theme_{theme}"].trigger()
        opened.wait_until(lambda dark=is_dark: is_dark_window(opened.window) == dark)
        assert opened.studio.settings.settings.theme == theme
        checked = [
            name
            for name in ("system", "light", "dark")
            if opened.window.actions_[f"theme_{name}"].isChecked()
        ]
        assert checked == [theme]
    set_theme("system")


@pytest.mark.parametrize("theme", ["light", "dark", "system"])
def test_every_text_has_enough_contrast_also_where_it_is_off_or_selected(opened, theme):
    opened.window.actions_[f"theme_{theme}"].trigger()
    palette, role = QApplication.instance().palette(), QPalette.ColorRole
    group = QPalette.ColorGroup
    try:
        for one in (group.Active, group.Inactive, group.Disabled):
            for text, ground in (
                (role.WindowText, role.Window),
                (role.Text, role.Base),
                (role.Text, role.AlternateBase),
                (role.ButtonText, role.Button),
                (role.HighlightedText, role.Highlight),
                (role.PlaceholderText, role.Base),
                (role.Link, role.Base),
                (role.LinkVisited, role.Base),
            ):
                found = contrast(palette.color(one, text), palette.color(one, ground))
                assert found >= 4.5, (one.name, text.name)
        assert palette.color(group.Disabled, role.ButtonText) != palette.color(role.ButtonText)
    finally:
        set_theme("system")


def test_a_change_of_the_system_corrects_its_colours_and_leaves_a_chosen_theme(opened):
    hints, role = QGuiApplication.styleHints(), QPalette.ColorRole
    app = QApplication.instance()
    try:
        app.setPalette(QPalette())  # as the system gives it: white on a light blue row
        before = app.palette().color(role.Highlight)
        hints.colorSchemeChanged.emit(hints.colorScheme())
        assert app.palette().color(role.Highlight) != before

        opened.window.actions_["theme_dark"].trigger()
        hints.colorSchemeChanged.emit(hints.colorScheme())
        assert app.palette().color(role.Window).lightnessF() < 0.5
    finally:
        set_theme("system")


def test_options_are_kept(opened):
    opened.key(Key.Key_R)
    opened.key(Key.Key_H, CTRL)
    opened.key(Key.Key_L)

    settings = opened.studio.settings.settings
    assert (settings.loop, settings.hide_suggestions, settings.speed) == (True, True, 1.25)


def test_options_that_were_kept_are_in_force_at_the_next_start(opened, qtbot):
    opened.key(Key.Key_R)
    opened.key(Key.Key_H, CTRL)
    folder = opened.studio.project.store.folder
    first = opened.clip_id
    opened.suggest(first)
    opened.studio.close()

    again = Studio(starts_engine=False)
    qtbot.addWidget(again.window)
    try:
        again.open([folder])
        assert not again.clips.shows_guess(first)
        assert again.annotate.suggestion is None
        assert again.window.actions_["loop"].isChecked()
        assert again.playback._loops
    finally:
        again.close()


def test_long_work_shows_progress_and_can_be_cancelled(opened):
    opened.studio.analysis.queue_changed.emit(412, 1204)
    assert opened.window.bottom.analysing.text.startswith("Analysing   412 / 1,204")
    cancelled = []
    opened.window.bottom.analysing.cancel_requested.connect(lambda: cancelled.append(True))

    opened.click(
        next(
            b
            for b in opened.window.bottom.analysing.findChildren(QAbstractButton)
            if b.accessibleName() == "Cancel the work"
        )
    )

    assert cancelled == [True]
    opened.studio.analysis.queue_changed.emit(1204, 1204)
    assert opened.window.bottom.analysing.text == ""


def test_one_long_analysis_can_be_cancelled_too_and_a_short_one_does_not_flicker(
    opened, monkeypatch
):
    analysis, strip = opened.studio.analysis, opened.window.bottom.analysing
    seconds = 100.0
    monkeypatch.setattr("app.window.display.time.monotonic", lambda: seconds)
    analysis.queue_changed.emit(0, 1)
    seconds = 100.5
    analysis.analysis_progressed.emit(opened.clip_id, "analysing", 0.2)
    assert strip.text == ""

    seconds = 101.5
    analysis.analysis_progressed.emit(opened.clip_id, "analysing", 0.4)
    assert strip.text.startswith("Analysing this clip   40%")
    analysis.queue_changed.emit(0, 1)
    assert strip.text.startswith("Analysing this clip")

    analysis.queue_changed.emit(1, 1)
    assert strip.text == ""


def test_the_report_holds_no_name_no_path_and_no_label(opened, recordings):
    opened.key(Key.Key_1)
    opened.window.message_bar.dismiss()
    opened.window.actions_["copy_report"].trigger()

    report = QGuiApplication.clipboard().text()
    assert "clips: 3" in report
    assert "labels: 1" in report
    assert "numpy" in report
    for secret in (
        *(str(recordings), recordings.name, "k_0001", "anger", str(recordings.parent)),
        opened.studio.settings.settings.annotator + "\n",
        opened.studio.project.store.name,
    ):
        assert secret not in report


def test_menus_show_tooltips_and_have_names(opened):
    menus = [m for m in opened.window.menuBar().findChildren(QMenu) if m.title()]

    assert len(menus) >= 8
    assert [m.title() for m in menus if not (m.toolTipsVisible() and m.accessibleName())] == []


def test_the_window_starts_and_labels_with_the_network_blocked(opened, monkeypatch):
    def refuse(*_arguments):
        raise AssertionError("the window wanted the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)

    opened.key(Key.Key_1)
    opened.key(Key.Key_F1)
    opened.window.actions_["copy_report"].trigger()

    assert len(opened.labels_on_disk) == 1


def test_starting_loads_nothing_heavy():
    code = (
        "import sys, app.application\n"
        "heavy = {'torch', 'onnxruntime', 'transformers', 'alembic', 'sounddevice', 'scipy',"
        " 'sklearn', 'matplotlib', 'OpenGL'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("size", [(960, 508), (1280, 728)])
def test_all_is_reachable_on_a_small_screen_also_below_a_long_message(opened, qtbot, size):
    """960 by 540 points are what a 1080p screen at 200 % has, less the title of the window."""
    window = opened.window
    window.set_emotions(USUAL_EMOTIONS)
    window.message_bar.show_hint(WELCOME)
    window.fit_into(QSize(*size))
    qtbot.wait(50)

    assert (window.width(), window.height()) == size
    table = window.clip_list.table
    assert table.columnViewportPosition(Column.GUESS) + table.columnWidth(Column.GUESS) <= (
        table.viewport().width()
    )
    parts = [*window.timeline.panes, window.transport, *window.label_bar.findChildren(QPushButton)]
    for part in parts:
        corner = part.mapTo(window, part.rect().bottomRight())
        assert window.rect().contains(corner), part.accessibleName()
        assert part.height() >= part.minimumHeight()
    tops = [pane.mapTo(window, QPoint(0, 0)).y() for pane in window.timeline.panes]
    bottoms = [top + pane.height() for top, pane in zip(tops, window.timeline.panes, strict=True)]
    assert all(bottom <= top for bottom, top in zip(bottoms, tops[1:], strict=False))
