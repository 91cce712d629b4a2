"""Tests of app.services.project_store: any edits in any order go back to the byte."""

import os
import random
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.clips import Probe
from app.domain.edits import Edit
from app.services.project_store import ProjectStore
from clser_engine.labels import USUAL_EMOTIONS
from tests.app.services.stored_projects import contents, make_clip, make_label


class Person:
    """Does random things to a project, of every kind that an edit can be."""

    def __init__(self, store, rng):
        self.store, self.rng, self.number = store, rng, 0

    def act(self):
        doing = self.rng.choices(
            [
                self.add,
                self.label,
                self.change,
                self.unlabel,
                self.remove,
                self.undo,
                self.redo,
                self.emotions,
                self.find_out,
            ],
            weights=[3, 8, 4, 3, 1, 3, 2, 1, 1],
        )[0]
        doing()

    def add(self):
        clips = []
        for _ in range(self.rng.choice([1, 1, 3])):
            self.number += 1
            clips.append(make_clip(f"/r/ü {self.number}.wav", speaker="\n'\"", language="sw"))
        self.store.apply(
            Edit(name="Add", added_clips=tuple(clips)), chained=self.rng.random() < 0.2
        )

    def label(self):
        if clips := self.store.clips():
            clip, start_s = self.rng.choice(clips), self.rng.random()
            span = {"start_s": start_s, "end_s": start_s + 0.1} if start_s < 0.5 else {}
            label = make_label(clip, self.rng.choice(["anger", "unsure", "悲しみ"]), **span)
            self.store.apply(Edit(name="Label", added_labels=(label,)))

    def change(self):
        if labels := self.store.labels():
            label = self.rng.choice(labels)
            changed = replace(label, answer="fear", suggestion_confidence=self.rng.random())
            self.store.apply(Edit(name="Change", removed_labels=(label,), added_labels=(changed,)))

    def unlabel(self):
        if labels := self.store.labels():
            some = self.rng.sample(labels, min(len(labels), 3))
            self.store.apply(Edit(name="Unlabel", removed_labels=tuple(some)))

    def remove(self):
        if clips := self.store.clips():
            clip = self.rng.choice(clips)
            labels = self.store.labels_of(clip.clip_id)
            self.store.apply(Edit(name="Remove", removed_clips=(clip,), removed_labels=labels))

    def emotions(self):
        before = self.store.emotions()
        after = tuple(self.rng.sample(USUAL_EMOTIONS, self.rng.randint(1, 7)))
        self.store.apply(Edit(name="Emotions", emotions_before=before, emotions_after=after))

    def find_out(self):
        if clips := self.store.clips():
            path = self.rng.choice(clips).path
            self.store.store_probe(Probe(path=path, duration_s=self.rng.random()))

    def undo(self):
        self.store.undo()

    def redo(self):
        self.store.redo()


@pytest.fixture
def quick_folder():
    """A folder in memory where there is one: ten thousand commits wait for a disk otherwise."""
    memory = Path("/dev/shm")
    parent = tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else None)
    yield Path(parent, "a.clser-project")
    shutil.rmtree(parent)


@pytest.mark.timeout(1200)
def test_ten_thousand_random_steps_and_undoing_all_leave_every_byte_as_it_was(quick_folder):
    store = ProjectStore.create(quick_folder)
    clip = make_clip()
    store.apply(Edit(name="Add", added_clips=(clip,)))
    store.apply(Edit(name="Label", added_labels=(make_label(clip),)))
    before = contents(quick_folder)
    person = Person(store, random.Random(20))
    for step in range(10_000):
        person.act()
        if step == 5_000:  # half-way through, everything is closed and opened
            store.close()
            person.store = store = ProjectStore.open(quick_folder)
    after = contents(quick_folder)
    assert after["labels"]
    steps = 0
    while store.undo_name is not None:
        store.undo()
        steps += 1
    assert steps > 500
    assert contents(quick_folder) == {"clips": [], "labels": [], "emotions": before["emotions"]}

    store.redo()
    store.redo()
    assert contents(quick_folder) == before
    for _ in range(steps - 2):
        store.redo()
    assert contents(quick_folder) == after
    store.close()


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 60))
def test_memory_and_disk_agree_after_any_steps(tmp_path_factory, seed, steps):
    folder = tmp_path_factory.mktemp("random") / "a.clser-project"
    with ProjectStore.create(folder) as store:
        person = Person(store, random.Random(seed))
        for _ in range(steps):
            person.act()
        memory = (store.clips(), store.labels(), store.emotions(), dict(store.probes()))
        names = (store.undo_name, store.redo_name)
    with ProjectStore.open(folder) as again:
        disk = (again.clips(), again.labels(), again.emotions(), dict(again.probes()))
        assert disk == memory
        assert (again.undo_name, again.redo_name) == names
    shutil.rmtree(folder)
