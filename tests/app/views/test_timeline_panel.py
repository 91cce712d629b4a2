"""Tests of app.views.timeline_panel with real mouse, wheel and key events."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QPalette, QWheelEvent
from PySide6.QtWidgets import QApplication

from app.domain.time_span import TimeSpan
from app.views.pane_colours import contrast, text_on
from app.views.posterior_view import NOTHING_YET
from app.views.time_pane import GUTTER_PX
from clser_engine.labels import USUAL_EMOTIONS

LEFT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton


def drag(qtbot, pane, from_x, to_x, button=LEFT, modifier=Qt.KeyboardModifier.NoModifier, y=30):
    qtbot.mousePress(pane, button, modifier, QPoint(round(from_x), y))
    for share in (0.3, 0.7, 1.0):
        qtbot.mouseMove(pane, QPoint(round(from_x + share * (to_x - from_x)), y))
    qtbot.mouseRelease(pane, button, modifier, QPoint(round(to_x), y))


def wheel(pane, x, notches, modifier=Qt.KeyboardModifier.NoModifier):
    position = QPointF(x, 20)
    event = QWheelEvent(
        position,
        pane.mapToGlobal(position),
        QPoint(),
        QPoint(0, round(120 * notches)),
        Qt.MouseButton.NoButton,
        modifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(pane, event)


def picture(pane):
    """Return a pane's plot as (height, width) of 0xffRRGGBB, logical pixels."""
    grabbed = pane.grab().toImage()
    image = grabbed.convertToFormat(grabbed.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1)
    return rows[:, GUTTER_PX : image.width()].copy()  # the image's memory goes with the image


def columns_with(pane, colour):
    return np.flatnonzero((picture(pane) == QColor(colour).rgb()).any(axis=0))


def test_the_same_time_is_at_the_same_x_in_every_pane(qtbot, full_panel):
    """The click, its spectrum, the burst of anger and the label all begin at 4 s."""
    for start, end in ((0.0, 10.0), (3.5, 5.0), (3.96, 4.04)):
        full_panel.set_visible_span(start, end)
        qtbot.wait(120)
        x = full_panel.waveform.x_at(4.0) - GUTTER_PX
        pixel_s = (end - start) / full_panel.waveform.plot_width

        wave = np.flatnonzero(
            (
                picture(full_panel.waveform)[20:80] != full_panel.waveform.colours.background.rgb()
            ).any(axis=0)
        )
        label = columns_with(full_panel.labels, "#D55E00")
        ribbon = picture(full_panel.posteriors)[-4]
        anger = np.flatnonzero(ribbon == QColor("#D55E00").rgb())

        lane = picture(full_panel.posteriors)[6]  # only a posterior of nearly 1 reaches up here
        tall = np.flatnonzero(lane == QColor("#D55E00").rgb())
        assert tall[tall >= x - 5][0] == pytest.approx(x, abs=1.01)
        assert wave[0] == pytest.approx(x, abs=1.01)
        assert label[0] == pytest.approx(x, abs=1.01)
        assert anger[anger >= x - 2][0] == pytest.approx(x, abs=1.01)
        if end - start <= 1.5:
            loud = picture(full_panel.spectrogram)[5:-5].astype(np.int64) & 0xFF
            darkest = np.flatnonzero(loud.mean(axis=0) < loud.mean(axis=0).max() - 20)
            window_px = 0.016 / pixel_s  # half a window: it begins to see the click that early
            assert darkest[0] == pytest.approx(x, abs=window_px + 0.004 / pixel_s + 1)


def test_all_panes_have_the_same_width_and_gutter(full_panel):
    assert len({pane.plot_width for pane in full_panel.panes}) == 1
    assert {pane.geometry().left() for pane in full_panel.panes} == {0}


def test_the_line_of_values_shows_the_exact_posteriors_of_all_classes(
    qtbot, full_panel, posteriors
):
    for x in (GUTTER_PX + 3, 555, 1000, GUTTER_PX + full_panel.waveform.plot_width - 2):
        qtbot.mouseMove(full_panel.spectrogram, QPoint(x, 20))

        time_s = full_panel.waveform.time_at(x)
        frame = int(time_s * 25)
        text = full_panel.readout.text()
        assert text.startswith(f"0:0{time_s:.3f}")
        for name, value in zip(posteriors.classes, posteriors.values[frame], strict=True):
            assert f"{name} {value:.3f}" in text
        strongest = posteriors.classes[int(posteriors.values[frame].argmax())]
        assert f"strongest: {strongest}" in text


def test_the_label_under_the_pointer_is_named(qtbot, full_panel):
    qtbot.mouseMove(full_panel.waveform, QPoint(round(full_panel.waveform.x_at(7.0)), 20))

    assert "label: neutral" in full_panel.readout.text()


@pytest.mark.parametrize("pane_name", ["ruler", "waveform", "spectrogram", "posteriors", "labels"])
def test_the_wheel_zooms_about_the_pointer_in_every_pane(full_panel, pane_name):
    pane = getattr(full_panel, pane_name)
    x = GUTTER_PX + 300
    time_s = pane.time_at(x)

    wheel(pane, x, 4)

    assert full_panel.axis.span_s == pytest.approx(10.0 / 4)
    assert pane.time_at(x) == pytest.approx(time_s)


def test_shift_and_wheel_pan(full_panel):
    full_panel.set_visible_span(4.0, 5.0)

    wheel(full_panel.waveform, 500, -2, Qt.KeyboardModifier.ShiftModifier)

    assert full_panel.axis.start_s == pytest.approx(4.2)
    assert full_panel.axis.span_s == pytest.approx(1.0)


def test_a_drag_selects_and_says_so_once_when_done(qtbot, full_panel):
    waveform = full_panel.waveform
    spans = []
    full_panel.span_selected.connect(spans.append)

    drag(qtbot, waveform, waveform.x_at(6.0), waveform.x_at(2.0))

    assert len(spans) == 1
    pixel_s = 10.0 / waveform.plot_width
    assert spans[0].start_s == pytest.approx(2.0, abs=pixel_s)
    assert spans[0].end_s == pytest.approx(6.0, abs=pixel_s)
    assert full_panel.selected_span == spans[0]


def test_an_edge_of_the_selection_can_be_dragged_even_across_the_other(qtbot, full_panel):
    spectrogram = full_panel.spectrogram
    full_panel.set_selected_span(TimeSpan(2.0, 4.0))

    drag(qtbot, spectrogram, spectrogram.x_at(4.0), spectrogram.x_at(5.0))
    assert full_panel.selected_span.start_s == pytest.approx(2.0)
    assert full_panel.selected_span.end_s == pytest.approx(5.0, abs=0.01)

    drag(qtbot, spectrogram, spectrogram.x_at(2.0), spectrogram.x_at(8.0))
    assert full_panel.selected_span.start_s == pytest.approx(5.0, abs=0.01)
    assert full_panel.selected_span.end_s == pytest.approx(8.0, abs=0.01)


def test_a_click_asks_to_hear_from_there(qtbot, full_panel):
    x = GUTTER_PX + 600
    full_panel.set_selected_span(TimeSpan(1.0, 2.0))

    asked, spans = [], []
    full_panel.seek_requested.connect(asked.append)
    full_panel.span_selected.connect(spans.append)

    qtbot.mouseClick(full_panel.waveform, LEFT, pos=QPoint(x, 20))

    assert asked == [full_panel.waveform.time_at(x)]
    assert spans == [None]
    assert full_panel.selected_span is None
    assert full_panel.axis.playhead_s == 0.0  # asked, not decided


@pytest.mark.parametrize(
    ("button", "modifier"),
    [
        (MIDDLE, Qt.KeyboardModifier.NoModifier),
        (LEFT, Qt.KeyboardModifier.ControlModifier),
    ],
)
def test_the_view_can_be_dragged(qtbot, full_panel, button, modifier):
    full_panel.set_visible_span(4.0, 5.0)
    pane = full_panel.waveform
    grabbed_s = pane.time_at(700)

    drag(qtbot, pane, 700, 500, button, modifier)

    assert pane.time_at(500) == pytest.approx(grabbed_s, abs=1e-6)
    assert full_panel.axis.span_s == pytest.approx(1.0)


def test_the_frame_in_the_overview_can_be_dragged(qtbot, full_panel):
    full_panel.set_visible_span(2.0, 4.0)
    overview = full_panel.overview

    drag(qtbot, overview, overview.x_at(3.0), overview.x_at(6.5))

    assert full_panel.axis.start_s == pytest.approx(5.5, abs=0.02)
    assert full_panel.axis.span_s == pytest.approx(2.0)


def test_a_click_in_the_overview_goes_there(qtbot, full_panel):
    full_panel.set_visible_span(2.0, 4.0)
    overview = full_panel.overview

    qtbot.mouseClick(overview, LEFT, pos=QPoint(round(overview.x_at(8.0)), 20))

    assert full_panel.axis.start_s == pytest.approx(7.0, abs=0.02)


def test_a_click_on_a_label_selects_it_and_its_stretch(qtbot, full_panel):
    labels = full_panel.labels
    chosen = []
    full_panel.label_selected.connect(chosen.append)
    position = QPoint(round(labels.x_at(7.0)), labels.height() - 8)

    qtbot.mouseClick(labels, LEFT, pos=position)
    assert chosen == ["n"]
    assert full_panel.selected_span == TimeSpan(6.0, 8.0)

    qtbot.mouseClick(labels, LEFT, pos=QPoint(round(labels.x_at(9.0)), labels.height() - 8))
    assert chosen == ["n", ""]


@pytest.mark.parametrize(
    ("key", "modifier", "shown"),
    [
        (Qt.Key.Key_Plus, Qt.KeyboardModifier.NoModifier, (4.5, 5.5)),
        (Qt.Key.Key_Minus, Qt.KeyboardModifier.NoModifier, (3.0, 7.0)),
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier, (4.4, 6.4)),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier, (3.6, 5.6)),
        (Qt.Key.Key_Home, Qt.KeyboardModifier.NoModifier, (0.0, 2.0)),
        (Qt.Key.Key_End, Qt.KeyboardModifier.NoModifier, (8.0, 10.0)),
        (Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier, (0.0, 10.0)),
    ],
)
def test_keys_zoom_and_pan(qtbot, full_panel, key, modifier, shown):
    full_panel.axis.set_pointer(None)
    full_panel.set_visible_span(4.0, 6.0)

    qtbot.keyClick(full_panel, key, modifier)

    assert (full_panel.visible_span.start_s, full_panel.visible_span.end_s) == pytest.approx(shown)


def test_escape_selects_nothing(qtbot, full_panel):
    full_panel.set_selected_span(TimeSpan(1.0, 2.0))

    with qtbot.waitSignal(full_panel.span_selected) as selected:
        qtbot.keyClick(full_panel, Qt.Key.Key_Escape)

    assert selected.args == [None]


def test_keys_of_others_are_left_alone(qtbot, full_panel):
    full_panel.set_visible_span(4.0, 6.0)

    for key in (Qt.Key.Key_1, Qt.Key.Key_Space, Qt.Key.Key_U):
        qtbot.keyClick(full_panel, key)

    assert full_panel.visible_span == TimeSpan(4.0, 6.0)


def test_zooming_to_the_selection_shows_a_little_around_it(full_panel):
    full_panel.set_selected_span(TimeSpan(4.0, 6.0))

    full_panel.zoom_to_span()

    assert full_panel.visible_span.start_s == pytest.approx(3.9)
    assert full_panel.visible_span.end_s == pytest.approx(6.1)


def test_showing_asks_for_nothing(qtbot, full_panel, source, posteriors):
    with (
        qtbot.assertNotEmitted(full_panel.seek_requested),
        qtbot.assertNotEmitted(full_panel.span_selected),
        qtbot.assertNotEmitted(full_panel.label_selected),
    ):
        full_panel.set_source(source)
        full_panel.set_posteriors(posteriors)
        full_panel.set_labels([])
        full_panel.set_playhead(3.0)
        full_panel.set_selected_span(TimeSpan(1.0, 2.0))


def test_moving_playhead_and_pointer_draws_no_pane_anew(qtbot, full_panel):
    qtbot.wait(100)
    before = [pane.times_drawn for pane in full_panel.panes]

    for step in range(20):
        full_panel.set_playhead(0.1 * step)
        qtbot.mouseMove(full_panel.waveform, QPoint(300 + 5 * step, 20))
        qtbot.wait(1)

    assert [pane.times_drawn for pane in full_panel.panes] == before


def test_many_wheel_steps_at_once_are_one_drawing(qtbot, full_panel):
    qtbot.wait(100)
    before = full_panel.waveform.times_drawn

    for _ in range(10):
        wheel(full_panel.waveform, 500, 0.25)
    full_panel.repaint()

    assert full_panel.waveform.times_drawn == before + 1


def test_a_hidden_panel_draws_nothing(qtbot, full_panel):
    full_panel.hide()
    before = [pane.times_drawn for pane in full_panel.panes]

    full_panel.set_visible_span(1.0, 2.0)
    qtbot.wait(80)

    assert [pane.times_drawn for pane in full_panel.panes] == before


def test_an_empty_panel_says_what_to_do(panel):
    assert panel.posteriors._state == NOTHING_YET
    assert "drag to select" in panel.readout.text()

    panel.set_analysis_state("analysing 40 %")
    assert panel.posteriors._state == "analysing 40 %"

    panel.set_analysis_state("")
    assert panel.posteriors._state == NOTHING_YET


def test_events_on_an_empty_panel_do_nothing(qtbot, panel):
    for pane in panel.panes:
        wheel(pane, 500, 3)
        drag(qtbot, pane, 300, 500)
    for key in (Qt.Key.Key_Plus, Qt.Key.Key_Right, Qt.Key.Key_End, Qt.Key.Key_Escape):
        qtbot.keyClick(panel, key)

    assert panel.visible_span == TimeSpan(0.0, 0.0)
    assert panel.selected_span is None


def test_the_source_can_go(qtbot, full_panel):
    full_panel.set_source(None)
    full_panel.set_posteriors(None)
    full_panel.set_labels([])
    qtbot.wait(60)

    assert full_panel.axis.duration_s == 0.0


def test_a_short_outburst_is_seen_with_everything_on_screen(qtbot, full_panel, posteriors):
    values = np.tile(np.array([0, 0, 0, 1], np.float32), (90_000, 1))
    values[45_000] = [1, 0, 0, 0]
    full_panel.set_posteriors(
        type(posteriors)(classes=posteriors.classes, frame_rate_hz=9000.0, values=values)
    )

    edges = full_panel.posteriors.lane_edges(full_panel.posteriors.height())
    lane = picture(full_panel.posteriors)[edges[0] + 1 : edges[1] - 2]

    background = full_panel.posteriors.colours.background.rgb()
    assert 1 <= (lane != background).any(axis=0).sum() <= 2


def test_where_nothing_is_known_it_is_grey(qtbot, full_panel, posteriors):
    full_panel.set_posteriors(
        type(posteriors)(
            classes=posteriors.classes, frame_rate_hz=25.0, values=posteriors.values[:125]
        )
    )

    unknown = full_panel.posteriors.colours.unknown.rgb()
    plot = picture(full_panel.posteriors)

    assert (plot[2, 620:1100] == unknown).all()
    assert not (plot[2, :580] == unknown).any()


def test_where_nobody_speaks_lanes_ribbon_and_overview_are_hatched(full_panel, posteriors, ribbon):
    full_panel.set_posteriors(posteriors, ribbon)

    colours = full_panel.posteriors.colours
    hatching = {colours.faint.rgb(), colours.unknown.rgb()}
    for pane in (full_panel.posteriors, full_panel.overview):
        plot = picture(pane)
        for time_s, is_speech in ((0.5, False), (2.5, True), (5.0, False), (7.5, True)):
            x = round(time_s / 10.0 * pane.plot_width)
            # the frame of the overview and words over the ribbon keep to their rows
            column = plot[3 : len(plot) // 2 - 3, x - 3 : x + 4]
            assert (set(np.unique(column).tolist()) <= hatching) != is_speech, (pane, time_s)
            assert len(np.unique(column)) > 1 or is_speech
    lanes = picture(full_panel.posteriors)
    assert lanes[-4, round(0.25 * full_panel.waveform.plot_width)] == QColor("#D55E00").rgb()
    assert lanes[-4, round(0.70 * full_panel.waveform.plot_width)] == QColor("#0072B2").rgb()


def test_the_line_of_values_says_no_speech_instead_of_an_emotion(
    qtbot, full_panel, posteriors, ribbon
):
    full_panel.set_posteriors(posteriors, ribbon)

    qtbot.mouseMove(full_panel.waveform, QPoint(round(full_panel.waveform.x_at(5.0)), 20))
    assert full_panel.readout.text().endswith("no speech")
    assert "anger" not in full_panel.readout.text()

    qtbot.mouseMove(full_panel.waveform, QPoint(round(full_panel.waveform.x_at(7.5)), 20))
    assert full_panel.readout.text().endswith("phrase: sadness")


def test_the_names_of_the_lanes_explain_why_the_ribbon_may_differ(
    qtbot, full_panel, posteriors, ribbon
):
    pane = full_panel.posteriors

    def tip_at(x):
        qtbot.mouseMove(pane, QPoint(x, 20))
        return pane.toolTip()

    full_panel.set_posteriors(posteriors, ribbon)
    assert "each phrase as a whole" in tip_at(GUTTER_PX // 2)
    assert tip_at(GUTTER_PX + 50) == ""  # the plot stays in sight

    full_panel.set_posteriors(posteriors)
    assert "which one is the strongest" in tip_at(GUTTER_PX // 2)

    full_panel.set_posteriors(None)
    assert tip_at(GUTTER_PX // 2 + 1) == ""


def test_a_screen_reader_hears_where_nobody_speaks(full_panel, posteriors, ribbon):
    full_panel.set_posteriors(posteriors, ribbon)

    assert full_panel.posteriors.accessibleDescription().endswith(
        ". Nobody speaks from 0:00.000 to 0:01.000, 0:04.000 to 0:06.000, 0:09.000 to 0:10.000"
    )

    full_panel.set_posteriors(posteriors)
    assert "Nobody" not in full_panel.posteriors.accessibleDescription()


def test_every_pane_has_a_name_and_a_description(panel):
    for pane in panel.panes:
        assert pane.accessibleName()
        assert pane.accessibleDescription()
    assert panel.accessibleName()
    assert panel.readout.accessibleName()


@pytest.mark.parametrize("emotion", USUAL_EMOTIONS, ids=lambda emotion: emotion.name)
def test_text_on_an_emotion_can_be_read(emotion):
    colour = QColor(emotion.colour)

    assert contrast(colour, text_on(colour)) >= 4.5


@pytest.mark.parametrize("base", ["#ffffff", "#1e1e1e"])
def test_panes_follow_the_palette(qtbot, full_panel, base):
    text = QColor("#000000") if base == "#ffffff" else QColor("#eeeeee")
    palette = QPalette(QColor(base))
    palette.setColor(QPalette.ColorRole.Base, QColor(base))
    palette.setColor(QPalette.ColorRole.Text, text)
    palette.setColor(QPalette.ColorRole.WindowText, text)

    full_panel.setPalette(palette)
    qtbot.wait(20)

    colours = full_panel.waveform.colours
    assert colours.background == QColor(base)
    assert contrast(colours.text, colours.background) >= 4.5
    assert contrast(colours.wave_body, colours.background) >= 3.0
    assert QColor(base).rgb() in picture(full_panel.waveform)


def test_names_fit_the_gutter(full_panel):
    metrics = full_panel.fontMetrics()

    for pane in full_panel.panes:
        assert metrics.horizontalAdvance(pane.accessibleName()) <= GUTTER_PX - 12
    for emotion in USUAL_EMOTIONS:
        assert metrics.horizontalAdvance(emotion.name) <= GUTTER_PX - 12 - 22
