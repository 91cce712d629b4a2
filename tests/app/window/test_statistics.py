"""What suggestions rest on, in the window: seen, chosen, and kept with the project."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QToolButton

from app.controllers.statistics_controller import StatisticsState

MODES = ("auto", "none", "project", "speaker")


def checked(driver):
    return [m for m in MODES if driver.window.actions_[f"statistics_{m}"].isChecked()]


def test_what_suggestions_rest_on_is_said_below_the_clips(opened):
    state = StatisticsState(
        words="adapted to 3 clips of this project", notices=("Speaker 03 shows one emotion.",)
    )
    opened.studio.statistics.state_changed.emit(state)

    line = opened.window.statistics
    assert line.isVisible()
    assert line.text == "Suggestions: adapted to 3 clips of this project"
    assert line.remark == "⚠ Speaker 03 shows one emotion."


def test_the_choice_is_one_of_four_and_kept_with_the_project(opened, tmp_path):
    assert checked(opened) == ["auto"]

    opened.window.actions_["statistics_speaker"].trigger()
    opened.window.actions_["statistics_speaker"].trigger()
    opened.window.actions_["propagate"].trigger()

    assert checked(opened) == ["speaker"]
    assert opened.studio.statistics.state.shares
    folder = opened.studio.project.store.folder
    opened.studio.project.create(tmp_path / "other.clser-project")
    assert checked(opened) == ["auto"]
    assert not opened.window.actions_["propagate"].isChecked()
    opened.studio.project.open(folder)
    assert checked(opened) == ["speaker"]
    assert opened.window.actions_["propagate"].isChecked()


def test_the_button_beside_it_opens_the_same_choices(opened):
    [button] = [
        button
        for button in opened.window.statistics.findChildren(QToolButton)
        if button.accessibleName() == "Change what suggestions rest on"
    ]
    menu = button.menu()  # opened it would grab the keyboard, which needs a display
    assert isinstance(menu, QMenu)
    assert opened.window.actions_["statistics_none"] in menu.actions()
    assert button.focusPolicy() == Qt.FocusPolicy.TabFocus


def test_without_an_engine_a_choice_says_that_it_waits(opened):
    opened.window.actions_["statistics_none"].trigger()

    opened.wait_until(lambda: opened.window.statistics.remark == "This waits for the engine.")


def test_without_a_project_there_is_nothing_to_choose(driver):
    action = driver.window.actions_["statistics_none"]

    assert not action.isEnabled()
    assert action.toolTip() == "Open a project first."
