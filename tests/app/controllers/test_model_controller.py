"""Which model is in use: a real project, and an engine in a process of its own."""

import json
import sys
from pathlib import Path

import pytest

from app.controllers.engine_controller import EngineController
from app.controllers.model_controller import ModelController, ModelInUse
from app.controllers.project_controller import ProjectController
from app.jobs.runner import JobRunner
from app.services.engine_process import EngineProcess
from clser_engine.bundle import find_bundle, installed_bundles_folder, load_card

DOUBLE = Path(__file__).parents[2] / "clser_engine" / "service" / "double_engine.py"
TIMEOUT_MS = 20_000


def install(folder):
    """Put the default model's card there once more, as a model of another name."""
    folder.mkdir(parents=True)
    card = json.loads((find_bundle("default") / "card.json").read_text())
    card["name"] = folder.name.removesuffix(".clser-model")
    (folder / "card.json").write_text(json.dumps(card))
    return str(load_card(folder).model_id)


class Desk:
    def __init__(self, qtbot, folder, **facts):
        self._qtbot = qtbot
        self.folder = folder
        self.runner = JobRunner()
        process = EngineProcess(
            cache_folder=folder / "cache",
            log_folder=folder / "log",
            command=(sys.executable, str(DOUBLE)),
        )
        self.engine = EngineController(self.runner, process)
        self.project = ProjectController()
        self.models = ModelController(self.runner, self.engine, self.project, **facts)
        self.told, self.failures = [], []
        self.models.changed.connect(self.told.append)
        self.models.failed.connect(self.failures.append)
        self.project.create(folder / "a.clser-project")

    def wait_for(self, in_use):
        self._qtbot.waitUntil(lambda: self.models.in_use == in_use, timeout=TIMEOUT_MS)


@pytest.fixture
def make_desk(qtbot, tmp_path):
    desks = []

    def make(**facts):
        desks.append(Desk(qtbot, tmp_path, **facts))
        return desks[-1]

    yield make
    for desk in desks:
        desk.project.close()
        assert desk.runner.shutdown() == []


DEFAULT = ModelInUse(reference="default", model=str(load_card(find_bundle("default")).model_id))


def test_without_a_choice_the_default_is_in_use(make_desk):
    desk = make_desk()
    assert desk.models.in_use == ModelInUse(reference="default")

    desk.engine.start()
    desk.wait_for(DEFAULT)

    assert desk.told == [DEFAULT]
    assert [model.reference for model in desk.models.models] == ["default"]


def test_a_choice_belongs_to_the_project(make_desk):
    other = install(installed_bundles_folder() / "other.clser-model")
    desk = make_desk()
    desk.engine.start()
    desk.wait_for(DEFAULT)

    desk.models.choose("other")
    assert desk.models.in_use == ModelInUse(reference="other", model=other, was_chosen=True)

    folder = desk.project.store.folder
    desk.project.create(desk.folder / "b.clser-project")
    assert desk.models.in_use == DEFAULT
    desk.project.open(folder)
    assert desk.models.in_use == ModelInUse(reference="other", model=other)


def test_a_model_in_a_folder_is_asked_for_before_it_is_used(make_desk):
    desk = make_desk(usual="default")
    desk.engine.start()
    desk.wait_for(DEFAULT)
    folder = desk.folder / "mine.clser-model"
    model = install(folder)

    desk.models.choose(str(folder))

    assert desk.models.in_use == ModelInUse(reference=str(folder), was_chosen=True)
    desk.wait_for(ModelInUse(reference=str(folder), model=model, was_chosen=True))


def test_a_model_that_cannot_be_used_gives_way_to_the_default(make_desk):
    desk = make_desk(usual="gone")
    desk.engine.start()
    desk.wait_for(DEFAULT)

    [failure] = desk.failures
    assert failure.startswith(
        "The model of this project cannot be used, so the default hears its clips: No model 'gone'"
    )


def test_the_list_comes_again_from_the_next_engine(make_desk):
    desk = make_desk()
    desk.engine.start()
    desk.wait_for(DEFAULT)
    install(installed_bundles_folder() / "new.clser-model")

    with desk._qtbot.waitSignal(desk.models.models_changed, timeout=TIMEOUT_MS):
        desk.engine.restart()

    assert [model.reference for model in desk.models.models] == ["default", "new"]
