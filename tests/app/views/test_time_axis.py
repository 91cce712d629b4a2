"""Tests of app.views.time_axis."""

import pytest

from app.domain.time_span import TimeSpan
from app.views.time_axis import MIN_SPAN_S, TimeAxis


@pytest.fixture
def axis(qapp):
    axis = TimeAxis()
    axis.set_duration(100.0)
    return axis


def test_another_recording_is_shown_whole_with_nothing_selected(axis):
    axis.set_selection(TimeSpan(1.0, 2.0))
    axis.zoom(8.0)

    axis.set_duration(30.0)

    assert (axis.start_s, axis.end_s) == (0.0, 30.0)
    assert axis.selection is None


@pytest.mark.parametrize("about", [0.0, 13.0, 50.0, 99.0, 100.0])
@pytest.mark.parametrize("factor", [1.3, 4.0])
def test_zooming_keeps_the_time_under_the_pointer(axis, about, factor):
    share = (about - axis.start_s) / axis.span_s

    axis.zoom(factor, about)

    assert (about - axis.start_s) / axis.span_s == pytest.approx(share)
    assert axis.span_s == pytest.approx(100.0 / factor)


def test_zooming_out_again_comes_back(axis):
    axis.zoom(16.0, 40.0)
    axis.zoom(1 / 16.0, 40.0)

    assert (axis.start_s, axis.end_s) == pytest.approx((0.0, 100.0))


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ((-5.0, 5.0), (0.0, 10.0)),
        ((95.0, 105.0), (90.0, 100.0)),
        ((-50.0, 300.0), (0.0, 100.0)),
        ((50.0, 50.0), (50.0, 50.0 + MIN_SPAN_S)),
        ((60.0, 50.0), (60.0, 60.0 + MIN_SPAN_S)),
    ],
)
def test_the_view_stays_inside_the_recording(axis, asked, shown):
    axis.set_view(*asked)

    assert (axis.start_s, axis.end_s) == pytest.approx(shown)


def test_a_setter_that_changes_nothing_says_nothing(qtbot, axis):
    with (
        qtbot.assertNotEmitted(axis.view_changed),
        qtbot.assertNotEmitted(axis.playhead_changed),
        qtbot.assertNotEmitted(axis.selection_changed),
    ):
        axis.fit()
        axis.set_playhead(0.0)
        axis.set_selection(None)


def test_a_selection_is_ordered_and_clamped(axis):
    axis.set_selection(TimeSpan(120.0, 90.0))
    assert axis.selection == TimeSpan(90.0, 100.0)

    axis.set_selection(TimeSpan(5.0, 5.0))
    assert axis.selection is None


def test_a_page_is_turned_when_the_playhead_leaves(axis):
    axis.set_view(0.0, 10.0)

    axis.show(9.9)
    assert axis.start_s == 0.0

    axis.show(10.0)
    assert (axis.start_s, axis.end_s) == pytest.approx((9.0, 19.0))


def test_a_corrected_length_keeps_the_whole_on_screen(axis):
    axis.correct_duration(80.0)

    assert (axis.start_s, axis.end_s) == (0.0, 80.0)


def test_nothing_breaks_without_a_recording(qapp):
    axis = TimeAxis()

    axis.zoom(2.0)
    axis.pan(1.0)
    axis.fit()

    assert (axis.start_s, axis.end_s) == (0.0, 0.0)
