"""Tests of clser_engine.service.installed_models, through a client."""

import json
import shutil

import pytest

from clser_engine.bundle import find_bundle, installed_bundles_folder, load_card
from clser_engine.errors import ServiceError
from clser_engine.runtime import RunContext


@pytest.fixture
def installed(home):
    """The default model once more under another name, and a folder that is no model."""
    folder = installed_bundles_folder()
    (folder / "broken.clser-model").mkdir(parents=True)
    other = folder / "other.clser-model"
    other.mkdir()
    card = json.loads((find_bundle("default") / "card.json").read_text())
    card |= {
        "name": "other",
        "languages": ["swa"],
        "metrics": {"protocol": "By guessing.", "one_file_uar": 25, "bad": float("nan"), "x": "y"},
    }
    (other / "card.json").write_text(json.dumps(card))
    return folder


def test_models_say_what_their_cards_say_and_the_default_comes_first(engine, installed):
    models = engine.client.list_models(RunContext())

    assert [model.reference for model in models] == ["default", "broken", "other"]
    default, broken, other = models
    card = load_card(find_bundle("default"))
    assert default.model_id == card.model_id
    assert default.classes == card.classes
    assert default.languages == card.languages
    assert default.corpora == ("EMO-DB", "nEMO", "RAVDESS")
    assert default.licence == card.licence
    assert default.summary.endswith("on EMO-DB, nEMO, RAVDESS.")
    assert default.figures
    assert other.languages == ("swa",)
    assert (other.protocol, other.figures) == ("By guessing.", {"one_file_uar": 25.0})
    assert broken.problem == (
        f"{installed / 'broken.clser-model'} is no model: it has no readable card.json."
    )


def test_a_folder_is_described_where_it_is_asked_for(engine, installed, tmp_path):
    folder = tmp_path / "mine.clser-model"
    shutil.copytree(installed / "other.clser-model", folder)
    missing = tmp_path / "gone.clser-model"

    models = engine.client.list_models(RunContext(), [str(folder), str(missing), "default"])

    assert [model.reference for model in models] == [
        *("default", "broken", "other", str(folder), str(missing))
    ]
    assert models[3].model_id.name == "other"
    assert models[4].model_id.name == "gone"
    assert models[4].problem.startswith(f"No model '{missing}': expected 'default'")


def test_an_engine_for_others_describes_no_folder(make_engine, tmp_path):
    engine = make_engine(accepts_local_paths=False)

    with pytest.raises(ServiceError, match="This engine uses installed models only, got "):
        engine.client.list_models(RunContext(), [str(tmp_path)])
