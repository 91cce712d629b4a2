"""Labelling through the window by real keys and clicks, down to the disk."""

import pytest
from PySide6.QtCore import QPoint, Qt

from app.domain.labels import Origin
from app.models.clip_table import Column
from clser_engine.labels import NONE_OF_THESE, UNSURE

Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        (Key.Key_1, "anger"),
        (Key.Key_4, "neutral"),
        (Key.Key_X, NONE_OF_THESE),
        (Key.Key_U, UNSURE),
    ],
)
def test_a_key_labels_the_clip_on_disk_and_goes_on(opened, qtbot, key, answer):
    first, second, _ = opened.clip_ids

    with qtbot.waitSignal(opened.window.label_saved, timeout=0) as saved:
        opened.key(key)

    [label] = opened.labels_on_disk
    assert saved.args == [label.label_id]
    assert (label.clip_id, label.answer, label.origin) == (first, answer, Origin.HAND)
    assert label.is_whole_clip
    assert not label.suggestion_seen
    assert opened.cells(first)[Column.LABEL] == answer.replace("_", " ")
    assert opened.clip_id == second
    assert opened.window.bottom.saved_text == "saved ✓"


def test_a_button_does_what_its_key_does(opened):
    first = opened.clip_id

    opened.click(opened.button("Happiness, key 2"))

    [label] = opened.labels_on_disk
    assert (label.clip_id, label.answer) == (first, "happiness")


def test_every_label_is_on_disk_before_the_next_key(opened, qtbot):
    on_disk = []
    opened.window.label_saved.connect(lambda label_id: on_disk.append(len(opened.labels_on_disk)))

    for key in (Key.Key_1, Key.Key_2, Key.Key_3):
        opened.key(key)

    assert on_disk == [1, 2, 3]


def test_enter_accepts_the_suggestion_and_remembers_the_model(opened):
    first = opened.clip_id
    opened.suggest(first, "sadness", 0.64)

    opened.key(Key.Key_Return)

    [label] = opened.labels_on_disk
    assert (label.answer, label.origin) == ("sadness", Origin.ACCEPTED)
    assert label.suggested_by == "default@" + "ab" * 32
    assert label.suggestion_confidence == pytest.approx(0.64)
    assert label.suggestion_seen


def test_a_suggestion_is_never_a_label_by_itself(opened):
    for clip_id in opened.clip_ids:
        opened.suggest(clip_id)
    opened.key(Key.Key_Down)
    opened.key(Key.Key_Up)

    assert opened.labels_on_disk == ()
    assert opened.cells(opened.clip_id)[Column.GUESS] == "sadness 64 %"


def test_suggestions_for_other_clips_are_stored_together_and_before_the_project_closes(opened):
    _, second, third = opened.clip_ids
    opened.suggest(second, "anger")
    opened.suggest(third, "neutral")
    store = opened.studio.project.store
    assert dict(store.guesses()) == {}

    opened.studio.project.close()

    assert {guess.emotion for guess in store.guesses().values()} == {"anger", "neutral"}


def test_enter_without_a_suggestion_does_nothing(opened):
    opened.key(Key.Key_Return)

    assert opened.labels_on_disk == ()
    assert not opened.window.actions_["accept"].isEnabled()
    assert opened.window.actions_["accept"].toolTip() == "No suggestion yet."


def test_enter_never_accepts_what_the_model_does_not_know(opened):
    first = opened.clip_id
    opened.suggest(first, "sadness", 0.97, is_known=False, notice="Nobody speaks in it.")
    assert opened.window.label_bar.suggestion_text == "The model doesn't know this one."
    assert not opened.button("Accept").isEnabled()

    opened.key(Key.Key_Return)
    assert opened.labels_on_disk == ()
    assert opened.clip_id == first

    opened.key(Key.Key_1)
    [label] = opened.labels_on_disk
    assert (label.answer, label.origin) == ("anger", Origin.HAND)
    assert (label.suggestion, label.suggestion_confidence) == ("", None)
    assert label.suggested_by == "default@" + "ab" * 32
    assert label.suggestion_seen


def test_another_answer_remembers_the_suggestion_that_was_seen(opened):
    opened.suggest(opened.clip_id, "sadness")

    opened.key(Key.Key_1)

    [label] = opened.labels_on_disk
    assert (label.answer, label.origin) == ("anger", Origin.HAND)
    assert (label.suggestion, label.suggestion_seen) == ("sadness", True)


def test_a_hidden_suggestion_was_not_seen_and_appears_after_the_answer(opened):
    first = opened.clip_id
    opened.key(Key.Key_H, CTRL)
    opened.suggest(first, "sadness")
    assert opened.cells(first)[Column.GUESS] == "hidden"
    assert opened.window.timeline.posteriors.pyramid is None
    opened.key(Key.Key_Return)
    assert opened.labels_on_disk == ()

    opened.key(Key.Key_1)

    [label] = opened.labels_on_disk
    assert (label.suggestion, label.suggestion_seen) == ("sadness", False)
    assert opened.cells(first)[Column.GUESS] == "sadness 64 %"
    opened.key(Key.Key_Up)
    assert opened.window.timeline.posteriors.pyramid is not None


def test_a_hidden_analysis_is_not_called_missing(opened):
    opened.key(Key.Key_H, CTRL)
    opened.suggest(opened.clip_id)

    assert opened.window.timeline.posteriors._state == "hidden until you answer"
    assert opened.window.label_bar.suggestion_text == "Suggestion hidden until you answer."


def test_hiding_does_not_make_unseen_what_was_on_screen_before(opened):
    opened.suggest(opened.clip_id, "sadness")
    opened.key(Key.Key_H, CTRL)

    opened.key(Key.Key_1)

    assert opened.labels_on_disk[0].suggestion_seen


def test_a_suggestion_drawn_in_the_list_alone_was_seen(opened, qtbot):
    second = opened.clip_ids[1]
    opened.suggest(second, "sadness")
    opened.wait_until(lambda: second in opened.window.clip_list.drawn_guesses)
    opened.key(Key.Key_H, CTRL)
    opened.key(Key.Key_Down)

    opened.key(Key.Key_1)

    assert opened.labels_on_disk[0].suggestion_seen


def test_a_dragged_stretch_is_labelled_and_the_clip_stays(opened):
    first, waveform = opened.clip_id, opened.window.timeline.waveform
    left = waveform.width() - waveform.plot_width
    opened.drag(waveform, left + waveform.plot_width // 4, left + waveform.plot_width // 2)
    span = opened.studio.annotate.span
    assert span.start_s == pytest.approx(0.25, abs=0.02)
    assert f"selection {span.duration_s:.2f} s" in opened.window.label_bar.target_text

    opened.key(Key.Key_3)

    [label] = opened.labels_on_disk
    assert (label.answer, label.start_s, label.end_s) == ("sadness", span.start_s, span.end_s)
    assert opened.clip_id == first
    assert opened.cells(first)[Column.LABEL] == "1 stretch"


def label_a_stretch(opened, key=Key.Key_3):
    """Label the second quarter of the clip; return its x in the strip of labels."""
    waveform = opened.window.timeline.waveform
    left = waveform.width() - waveform.plot_width
    opened.drag(waveform, left + waveform.plot_width // 4, left + waveform.plot_width // 2)
    opened.key(key)
    return left + 3 * waveform.plot_width // 8


def test_delete_removes_the_stretch_that_was_clicked_not_the_label_of_the_clip(opened):
    x = label_a_stretch(opened)
    opened.key(Key.Key_Escape)
    opened.key(Key.Key_1)
    opened.key(Key.Key_Up)
    strip = opened.window.timeline.labels
    opened.click(strip, pos=QPoint(x, strip.height() - 8))

    opened.key(Key.Key_Delete)

    [label] = opened.labels_on_disk
    assert label.is_whole_clip
    assert not opened.window.actions_["remove_label"].isEnabled()  # the stretch has none now
    opened.key(Key.Key_Delete)
    assert opened.labels_on_disk == (label,)
    opened.key(Key.Key_Escape)
    opened.key(Key.Key_Delete)
    assert opened.labels_on_disk == ()


def test_delete_removes_the_stretch_that_was_just_labelled(opened):
    label_a_stretch(opened)

    opened.key(Key.Key_Delete)

    assert opened.labels_on_disk == ()


def test_an_edge_of_a_label_is_dragged_in_one_step_that_undo_takes_back(opened):
    label_a_stretch(opened)
    opened.key(Key.Key_Escape)
    [before] = opened.labels_on_disk
    strip = opened.window.timeline.labels
    end_x, to_x = round(strip.x_at(before.end_s)), round(strip.x_at(0.8))

    opened.drag(strip, end_x + 2, to_x, y=strip.height() - 8)

    [after] = opened.labels_on_disk
    assert (after.label_id, after.answer, after.created_at) == (
        before.label_id,
        before.answer,
        before.created_at,
    )
    assert after.start_s == before.start_s
    assert after.end_s == pytest.approx(0.8, abs=0.02)
    assert opened.studio.annotate.span == after.span
    assert opened.button("Sadness, key 3").isChecked()
    assert opened.window.actions_["undo"].text() == "&Undo Move label sadness of k_0001"
    opened.key(Key.Key_Z, CTRL)
    assert opened.labels_on_disk == (before,)
    assert opened.window.timeline.selected_span == before.span == opened.studio.annotate.span


def test_an_edge_of_the_selected_label_is_dragged_over_the_waveform(opened):
    x = label_a_stretch(opened)
    strip, waveform = opened.window.timeline.labels, opened.window.timeline.waveform
    [before] = opened.labels_on_disk
    opened.click(strip, pos=QPoint(x, strip.height() - 8))

    opened.drag(waveform, round(waveform.x_at(before.start_s)), round(waveform.x_at(0.1)))

    [after] = opened.labels_on_disk
    assert (after.start_s, after.end_s) == (pytest.approx(0.1, abs=0.02), before.end_s)


def test_an_edge_of_a_mere_selection_moves_no_label(opened):
    label_a_stretch(opened)
    before = opened.labels_on_disk
    waveform = opened.window.timeline.waveform

    opened.drag(waveform, round(waveform.x_at(before[0].start_s)), round(waveform.x_at(0.1)))

    assert opened.labels_on_disk == before
    assert opened.studio.annotate.span.start_s == pytest.approx(0.1, abs=0.02)


def test_a_stretch_is_selected_labelled_and_moved_by_keys_alone(opened):
    timeline = opened.window.timeline
    for _ in range(20):
        opened.key(Key.Key_Period)
    assert timeline.axis.playhead_s == pytest.approx(0.2)
    opened.key(Key.Key_BracketLeft)
    assert (opened.studio.annotate.span.start_s, opened.studio.annotate.span.end_s) == (
        pytest.approx(0.2),
        1.0,
    )
    for _ in range(40):
        opened.key(Key.Key_Period)
    opened.key(Key.Key_BracketRight)
    opened.key(Key.Key_2)
    [label] = opened.labels_on_disk
    assert (label.start_s, label.end_s) == (pytest.approx(0.2), pytest.approx(0.6))
    strip = timeline.labels
    opened.click(strip, pos=QPoint(round(strip.x_at(0.4)), strip.height() - 8))

    opened.key(Key.Key_Comma)
    opened.key(Key.Key_BracketRight)

    [moved] = opened.labels_on_disk
    assert moved.label_id == label.label_id
    assert (moved.start_s, moved.end_s) == (label.start_s, pytest.approx(0.59))


def test_where_a_label_may_not_move_its_edge_goes_back(opened, qtbot):
    x = label_a_stretch(opened)
    [before] = opened.labels_on_disk
    timeline = opened.window.timeline
    strip = timeline.labels
    folder = opened.studio.project.store.folder
    with qtbot.waitSignal(opened.studio.source.source_completed):
        opened.studio.project.open(folder, read_only=True)
    opened.click(strip, pos=QPoint(x, strip.height() - 8))

    opened.drag(
        strip, round(strip.x_at(before.end_s)), round(strip.x_at(0.8)), y=strip.height() - 8
    )

    assert opened.labels_on_disk == (before,)
    assert timeline.selected_span == before.span
    assert "read-only" in opened.window.message_bar.text


def test_escape_makes_answers_be_about_the_whole_clip_again(opened):
    waveform = opened.window.timeline.waveform
    opened.drag(waveform, waveform.width() // 2, waveform.width() - 20)
    assert opened.studio.annotate.span is not None

    opened.key(Key.Key_Escape)
    opened.key(Key.Key_1)

    assert opened.labels_on_disk[0].is_whole_clip


def test_undo_and_redo_by_keys(opened):
    first = opened.clip_id
    opened.key(Key.Key_1)
    opened.key(Key.Key_Z, CTRL)
    assert opened.labels_on_disk == ()
    assert opened.cells(first)[Column.LABEL] == ""

    opened.key(Key.Key_Z, CTRL | SHIFT)
    assert [label.answer for label in opened.labels_on_disk] == ["anger"]
    opened.key(Key.Key_Z, CTRL)
    opened.key(Key.Key_Y, CTRL)

    assert [label.answer for label in opened.labels_on_disk] == ["anger"]
    assert opened.window.actions_["undo"].text().startswith("&Undo Label")


def test_undo_goes_back_to_its_clip_and_says_what_it_took_back(opened):
    first, second, _ = opened.clip_ids
    opened.key(Key.Key_1)
    assert opened.clip_id == second

    opened.key(Key.Key_Z, CTRL)

    assert opened.clip_id == first
    assert opened.window.bottom.saved_text == "Undone: Label k_0001 as anger ✓"
    opened.window.clip_list.choose(second)
    opened.key(Key.Key_Y, CTRL)
    assert opened.clip_id == first
    assert opened.window.bottom.saved_text == "Done again: Label k_0001 as anger ✓"
    opened.key(Key.Key_2)
    assert opened.window.bottom.saved_text == "saved ✓"


def test_delete_removes_the_label_of_the_clip(opened):
    opened.key(Key.Key_1)
    opened.key(Key.Key_Up)

    opened.key(Key.Key_Delete)

    assert opened.labels_on_disk == ()
    assert opened.window.actions_["remove_label"].toolTip() == "This clip has no label."


def test_without_going_on_the_answer_stays_marked(opened):
    first = opened.clip_id
    opened.window.actions_["auto_advance"].trigger()

    opened.key(Key.Key_2)

    assert opened.clip_id == first
    assert opened.button("Happiness, key 2").isChecked()
    assert not opened.button("Anger, key 1").isChecked()


def test_the_next_clip_without_an_answer(opened):
    first, second, third = opened.clip_ids
    opened.window.actions_["auto_advance"].trigger()
    opened.key(Key.Key_Down)
    opened.key(Key.Key_1)
    opened.key(Key.Key_Up)
    assert opened.clip_id == first

    opened.key(Key.Key_Down, CTRL)

    assert opened.clip_id == third
    assert second != third


def test_fifty_clips_are_labelled_by_keys_alone(driver, tmp_path, recordings):
    import shutil

    folder = tmp_path / "fifty"
    folder.mkdir()
    for number in range(50):
        shutil.copy(recordings / "k_0002.wav", folder / f"c_{number:02}.wav")
    driver.open(folder)

    for number in range(50):
        driver.key((Key.Key_1, Key.Key_2, Key.Key_X, Key.Key_U)[number % 4])

    assert len(driver.labels_on_disk) == 50
    assert len({label.clip_id for label in driver.labels_on_disk}) == 50
    assert driver.studio.clips.num_answered() == 50


def test_typing_into_the_filter_labels_nothing(opened):
    field = opened.window.clip_list.text_filter
    opened.key(Key.Key_F, CTRL)
    assert opened.window.focusWidget() is field

    opened.type(field, "asdf1234xuwqejklr")
    opened.key(Key.Key_Space, widget=field)
    opened.key(Key.Key_Backspace, widget=field)

    assert field.text() == "asdf1234xuwqejklr"
    assert opened.labels_on_disk == ()


def test_enter_in_the_filter_goes_to_the_list_and_accepts_nothing(opened):
    opened.suggest(opened.clip_id)
    field = opened.window.clip_list.text_filter
    field.setFocus()

    opened.key(Key.Key_Return, widget=field)

    assert opened.labels_on_disk == ()
    assert opened.window.focusWidget() is opened.window.clip_list.table


def test_the_clip_on_screen_stays_while_the_list_is_filtered(opened):
    first = opened.clip_id

    opened.window.clip_list.text_filter.setText("k_0003")

    assert opened.clip_id == first
    assert len(opened.clip_ids) == 1
    opened.key(Key.Key_Down)
    assert opened.clip_id == opened.clip_ids[0]


def test_an_answer_that_could_not_be_written_is_not_called_saved(opened):
    folder = opened.studio.project.store.folder
    away = folder.with_name("away.clser-project")
    folder.rename(away)

    opened.key(Key.Key_1)
    assert opened.window.bottom.saved_text == "last answer not saved ✕"
    assert "was moved, deleted or disconnected" in opened.window.message_bar.text
    assert opened.studio.clips.num_answered() == 0

    away.rename(folder)
    opened.key(Key.Key_1)
    assert opened.window.bottom.saved_text == "saved ✓"
    assert len(opened.labels_on_disk) == 1


def test_a_read_only_project_says_why_it_takes_no_answer(opened, recordings):
    folder = opened.studio.project.store.folder
    opened.studio.project.close()
    opened.studio.project.open(folder, read_only=True)

    opened.key(Key.Key_1)

    assert opened.labels_on_disk == ()
    assert opened.button("Anger, key 1").toolTip() == "The project is read-only."
    assert opened.window.bottom.saved_text == "read-only"
