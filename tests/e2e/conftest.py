"""A window that is closed again."""

import pytest


@pytest.fixture
def window(qtbot):
    from tests.e2e.person_at_window import Window  # most tests here have no window

    opened = []

    def open_window(**options):
        opened.append(Window(qtbot, **options))
        return opened[-1]

    yield open_window
    for each in opened:
        each.studio.close()
        each.window.deleteLater()
