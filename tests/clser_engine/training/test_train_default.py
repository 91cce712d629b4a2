"""Tests of clser_engine.training, from manifests to a bundle, on a toy corpus."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from clser_engine.bundle import load_card, verify_files
from clser_engine.config.model_config import RunConfig
from clser_engine.data.features_cache import compute_features
from clser_engine.data.manifest import read_manifest
from clser_engine.errors import BadValueError, ConfigError
from clser_engine.evaluation.evaluate import evaluate
from clser_engine.evaluation.loco import assert_disjoint, run_folds, summarise
from clser_engine.inference.predictor import load_predictor
from clser_engine.runtime import RunContext
from clser_engine.training.compact import train_model
from clser_engine.training.scoring import frame_logits, head_logits
from clser_engine.training.train_default import load_training_data, train_bundle


@pytest.fixture(scope="module")
def config(toy_corpora):
    return RunConfig(
        name="toy",
        data_root=str(toy_corpora),
        manifests=("one/manifest.csv", "two/manifest.csv"),
        classes=("anger", "sadness"),
        alterations=1,
        concatenations=4,
        speech_steps=4,
        sounds=14,
        shrinkage=0.9,  # tones differ so clearly that posteriors would show how floats are rounded
    )


@pytest.fixture(scope="module")
def data(config, tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("CLSER_HOME", str(tmp_path_factory.mktemp("home")))
    yield load_training_data(config, RunContext())
    patch.undo()


@pytest.fixture(scope="module")
def bundle(config, tmp_path_factory):
    """A bundle trained on two of the toy corpora."""
    folder = tmp_path_factory.mktemp("models") / "toy.clser-model"
    train_bundle(config, folder, RunContext())
    return folder


def test_equal_seeds_give_equal_weights_and_others_do_not(data, config):
    first, again = (train_model(data, config, RunContext()).state_dict() for _ in range(2))
    other = train_model(data, replace(config, seed=1), RunContext()).state_dict()

    assert all(torch.equal(first[name], again[name]) for name in first)
    for name in ("frames.head.output.weight", "speech.input.weight"):
        assert not torch.equal(first[name], other[name])


def test_a_trained_model_tells_the_toy_emotions_of_a_new_corpus_apart(data, config, toy_corpora):
    model = train_model(data, config, RunContext())
    target = compute_features(read_manifest(toy_corpora / "three" / "manifest.csv"))
    truth = np.array([config.classes.index(u.emotion) for u in target.utterances])

    alone, project = head_logits(model, target.functionals)

    assert (alone.argmax(axis=1) == truth).mean() > 0.9
    assert (project.argmax(axis=1) == truth).mean() > 0.9


def test_the_bundle_gives_the_numbers_of_the_trainer(bundle, config, toy_corpora):
    predictor = load_predictor(bundle)
    model = load_predictor(bundle, runtime="torch")._runtime._model
    target = compute_features(read_manifest(toy_corpora / "three" / "manifest.csv"))

    alone, _ = head_logits(model, target.functionals)
    frames = frame_logits(model, target)

    for row in (0, 1, 5):
        analysis = predictor.analyze(target.utterances[row].path)
        np.testing.assert_allclose(
            analysis.functionals, target.functionals[row], atol=1e-3, rtol=1e-3
        )
        expected = torch.from_numpy(alone[row]).softmax(dim=0).numpy()
        np.testing.assert_allclose(analysis.utterance.posterior, expected, atol=1e-3)
        expected = torch.from_numpy(frames[row][0]).softmax(dim=1).numpy()
        np.testing.assert_allclose(analysis.posteriors.values, expected, atol=1e-4)


def test_the_card_says_what_the_model_was_trained_on(bundle):
    card = load_card(bundle)
    verify_files(card)

    assert (card.corpora, card.languages) == (("one", "two"), ("qaa", "qab"))
    assert card.values["corpus_licences"] == {"one": ["free"], "two": ["free"]}
    metrics = card.values["metrics"]
    assert metrics["one_file_ece_after"] <= metrics["one_file_ece_before"] + 5
    assert metrics["onnx_max_difference"] < 1e-4
    assert card.values["training"]["config"]["seed"] == 0


def test_a_notice_names_licence_and_corpora(bundle):
    text = (bundle / "NOTICE.txt").read_text()

    assert "licensed CC-BY-NC-SA-4.0" in text
    assert "- one: free\n- two: free\n" in text


def test_a_known_corpus_is_refused_and_a_new_one_is_scored(bundle, toy_corpora):
    predictor = load_predictor(bundle)

    with pytest.raises(BadValueError) as raised:
        evaluate(predictor, read_manifest(toy_corpora / "two" / "manifest.csv"))
    assert str(raised.value) == (
        "Model 'toy' was trained on two, so its figures there would mean nothing; "
        "use a corpus that its card does not name."
    )

    target = read_manifest(toy_corpora / "three" / "manifest.csv")
    for statistics in ("none", "project", "speaker"):
        result = evaluate(predictor, target, statistics=statistics)
        assert (result.figures["clips"], result.figures["speakers"]) == (16, 4)
        assert result.figures["uar_low"] <= result.figures["uar"] <= result.figures["uar_high"]
        assert result.classes == ("anger", "sadness")
    assert result.figures["uar"] > 80


def test_bad_arguments_of_an_evaluation_are_named(bundle, toy_corpora):
    predictor = load_predictor(bundle)
    target = read_manifest(toy_corpora / "three" / "manifest.csv")

    with pytest.raises(BadValueError) as raised:
        evaluate(predictor, target, statistics="all")
    assert (
        str(raised.value)
        == "Bad statistics: got 'all', expected one of none, project, speaker or auto."
    )
    with pytest.raises(BadValueError) as raised:
        evaluate(predictor, target, classes=["fear", "anger"])
    assert str(raised.value) == "Bad class: got 'fear', expected one of anger, sadness."
    with pytest.raises(BadValueError) as raised:
        evaluate(predictor, [u for u in target if u.emotion == "anger"])
    assert str(raised.value) == (
        "Model and manifest share 1 of the classes anger, sadness; at least two are needed."
    )


def test_left_out_corpora_are_judged_by_models_that_never_heard_them(data, config, tmp_path):
    partial = tmp_path / "partial.jsonl"

    folds = run_folds(data, [0, 1], config, partial, RunContext())

    figures, rows = summarise(folds, data)
    assert [(row["target"], row["seed"]) for row in rows] == [
        ("one", 0), ("two", 0), ("one", 1), ("two", 1),
    ]  # fmt: skip
    assert figures["seeds"] == 2
    mean = np.mean([row["uar_project"] for row in rows])
    assert figures["loco_uar_project"] == pytest.approx(mean)
    assert figures["loco_uar_project_low"] <= mean <= figures["loco_uar_project_high"]
    # An interrupted run is taken up: a fold on disk is read, not computed.
    lines = [json.loads(line) for line in partial.read_text().splitlines()]
    lines[0]["predicted"]["one_file"] = [0] * 16
    partial.write_text("\n".join(json.dumps(line) for line in lines) + '\n{"cut o')
    again = run_folds(data, [0, 1], config, partial, RunContext())
    assert again[0].predicted["one_file"].tolist() == [0] * 16
    assert len(partial.read_text().splitlines()) == 5


def test_a_leak_is_noticed(data):
    utterances = data.versions[0].utterances

    with pytest.raises(AssertionError, match="leak: path"):
        assert_disjoint(utterances, utterances[:1])
    with pytest.raises(AssertionError, match="leak: speaker_key"):
        assert_disjoint(utterances[:1], [replace(utterances[1])])


def test_features_come_from_the_cache_the_second_time(toy_corpora, monkeypatch):
    utterances = read_manifest(toy_corpora / "three" / "manifest.csv")
    first = compute_features(utterances)

    monkeypatch.setattr("clser_engine.data.features_cache.read_mono", None)
    again = compute_features(utterances)

    np.testing.assert_array_equal(again.functionals, first.functionals)
    for one, other in zip(again.descriptors, first.descriptors, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_run_without_data_is_named(config):
    with pytest.raises(ConfigError) as raised:
        load_training_data(replace(config, manifests=()), RunContext())
    assert str(raised.value) == "Bad manifests: got none, expected at least one."
    with pytest.raises(ConfigError) as raised:
        load_training_data(replace(config, classes=("anger", "fear")), RunContext())
    assert str(raised.value) == "Bad classes: no recording of 'fear' is in the manifests."
