"""Tests of app.dialogs.ask: the dialogs as a person meets them."""

from pathlib import Path

import pytest
from PySide6.QtCore import QStandardPaths, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QFileDialog, QLineEdit, QPushButton

from app.dialogs.ask import Ask, documents_folder


@pytest.fixture
def ask(qtbot, tmp_path):
    ask = Ask()
    ask._last_folder = tmp_path
    return ask


def save(ask, steps, stem="market labels"):
    """Ask for a file while `steps` work the dialog; return the answer and where it began."""
    began = []

    def work():
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QFileDialog)
        began.append(dialog.directory().absolutePath())
        steps(dialog)
        button = next(b for b in dialog.findChildren(QPushButton) if "Save" in b.text())
        button.click()

    QTimer.singleShot(200, work)
    return ask.file_to_write("Export labels", stem), began[0]


def choose_format(number):
    def steps(dialog):
        box = dialog.findChild(QComboBox, "fileTypeCombo")
        for _ in range(number):
            QTest.keyClick(box, Qt.Key.Key_Down)

    return steps


def type_name(name):
    return lambda dialog: dialog.findChild(QLineEdit, "fileNameEdit").setText(name)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (0, "market labels.csv"),
        (1, "market labels.json"),
        (2, "market labels.TextGrid"),
    ],
)
def test_the_format_that_is_chosen_is_what_is_written(ask, tmp_path, number, name):
    path, began = save(ask, choose_format(number))

    assert (path, began) == (tmp_path / name, str(tmp_path))


def test_a_suffix_that_is_typed_wins(ask, tmp_path):
    path, _ = save(ask, type_name("mine.json"))

    assert path == tmp_path / "mine.json"


def test_a_dot_in_the_suggestion_is_no_suffix(ask, tmp_path):
    path, _ = save(ask, lambda dialog: None, stem="s01.take2 posteriors")

    assert path == tmp_path / "s01_take2 posteriors.csv"


def test_the_next_dialog_begins_where_the_last_one_ended(ask, tmp_path):
    (tmp_path / "out").mkdir()
    save(ask, type_name(str(tmp_path / "out" / "a.csv")))

    _, began = save(ask, lambda dialog: None)

    assert began == str(tmp_path / "out")


@pytest.mark.parametrize("is_there", [True, False])
def test_dialogs_begin_at_home_where_there_are_no_documents(monkeypatch, tmp_path, is_there):
    documents = tmp_path / "Documents"
    if is_there:
        documents.mkdir()
    monkeypatch.setattr(QStandardPaths, "writableLocation", lambda _: str(documents))

    assert documents_folder() == (documents if is_there else Path.home())
