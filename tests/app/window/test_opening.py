"""Opening, adding and closing through the window: drop, command line, dialogs, recent list."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QLabel

from app.application import Studio
from app.dialogs.clip_fields_dialog import ClipFields
from app.dialogs.emotions_dialog import EmotionSet
from app.domain.speakers import SpeakerSource
from app.models.clip_table import Column
from app.services.project_store import ProjectStore
from clser_engine.labels import USUAL_EMOTIONS, Emotion

Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def drop(window, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    event = QDropEvent(
        QPointF(10, 10),
        Qt.DropAction.CopyAction | Qt.DropAction.MoveAction,  # as file managers offer
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dropEvent(event)
    return event.dropAction()  # not the event, which would outlive its data


def names(driver):
    return [driver.cells(clip_id)[Column.NAME] for clip_id in driver.clip_ids]


def test_recordings_from_the_command_line_get_a_project_of_their_own(opened, recordings):
    store = opened.studio.project.store

    assert store.name == "market"
    assert names(opened) == ["k_0001", "k_0002", "k_0003"]
    assert opened.cells(opened.clip_id)[Column.LENGTH] == "1.0 s"
    assert sorted(path.name for path in recordings.iterdir()) == [
        "k_0001.wav",
        "k_0002.wav",
        "k_0003.wav",
    ]


def test_the_same_folder_finds_its_labels_again(opened, recordings, qtbot):
    opened.key(Key.Key_1)
    folder = opened.studio.project.store.folder
    opened.studio.project.close()

    opened.open(recordings)

    assert opened.studio.project.store.folder == folder
    assert [label.answer for label in opened.labels_on_disk] == ["anger"]
    assert len(opened.clip_ids) == 3


def test_files_are_dropped_into_the_open_project(opened, tmp_path, recordings):
    other = tmp_path / "other.wav"
    shutil.copy(recordings / "k_0001.wav", other)

    action = drop(opened.window, other)
    opened.wait_until(lambda: len(opened.clip_ids) == 4)

    assert action == Qt.DropAction.CopyAction, "the file must not be moved"
    assert other.exists()
    opened.wait_until(lambda: opened.window.message_bar.text == "Added 1 recording.")


def test_a_project_is_dropped(driver, tmp_path):
    ProjectStore.create(tmp_path / "Talk.clser-project", name="Talk").close()

    drop(driver.window, tmp_path / "Talk.clser-project")

    assert driver.studio.project.store.name == "Talk"
    assert driver.window.windowTitle() == "Talk – CLSER Studio"
    assert driver.window.clip_list.empty_text.startswith("This project has no clips yet.")


def test_a_file_that_is_no_recording_has_its_sentence_in_the_list(opened, tmp_path):
    bad = tmp_path / "notes.wav"
    bad.write_text("not audio")

    drop(opened.window, bad)
    opened.wait_until(lambda: len(opened.clip_ids) == 4)
    opened.wait_until(lambda: not opened.studio.recordings.is_busy)
    opened.window.clip_list.choose(opened.studio.project.store.clips()[-1].clip_id)

    assert opened.cells(opened.clip_id)[Column.LABEL] == "cannot be read"
    assert "notes.wav" in opened.window.annotate.text
    opened.key(Key.Key_Space)
    assert not opened.studio.playback.is_playing
    opened.key(Key.Key_1)  # what nobody can hear gets no label
    assert opened.labels_on_disk == ()
    assert opened.button("Anger, key 1").toolTip() == "This recording cannot be read."
    counts = [label.text() for label in opened.window.clip_list.findChildren(QLabel)]
    assert "4 clips, 0 answered, 1 cannot be read" in counts


def test_a_project_that_is_open_elsewhere_is_refused_and_nothing_is_lost(opened, tmp_path):
    folder = tmp_path / "Busy.clser-project"
    with ProjectStore.create(folder, name="Busy"):
        drop(opened.window, folder)

        assert "Busy" in opened.window.message_bar.text
        assert opened.studio.project.store.name == "market"
        opened.key(Key.Key_1)

    assert len(opened.labels_on_disk) == 1


def test_a_path_that_does_not_exist_is_said_and_no_project_is_made(driver, tmp_path):
    driver.studio.open([tmp_path / "gone"])

    assert driver.window.message_bar.text == (
        f"{tmp_path / 'gone'} does not exist; open it from where it is now."
    )
    assert driver.studio.project.store is None


def test_dialogs_open_make_and_add(driver, ask, tmp_path, recordings):
    ask.answers["new_project"] = tmp_path / "New.clser-project"
    driver.key(Key.Key_N, CTRL)
    assert driver.studio.project.store.name == "New"

    ask.answers["recordings"] = (recordings / "k_0001.wav",)
    driver.key(Key.Key_O, CTRL | SHIFT)
    driver.wait_until(lambda: len(driver.clip_ids) == 1)
    driver.wait_until(lambda: not driver.studio.recordings.is_busy)

    ask.answers["folder_of_recordings"] = recordings
    driver.key(Key.Key_F, CTRL | SHIFT)
    driver.wait_until(lambda: len(driver.clip_ids) == 3)

    driver.key(Key.Key_W, CTRL)
    assert driver.studio.project.store is None
    assert "Ctrl+O" in driver.window.clip_list.empty_text

    ask.answers["project_to_open"] = tmp_path / "New.clser-project"
    driver.key(Key.Key_O, CTRL)
    assert len(driver.clip_ids) == 3


def test_the_first_recording_of_a_project_is_selected_where_the_list_has_the_focus(
    driver, ask, tmp_path, recordings
):
    ask.answers["new_project"] = tmp_path / "New.clser-project"
    driver.key(Key.Key_N, CTRL)
    clip_list = driver.window.clip_list
    rows, picked = clip_list.table.model(), clip_list.table.selectionModel()
    no_update = QItemSelectionModel.SelectionFlag.NoUpdate
    rows.rowsInserted.connect(  # as Qt does when the focus comes back from a dialog
        lambda: picked.setCurrentIndex(rows.index(0, 0), no_update)
    )

    ask.answers["folder_of_recordings"] = recordings
    driver.key(Key.Key_F, CTRL | SHIFT)
    driver.wait_until(lambda: len(driver.clip_ids) == 3)

    assert clip_list.selected_clip_ids() == (clip_list.current_clip_id(),)


def test_a_question_without_an_answer_changes_nothing(opened):
    for action_id in (
        *("new_project", "open_project", "add_files", "add_folder", "locate_missing"),
        *("import_labels", "export_labels", "clip_fields", "edit_emotions"),
    ):
        opened.window.actions_[action_id].trigger()

    assert opened.studio.project.store.name == "market"
    assert opened.studio.project.store.undo_name == "Add 3 recordings"


def test_language_and_speaker_of_the_selected_clips_are_one_step(opened, ask):
    opened.window.clip_list.table.selectAll()
    ask.answers["clip_fields"] = ClipFields(language="sw", speaker=None)  # leaves the speakers

    opened.key(Key.Key_L, CTRL)

    assert ask.asked[-1] == ("clip_fields", ClipFields(language="", speaker=""), 3)
    assert {opened.cells(clip_id)[Column.LANGUAGE] for clip_id in opened.clip_ids} == {"sw"}
    opened.key(Key.Key_Z, CTRL)
    assert {opened.cells(clip_id)[Column.LANGUAGE] for clip_id in opened.clip_ids} == {""}


def test_names_of_files_name_the_speakers_in_one_step(opened, ask):
    opened.window.clip_list.table.selectAll()
    ask.answers["clip_fields"] = ClipFields(
        language="sw", speaker=None, speaker_source=SpeakerSource.FILE_START
    )

    opened.key(Key.Key_L, CTRL)

    for column, value in ((Column.SPEAKER, "k"), (Column.LANGUAGE, "sw")):
        assert {opened.cells(clip_id)[column] for clip_id in opened.clip_ids} == {value}
    opened.key(Key.Key_Z, CTRL)
    assert {opened.cells(clip_id)[Column.SPEAKER] for clip_id in opened.clip_ids} == {""}
    assert {opened.cells(clip_id)[Column.LANGUAGE] for clip_id in opened.clip_ids} == {""}


def test_removed_clips_come_back_with_their_labels(opened):
    first = opened.clip_id
    opened.key(Key.Key_1)
    opened.window.clip_list.choose(first)

    opened.key(Key.Key_Delete, CTRL)
    assert first not in opened.clip_ids
    assert opened.studio.annotate.clip is not None
    opened.key(Key.Key_Z, CTRL)

    assert opened.cells(first)[Column.LABEL] == "anger"


def test_a_new_emotion_gets_its_button_and_its_key(opened, ask):
    calm = Emotion(name="calm", letter="C", colour="#117733", key="5")
    ask.answers["emotions"] = EmotionSet(emotions=(*USUAL_EMOTIONS[:4], calm))
    opened.window.actions_["edit_emotions"].trigger()

    opened.key(Key.Key_5)

    assert [label.answer for label in opened.labels_on_disk] == ["calm"]
    assert opened.button("Calm, key 5").isEnabled()
    opened.key(Key.Key_Z, CTRL)
    opened.key(Key.Key_Z, CTRL)
    assert not any("Calm" in text for text in opened.window.label_bar.button_texts)


def test_an_emotion_in_use_is_renamed_with_its_labels_in_one_step(opened, ask):
    first = opened.clip_id
    opened.key(Key.Key_1)
    fury = replace(USUAL_EMOTIONS[0], name="fury")
    ask.answers["emotions"] = EmotionSet(
        emotions=(fury, *USUAL_EMOTIONS[1:4]), renames={"anger": "fury"}
    )

    opened.window.actions_["edit_emotions"].trigger()

    assert [label.answer for label in opened.labels_on_disk] == ["fury"]
    assert opened.cells(first)[Column.LABEL] == "fury"
    assert opened.button("Fury, key 1").isEnabled()
    opened.key(Key.Key_Z, CTRL)
    assert [label.answer for label in opened.labels_on_disk] == ["anger"]
    assert opened.button("Anger, key 1").isEnabled()


def test_labels_are_exported_and_imported(opened, ask, tmp_path):
    opened.key(Key.Key_1)
    ask.answers["file_to_write"] = tmp_path / "labels.csv"
    opened.key(Key.Key_E, CTRL)
    opened.wait_until(lambda: (tmp_path / "labels.csv").exists())
    opened.wait_until(lambda: "Exported 1 label" in opened.window.message_bar.text)
    with open(tmp_path / "labels.csv", newline="", encoding="utf-8") as file:
        assert "anger" in next(csv.DictReader(file)).values()
    opened.key(Key.Key_Z, CTRL)
    assert opened.labels_on_disk == ()

    ask.answers["labels_to_import"] = tmp_path / "labels.csv"
    opened.window.actions_["import_labels"].trigger()
    opened.wait_until(lambda: len(opened.labels_on_disk) == 1)

    assert opened.labels_on_disk[0].answer == "anger"


def test_textgrids_go_into_a_folder_come_back_and_are_not_written_over(opened, ask, tmp_path):
    opened.key(Key.Key_1)
    folder = tmp_path / "grids"
    ask.answers["file_to_write"] = folder.with_suffix(".TextGrid")
    opened.key(Key.Key_E, CTRL)
    opened.wait_until(lambda: f"the folder {folder}" in opened.window.message_bar.text)
    [grid] = folder.iterdir()
    before = grid.read_bytes()
    opened.key(Key.Key_Z, CTRL)
    opened.key(Key.Key_2)

    opened.key(Key.Key_E, CTRL)
    opened.wait_until(lambda: "exists already" in opened.window.message_bar.text)
    assert grid.read_bytes() == before
    opened.key(Key.Key_Z, CTRL)
    assert opened.labels_on_disk == ()
    ask.answers["textgrids_to_import"] = folder
    opened.window.actions_["import_textgrids"].trigger()
    opened.wait_until(lambda: len(opened.labels_on_disk) == 1)

    assert opened.labels_on_disk[0].answer == "anger"


def test_posteriors_are_exported_once_there_are_some(opened, ask, tmp_path):
    action = opened.window.actions_["export_posteriors"]
    assert action.toolTip() == "The model has not heard this clip yet."
    opened.suggest(opened.clip_id)
    ask.answers["file_to_write"] = tmp_path / "out.json"

    action.trigger()

    opened.wait_until(lambda: (tmp_path / "out.json").exists())


def test_moved_recordings_are_found_again(opened, ask, recordings, tmp_path):
    store = opened.studio.project.store
    opened.wait_until(lambda: all(clip.sha256 for clip in store.clips()))
    folder = store.folder
    opened.studio.project.close()
    moved = tmp_path / "elsewhere"
    recordings.rename(moved)
    with_signal = []
    opened.studio.recordings.missing_found.connect(with_signal.append)
    opened.studio.project.open(folder)
    opened.wait_until(lambda: with_signal == [3])
    assert "Locate missing files" in opened.window.message_bar.text

    ask.answers["folder_to_search"] = moved
    opened.window.actions_["locate_missing"].trigger()
    opened.wait_until(
        lambda: all(
            Path(clip.path).parent == moved and not clip.problem
            for clip in opened.studio.project.store.clips()
        )
    )


def test_the_first_run_opens_the_demo_with_three_sentences(driver):
    driver.studio.open([])
    driver.wait_until(lambda: "F1" in driver.window.message_bar.text)

    assert len(driver.window.message_bar.text.split(".")) - 1 == 3
    assert driver.studio.project.store.name == "Demo (synthetic voices)"
    assert {driver.cells(clip_id)[Column.LANGUAGE] for clip_id in driver.clip_ids} == {
        "de",
        "en",
        "sw",
    }
    driver.click(driver.button("Dismiss the message"))
    assert driver.window.message_bar.text == ""


def test_clip_zoom_and_project_are_there_the_next_time(opened, qtbot, ask):
    opened.key(Key.Key_Down)
    opened.wait_until(lambda: opened.studio.source.source is not None)
    opened.key(Key.Key_W)
    clip_id, span = opened.clip_id, opened.window.timeline.visible_span
    assert span.duration_s < 0.4
    opened.studio.close()

    again = Studio(starts_engine=False, ask=ask)
    qtbot.addWidget(again.window)
    again.show()
    with qtbot.waitSignal(again.source.source_completed):
        again.open([])

    assert again.project.store.name == "market"
    assert again.annotate.clip.clip_id == clip_id
    shown = again.window.timeline.visible_span
    assert (shown.start_s, shown.end_s) == pytest.approx((span.start_s, span.end_s))
    again.close()


def test_place_and_layout_of_the_window_are_there_the_next_time(studio, qtbot, ask):
    studio.window.resize(studio.window.minimumSizeHint().width(), 700)
    studio.window.annotate.splitter.setSizes([400, 600])
    sizes = studio.window.annotate.splitter.sizes()
    studio.close()

    again = Studio(starts_engine=False, ask=ask)
    qtbot.addWidget(again.window)
    again.show()

    assert again.window.height() == 700  # the width is cut to the small screen of the tests
    assert again.window.annotate.splitter.sizes() == pytest.approx(sizes, abs=2)
    again.close()


def test_what_was_opened_is_in_the_recent_list(opened, recordings):
    menu = opened.window.actions_.menu("&File/Open &recent")
    texts = [action.toolTip() for action in menu.actions()]

    assert str(opened.studio.project.store.folder) in texts
    assert str(recordings) in texts
    opened.studio.project.close()
    menu.actions()[0].trigger()
    assert opened.studio.project.store.name == "market"


def test_another_project_takes_its_place_in_the_same_window(opened, recordings, qtbot):
    folder = opened.studio.project.store.folder
    opened.studio.project.open(folder, read_only=True)
    opened.wait_until(lambda: opened.window.annotate.text == "")
    qtbot.wait(100)
    shown = [w for w in QApplication.topLevelWidgets() if w.isVisible()]

    assert shown == [opened.window], "no button of before is a window of its own"
    assert QApplication.activeWindow() is opened.window
