"""Tests of the project and label controllers: one edit a step, one sentence a refusal."""

import pytest

from app.controllers.label_controller import LabelController
from app.controllers.project_controller import ProjectController
from app.domain.clips import Clip, Guess, Probe
from app.domain.edits import Edit
from app.domain.ids import new_id
from app.domain.labels import Origin
from app.domain.progress import Progress
from app.domain.time_span import TimeSpan
from app.services.project_store import ProjectStore
from clser_engine.labels import NONE_OF_THESE, UNSURE, usual_emotion

GUESS = Guess(clip_id="", emotion="sadness", confidence=0.7, model="default@01", statistics="none")


class Heard:
    """What the signals said."""

    def __init__(self, project, labels):
        self.opened, self.closed, self.changes, self.failures, self.saved = [], [], [], [], []
        project.project_opened.connect(self.opened.append)
        project.project_closed.connect(lambda: self.closed.append(project.store))
        project.changed.connect(self.changes.append)
        project.failed.connect(self.failures.append)
        labels.failed.connect(self.failures.append)
        labels.saved.connect(self.saved.append)


@pytest.fixture
def project(qapp):
    project = ProjectController()
    yield project
    project.close()


@pytest.fixture
def labels(project):
    return LabelController(project, lambda: "Wanjiru")


@pytest.fixture
def heard(project, labels):
    return Heard(project, labels)


@pytest.fixture
def clip(project, tmp_path):
    clip = Clip(
        clip_id=new_id(), path="/recordings/k_0031.wav", duration_s=2.0, speaker="s1", language="ki"
    )
    assert project.create(tmp_path / "a.clser-project", name="Market talk")
    project.apply(Edit(name="Add", added_clips=(clip,)))
    return clip


def test_creating_opening_and_closing_are_told_in_order(project, heard, tmp_path):
    assert project.create(tmp_path / "a.clser-project", name="A")
    first = project.store
    assert project.create(tmp_path / "b.clser-project")

    assert heard.opened == [first, project.store]
    assert heard.closed == [first], "the old one is still there when it is told"
    project.close()
    project.close()
    assert len(heard.closed) == 2
    assert project.store is None
    assert ProjectStore.open(tmp_path / "a.clser-project").close() is None


def test_opening_what_is_open_does_nothing(project, heard, tmp_path):
    project.create(tmp_path / "a.clser-project")

    assert project.open(tmp_path / "a.clser-project")
    assert project.open(str(tmp_path / "a.clser-project" / "project.sqlite"))

    assert len(heard.opened) == 1
    assert heard.failures == []


def test_what_cannot_be_opened_leaves_what_is_open(project, heard, tmp_path):
    project.create(tmp_path / "a.clser-project")
    other = ProjectStore.create(tmp_path / "other.clser-project")
    offered = []
    project.read_only_offered.connect(offered.append)

    assert not project.open(tmp_path / "gone.clser-project")
    assert not project.open(tmp_path / "other.clser-project")
    assert not project.create(tmp_path / "other.clser-project")

    assert project.store.folder == tmp_path / "a.clser-project"
    assert [text.split(" ")[0] for text in heard.failures] == ["The", "The", str(other.folder)]
    assert offered == [other.folder], "what is gone cannot be looked at"
    assert project.open(offered[0], read_only=True)
    assert project.store.is_read_only
    other.close()


def test_without_a_project_each_change_says_so(project, labels, heard):
    project.undo()
    project.redo()
    project.apply(Edit(name="X"))
    labels.set_emotions([])
    labels.answer("c", "anger")
    labels.remove("l")
    project.store_view_state("clip", "c")

    no_project = "No project is open; open one or make a new one first."
    assert heard.failures == [
        no_project,
        no_project,
        no_project,
        no_project,
        "This recording is no longer in the project.",
        "This label is no longer there.",
    ]
    assert labels.progress() == Progress(clips=0, clips_done=0)


def test_an_answer_is_on_the_disk_when_it_is_told(project, labels, heard, clip):
    on_disk = []
    folder = project.store.folder
    labels.saved.connect(
        lambda label_id: on_disk.append(
            ProjectStore.open(folder, read_only=True).label(label_id).answer
        )
    )

    label = labels.answer(clip.clip_id, "anger", None, GUESS, True)

    assert on_disk == ["anger"]
    assert heard.saved == [label.label_id]
    assert (label.annotator, label.origin) == ("Wanjiru", Origin.HAND)
    assert (label.suggested_by, label.suggestion) == ("default@01", "sadness")
    assert (label.suggestion_confidence, label.suggestion_seen) == (0.7, True)
    assert label.created_at.endswith("+00:00")
    assert project.store.undo_name == "Label k_0031 as anger"


def test_a_new_answer_about_the_same_takes_the_place_of_the_old_in_one_step(project, labels, clip):
    span = TimeSpan(0.25, 1.0)
    for answer in ("anger", NONE_OF_THESE, UNSURE):
        labels.answer(clip.clip_id, answer)
        labels.answer(clip.clip_id, answer, span)
        labels.answer(clip.clip_id, answer, TimeSpan(0.25, 1.5))

    stored = project.store.labels()
    assert [label.answer for label in stored] == [UNSURE] * 3
    assert [label.is_whole_clip for label in stored] == [True, False, False]
    assert project.store.undo_name == "Label k_0031 as unsure"
    project.undo()
    assert sorted(label.answer for label in project.store.labels()) == [
        NONE_OF_THESE,
        UNSURE,
        UNSURE,
    ]


def test_another_annotators_answer_stays(project, labels, clip):
    labels.answer(clip.clip_id, "anger")
    LabelController(project, lambda: "Kamau").answer(clip.clip_id, "neutral")

    assert [label.annotator for label in project.store.labels()] == ["Wanjiru", "Kamau"]


def test_the_same_answer_again_is_no_step(project, labels, heard, clip):
    first = labels.answer(clip.clip_id, "anger")
    steps = len(heard.changes)

    assert labels.answer(clip.clip_id, "anger") == first

    assert len(heard.changes) == steps
    assert heard.saved == [first.label_id] * 2


def test_accepting_a_suggestion_says_where_it_came_from(project, labels, clip):
    project.store_guesses([GUESS])
    assert project.store.labels() == (), "a suggestion is no label"

    label = labels.accept(clip.clip_id, GUESS)

    assert (label.answer, label.origin) == ("sadness", Origin.ACCEPTED)
    assert (label.suggested_by, label.suggestion_seen) == ("default@01", True)
    project.undo()
    assert project.store.labels() == ()


def test_removing_a_label_is_one_step(project, labels, heard, clip):
    label = labels.answer(clip.clip_id, UNSURE)

    assert labels.remove(label.label_id)

    assert project.store.labels() == ()
    assert project.store.undo_name == "Remove label unsure of k_0031"
    project.undo()
    assert project.store.labels() == (label,)
    assert not labels.remove("gone")
    assert heard.failures == ["This label is no longer there."]


@pytest.mark.parametrize(
    ("answer", "span", "sentence"),
    [
        (
            "joy",
            None,
            (
                "joy is none of this project's answers (anger, happiness, sadness, neutral, none of"
                " these, unsure); add it to the emotions first."
            ),
        ),
        (
            "anger",
            TimeSpan(1.0, 2.5),
            (
                "The stretch from 1.000 s to 2.500 s is not inside the recording of 2.000 s;"
                " select a stretch within it."
            ),
        ),
        (
            "anger",
            TimeSpan(1.0, 1.0),
            (
                "The stretch from 1.000 s to 1.000 s is not inside the recording of 2.000 s;"
                " select a stretch within it."
            ),
        ),
    ],
)
def test_a_bad_answer_is_refused_with_a_sentence(
    project, labels, heard, clip, answer, span, sentence
):
    assert labels.answer(clip.clip_id, answer, span) is None

    assert heard.failures == [sentence]
    assert heard.saved == []
    assert project.store.labels() == ()


def test_a_label_that_could_not_be_written_is_not_told_as_saved(project, labels, heard, clip):
    project.store.folder.rename(project.store.folder.with_name("moved"))

    assert labels.answer(clip.clip_id, "anger") is None
    assert project.store_probes([Probe(path=clip.path)]) is None

    assert heard.saved == []
    assert project.store.labels() == ()
    assert all("was moved, deleted or disconnected" in text for text in heard.failures)
    assert len(heard.failures) == 2


def test_renaming_an_emotion_takes_its_labels_along(project, labels, clip):
    label = labels.answer(clip.clip_id, "anger", None, GUESS, True)

    assert labels.rename_emotion("anger", "rage")

    [renamed] = project.store.labels()
    assert (renamed.label_id, renamed.answer) == (label.label_id, "rage")
    assert renamed.suggestion == "sadness", "what the model said stays"
    assert project.store.emotions()[0].name == "rage"
    assert project.store.undo_name == "Rename anger to rage"
    project.undo()
    assert project.store.labels() == (label,)


def test_emotions_can_be_added_and_removed_while_no_label_uses_them(project, labels, heard, clip):
    four = project.store.emotions()
    fear = usual_emotion("fear")
    assert labels.set_emotions([*four, fear])
    assert project.store.undo_name == "Add emotion fear"
    assert heard.changes[-1].emotions_changed
    labels.answer(clip.clip_id, "fear")

    assert not labels.set_emotions(four)
    assert heard.failures == [
        (
            "fear cannot be removed because 1 label of this project uses it; rename it, or change"
            " these labels first."
        )
    ]
    project.undo()
    assert labels.set_emotions(four)
    assert project.store.undo_name == "Remove emotion fear"
    assert labels.set_emotions(four), "no change is no failure"
    assert labels.set_emotions(tuple(reversed(four)))
    assert project.store.undo_name == "Change the emotions"


def test_progress_counts_clips_answers_and_speakers(project, labels, clip):
    others = tuple(
        Clip(clip_id=new_id(), path=f"/r/{n}.wav", speaker="s2" if n else "") for n in range(3)
    )
    project.apply(Edit(name="Add", added_clips=others))
    labels.answer(clip.clip_id, "anger")
    labels.answer(clip.clip_id, "unsure", TimeSpan(0.0, 1.0))
    for other in others[:2]:
        labels.answer(other.clip_id, "anger")

    assert labels.progress() == Progress(
        clips=4,
        clips_done=3,
        labels_by_answer={"anger": 3, "unsure": 1},
        speakers_by_answer={"anger": 2, "unsure": 1},
        speakers=2,
    )


def test_the_window_is_remembered_without_a_step(project, clip):
    project.store_view_state("clip", clip.clip_id)
    assert project.store.view_state == {"clip": clip.clip_id}
    assert project.store.undo_name == "Add"

    project.store.folder.rename(project.store.folder.with_name("moved"))
    project.store_view_state("clip", "other")
