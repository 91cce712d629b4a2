"""Tests of app.services.project_store: what is applied is on the disk and can go back."""

import shutil
import time
from dataclasses import replace

import pytest

from app.domain.clips import Guess, Probe
from app.domain.edits import Edit
from app.errors import ProjectError
from app.services import project_store
from app.services.project_store import NETWORK_NOTE, ProjectStore
from clser_engine.labels import usual_emotion
from tests.app.services.stored_projects import DECIDED, contents, make_clip, make_label


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "market talk.clser-project"


@pytest.fixture
def store(folder):
    with ProjectStore.create(folder) as store:
        yield store


@pytest.fixture
def clip(store):
    clip = make_clip()
    store.apply(Edit(name="Add k_0031", added_clips=(clip,)))
    return clip


def test_a_new_project_is_empty_and_has_the_shared_emotions(store, folder):
    assert store.name == "market talk"
    assert store.folder == folder
    assert store.clips() == ()
    assert store.labels() == ()
    assert [emotion.name for emotion in store.emotions()] == [
        "anger",
        "happiness",
        "sadness",
        "neutral",
    ]
    assert store.undo_name is None
    assert store.redo_name is None
    assert not store.is_read_only
    assert store.notes == ()


def test_a_project_keeps_its_name_and_emotions(folder):
    emotions = (usual_emotion("fear"), usual_emotion("disgust"))
    ProjectStore.create(folder, name="Kikuyu market talk", emotions=emotions).close()

    with ProjectStore.open(folder) as store:
        assert store.name == "Kikuyu market talk"
        assert store.emotions() == emotions


def test_a_label_is_on_the_disk_when_apply_returns(store, folder, clip):
    label = make_label(clip, start_s=0.1, end_s=1 / 3, suggestion_confidence=0.1 + 0.2)

    changes = store.apply(Edit(name="Label k_0031 as anger", added_labels=(label,)))

    assert changes.label_ids == {label.label_id}
    assert changes.clip_ids == {clip.clip_id}
    assert [row[0] for row in contents(folder)["labels"]] == [f"'{label.label_id}'"]
    store.close()
    with ProjectStore.open(folder) as again:
        assert again.labels() == (label,)
        assert again.label(label.label_id) == label
        assert again.labels_of(clip.clip_id) == (label,)


def test_commits_are_durable(store):
    cursor = store._writer.connection.connection.driver_connection.cursor()

    assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert cursor.execute("PRAGMA synchronous").fetchone() == (2,)
    assert cursor.execute("PRAGMA busy_timeout").fetchone() == (2000,)


def test_on_a_network_share_the_safe_journal_is_used_and_said(folder, monkeypatch):
    ProjectStore.create(folder).close()
    monkeypatch.setattr(project_store, "is_on_network_share", lambda folder: True)

    with ProjectStore.open(folder) as store:
        cursor = store._writer.connection.connection.driver_connection.cursor()
        assert cursor.execute("PRAGMA journal_mode").fetchone() == ("truncate",)
        assert cursor.execute("PRAGMA synchronous").fetchone() == (2,)
        assert store.notes == (NETWORK_NOTE,)
        store.apply(Edit(name="Add", added_clips=(make_clip(),)))
        assert len(contents(folder)["clips"]) == 1


def test_undo_and_redo_outlive_a_restart(store, folder, clip):
    first, second = make_label(clip), make_label(clip, "unsure", start_s=0.0, end_s=1.0)
    store.apply(Edit(name="Label k_0031 as anger", added_labels=(first,)))
    store.apply(Edit(name="Label k_0031 as unsure", added_labels=(second,)))
    store.undo()
    store.close()

    with ProjectStore.open(folder) as again:
        assert (again.undo_name, again.redo_name) == (
            "Label k_0031 as anger",
            "Label k_0031 as unsure",
        )
        assert again.redo().label_ids == {second.label_id}
        assert again.labels() == (first, second)
        assert again.redo() is None
        for _ in range(3):
            again.undo()
        assert again.undo() is None
        assert again.clips() == ()


def test_a_new_edit_ends_what_could_be_redone(store, clip):
    store.apply(Edit(name="Label", added_labels=(make_label(clip),)))
    store.undo()

    store.apply(Edit(name="Label again", added_labels=(make_label(clip, "sadness"),)))

    assert store.redo_name is None
    assert store.redo() is None
    assert [label.answer for label in store.labels()] == ["sadness"]


def test_parts_of_one_name_are_undone_and_redone_as_one(store, clip):
    clips = [make_clip(f"/recordings/{number}.wav") for number in range(6)]
    for at in range(0, 6, 2):
        part = Edit(name="Add 6 recordings", added_clips=tuple(clips[at : at + 2]))
        store.apply(part, chained=at > 0)

    undone = store.undo()
    assert {c.clip_id for c in undone.edit.removed_clips} == {c.clip_id for c in clips}
    assert store.clips() == (clip,)
    assert store.redo_name == "Add 6 recordings"

    store.redo()
    assert len(store.clips()) == 7
    assert store.redo_name is None


def test_what_the_person_does_between_parts_is_a_step_of_its_own(store, clip):
    one, other = make_clip("/recordings/1.wav"), make_clip("/recordings/2.wav")
    store.apply(Edit(name="Add 2 recordings", added_clips=(one,)))
    store.apply(Edit(name="Label k_0031 as anger", added_labels=(make_label(clip),)))
    store.apply(Edit(name="Add 2 recordings", added_clips=(other,)), chained=True)

    store.undo()

    assert store.undo_name == "Label k_0031 as anger"
    assert len(store.labels()) == 1


@pytest.mark.parametrize(
    ("edit_of", "reason"),
    [
        (
            lambda clip, label: Edit(name="X", removed_labels=(replace(label, answer="fear"),)),
            "label {label} is not as it was",
        ),
        (
            lambda clip, label: Edit(name="X", added_labels=(label,)),
            "label {label} is there already",
        ),
        (
            lambda clip, label: Edit(name="X", removed_clips=(replace(clip, speaker="s"),)),
            "clip {path} is not as it was",
        ),
        (lambda clip, label: Edit(name="X", added_clips=(clip,)), "clip {clip} is there already"),
        (lambda clip, label: Edit(name="X", removed_clips=(clip,)), "clip {clip} still has labels"),
        (
            lambda clip, label: Edit(
                name="X", added_labels=(replace(label, label_id="l", clip_id="gone"),)
            ),
            "label l has no clip gone",
        ),
        (
            lambda clip, label: Edit(name="X", removed_labels=(label, label)),
            "a row is named twice",
        ),
        (
            lambda clip, label: Edit(name="X", emotions_before=(), emotions_after=()),
            "the emotions are not as they were",
        ),
        (
            lambda clip, label: Edit(name="X", emotions_after=()),
            "the emotions before and after do not belong together",
        ),
    ],
)
def test_an_edit_that_could_not_be_undone_exactly_is_refused(store, folder, clip, edit_of, reason):
    label = make_label(clip)
    store.apply(Edit(name="Label", added_labels=(label,)))
    before = contents(folder, (*DECIDED, "edits"))

    with pytest.raises(ProjectError) as raised:
        store.apply(edit_of(clip, label))

    reason = reason.format(label=label.label_id, clip=clip.clip_id, path=clip.path)
    assert str(raised.value) == (
        f"X cannot be done because the project has changed meanwhile ({reason}); do it again."
    )
    assert contents(folder, (*DECIDED, "edits")) == before


def test_what_is_found_out_is_kept_and_never_undone(store, folder, clip):
    probe = Probe(path=clip.path, sha256="ab", duration_s=2.5, sample_rate_hz=16000, channels=1)
    guess = Guess(
        clip_id=clip.clip_id,
        emotion="sadness",
        confidence=0.75,
        model="default@01",
        statistics="project (3 clips)",
        is_known=False,
        notice="It is unlike anything that the model was trained on.",
    )

    assert store.store_probe(probe).clip_ids == {clip.clip_id}
    assert store.store_guesses([guess]).clip_ids == {clip.clip_id}
    store.store_view_state("clip", clip.clip_id)
    store.store_view_state("clip", clip.clip_id)
    assert store.undo_name == "Add k_0031"
    store.undo()
    store.redo()

    for again in (store, ProjectStore.open(folder, read_only=True)):
        assert again.clip(clip.clip_id) == replace(
            clip, sha256="ab", duration_s=2.5, sample_rate_hz=16000, channels=1
        )
        assert again.guesses() == {clip.clip_id: guess}
        assert again.probes() == {clip.path: probe}
        assert again.view_state == {"clip": clip.clip_id}


def test_a_newer_probe_and_guess_take_the_place_of_the_older(store, clip):
    for confidence in (0.5, 0.9):
        store.store_guesses(
            [
                Guess(
                    clip_id=clip.clip_id,
                    emotion="anger",
                    confidence=confidence,
                    model="m",
                    statistics="none",
                )
            ]
        )
    store.store_probe(Probe(path=clip.path, problem="It is empty."))
    store.store_probe(Probe(path=clip.path, duration_s=1.0))

    assert store.guesses()[clip.clip_id].confidence == 0.9
    assert store.clip(clip.clip_id).problem == ""
    assert store.clip(clip.clip_id).duration_s == 1.0


def test_a_clip_that_comes_with_facts_brings_them_along(store, folder):
    clip = make_clip(duration_s=3.0, sample_rate_hz=8000, channels=2, sha256="cd")

    changes = store.apply(Edit(name="Add", added_clips=(clip,)))

    assert changes.edit.added_clips == (clip,)
    assert ProjectStore.open(folder, read_only=True).clips() == (clip,)


def test_clips_and_labels_keep_the_order_in_which_they_came(store, folder):
    clips = tuple(make_clip(f"/recordings/{number}.wav") for number in (10, 2, 33))
    store.apply(Edit(name="Add", added_clips=clips))
    labels = tuple(make_label(clip) for clip in reversed(clips))
    store.apply(Edit(name="Label", added_labels=labels))
    store.apply(Edit(name="Remove", removed_labels=labels[:1]))
    store.undo()

    assert store.clips() == clips
    assert store.labels() == labels
    assert store.clips_of("/recordings/2.wav") == (clips[1],)
    assert store.clips_by_id()[clips[2].clip_id] == clips[2]
    with ProjectStore.open(folder, read_only=True) as again:
        assert (again.clips(), again.labels()) == (clips, labels)


def test_a_step_of_ten_thousand_labels_is_undone_in_time(store):
    clips = tuple(make_clip(f"/recordings/{number}.wav") for number in range(10_000))
    store.apply(Edit(name="Add", added_clips=clips))
    store.apply(Edit(name="Label all", added_labels=tuple(make_label(clip) for clip in clips)))

    times_s = []
    for _ in range(3):
        start_s = time.process_time()
        store.undo()
        times_s.append(time.process_time() - start_s)
        store.redo()

    assert min(times_s) < 3  # quadratic work takes minutes


def test_a_backup_is_a_project_of_its_own(store, tmp_path, clip):
    label = make_label(clip)
    store.apply(Edit(name="Label", added_labels=(label,)))

    copy = store.back_up("before-import")
    store.undo()

    assert copy.parent.name == "backups"
    other = tmp_path / "other.clser-project"
    other.mkdir()
    shutil.copy(copy, other / "project.sqlite")
    with ProjectStore.open(other) as again:
        assert again.labels() == (label,)
        assert again.undo_name == "Label"


def test_closing_twice_does_nothing(store):
    store.close()
    store.close()


def test_a_text_that_is_no_unicode_changes_nothing(store, folder, clip):
    with pytest.raises(ProjectError, match=r"is not valid Unicode .*; rename the file or correct"):
        store.apply(Edit(name="Add", added_clips=(make_clip("/r/caf\udce9.wav"),)))

    assert store.clips() == (clip,)
    assert len(contents(folder)["clips"]) == 1
    assert store.undo_name == "Add k_0031"
