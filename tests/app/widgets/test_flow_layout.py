"""Tests of app.widgets.flow_layout."""

import pytest
from PySide6.QtWidgets import QPushButton, QWidget

from app.widgets.flow_layout import FlowLayout


@pytest.fixture
def box(qtbot):
    box = QWidget()
    qtbot.addWidget(box)
    layout = FlowLayout(box)
    layout.setContentsMargins(10, 10, 10, 10)
    layout.setSpacing(5)
    for _ in range(4):
        button = QPushButton()
        button.setFixedSize(100, 30)
        layout.addWidget(button)
    return box


def places(box):
    return [(b.x(), b.y()) for b in box.findChildren(QPushButton)]


def test_items_stand_in_one_line_where_there_is_room(box):
    box.layout().setGeometry(box.rect().adjusted(0, 0, 435 - box.width(), 0))

    assert places(box) == [(10, 10), (115, 10), (220, 10), (325, 10)]
    assert box.layout().heightForWidth(435) == 50


def test_one_pixel_less_begins_a_new_line(box):
    box.layout().setGeometry(box.rect().adjusted(0, 0, 434 - box.width(), 0))

    assert places(box) == [(10, 10), (115, 10), (220, 10), (10, 45)]
    assert box.layout().heightForWidth(434) == 85


def test_an_item_wider_than_the_line_still_gets_one(box):
    assert box.layout().heightForWidth(50) == 10 + 4 * 30 + 3 * 5 + 10


def test_hidden_widgets_take_no_room(box):
    box.findChildren(QPushButton)[0].hide()

    assert box.layout().heightForWidth(330) == 50


def test_taking_an_item_closes_the_gap(box):
    layout = box.layout()
    first = layout.itemAt(0).widget()

    layout.removeWidget(first)

    assert layout.count() == 3
    assert layout.heightForWidth(330) == 50
    assert layout.itemAt(3) is None
    assert layout.takeAt(3) is None


def test_the_least_size_is_that_of_the_largest_item(box):
    assert box.layout().minimumSize().toTuple() == (120, 50)
