"""Tests of clser_engine.training.train_method: from manifests to a bundle, on tiny encoders."""

import json

import numpy as np
import pytest
import soundfile
import torch

from clser_engine.audio.read import read_mono
from clser_engine.backbones.lora import LoraSettings
from clser_engine.backbones.registry import fetch, load_backbone
from clser_engine.bundle import load_card, verify_files
from clser_engine.cli.main import main
from clser_engine.config.sections import (
    BackboneSettings,
    DataSettings,
    ModelSettings,
    OptimiserSettings,
    ScheduleSettings,
    TrainingSettings,
)
from clser_engine.data.splits import assert_disjoint
from clser_engine.errors import Cancelled, ConfigError, ManifestError, TrainingError
from clser_engine.inference.predictor import load_predictor
from clser_engine.inference.runtimes import build_runtime
from clser_engine.methods.registry import Run, load_run
from clser_engine.methods.supervised import SupervisedMethod, SupervisedRun
from clser_engine.models.encoder_classifier import EncoderClassifier
from clser_engine.runtime import RunContext
from clser_engine.training.checkpoint import load_tensors
from clser_engine.training.events import read_events
from clser_engine.training.non_speech import TAUGHT, make_noises
from clser_engine.training.processes import start_processes
from clser_engine.training.train_method import embed_samples, train_method
from tests.tiny_pipelines import publish

ARCHITECTURES = ("wav2vec2", "hubert", "wavlm", "data2vec", "w2v-bert", "whisper")
CLASSES = ("anger", "sadness")


def make_run(root, checkpoint, **changes):
    values = {
        "name": "toy",
        "classes": CLASSES,
        "licence": "CC0-1.0",
        "data": DataSettings(
            root=str(root),
            manifests=("one/manifest.csv", "two/manifest.csv"),
            longest_s=0.7,
            validation_share=0.25,
            sounds=14,
        ),
        "backbone": BackboneSettings(name=str(checkpoint), tuning="lora"),
        "model": ModelSettings(embedding_size=16),
        "optimiser": OptimiserSettings(head=1e-2, lora=1e-2),
        "schedule": ScheduleSettings(warmup_steps=2),
        "training": TrainingSettings(
            steps=20, batch_size=8, validate_every=10, checkpoint_every=20
        ),
    }
    return Run(method="supervised", settings=SupervisedRun(**values | changes))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_encoder_of_the_hub_is_adapted_exported_and_reloaded_with_the_same_posteriors(
    architecture, toy_corpora, tiny_checkpoint, hub, tmp_path
):
    name = f"tiny/{architecture}"
    hub.add(name, tiny_checkpoint(architecture))
    fetch(name)

    train_and_compare(name, toy_corpora, tmp_path)

    of_the_folder = load_backbone(tiny_checkpoint(architecture)).state_dict()
    for key, tensor in load_backbone(name, offline=True).state_dict().items():
        assert torch.equal(tensor, of_the_folder[key])


@pytest.mark.parametrize("architecture", ["TINY_LARGE", "TINY_WAVLM"])
def test_a_pipeline_is_adapted_exported_and_reloaded_with_the_same_posteriors(
    architecture, toy_corpora, hub, monkeypatch, tmp_path
):
    name = publish(architecture, hub, monkeypatch, tmp_path)
    fetch(name)

    train_and_compare(name, toy_corpora, tmp_path)


def train_and_compare(name, toy_corpora, tmp_path):
    """Adapt an encoder in 20 steps; its bundle says what the network with its adapters says."""
    folder = tmp_path / "run"

    result = train_method(make_run(toy_corpora, name), folder, RunContext(), device="cpu")

    card = load_card(folder / "toy.clser-model")
    verify_files(card)
    waveform, rate = soundfile.read(toy_corpora / "three" / "3.wav", dtype="float32")
    assert rate == 16_000
    # The adapters beside the weights, as they were trained, without export or merging.
    backbone = load_backbone(name, tuning="lora", lora=LoraSettings(), offline=True)
    model = EncoderClassifier(backbone, CLASSES, **card.architecture).eval()
    best = load_tensors(folder / "best.safetensors")
    assert sum("lora_" in key for key in best) > 0
    assert max(float(t.abs().max()) for key, t in best.items() if "lora_B" in key) > 0
    model.load_state_dict(
        {key.removeprefix("model."): tensor for key, tensor in best.items()}, strict=False
    )
    model.frame_temperature.fill_(card.values["metrics"]["frames_temperature"])
    with torch.inference_mode():
        posteriors, speech, embedding, _ = (
            t[0].numpy() for t in model(torch.from_numpy(waveform)[None])
        )
    for library in ("onnx", "torch"):
        found = build_runtime(card, library, "cpu").analyze([waveform])[0]
        np.testing.assert_allclose(found[0], posteriors, atol=1e-4)
        np.testing.assert_array_equal(found[1], speech)
        np.testing.assert_allclose(found[2], embedding, atol=1e-4)
    assert result["steps"] == 20
    assert result["model"] == str(folder / "toy.clser-model")


def test_an_encoder_is_tuned_whole_up_to_the_layer_that_is_read(
    toy_corpora, tiny_checkpoint, tmp_path
):
    """The block above that layer has no gradient, and the front end none that is used."""
    checkpoint = tiny_checkpoint("hubert")
    backbone = BackboneSettings(name=str(checkpoint), tuning="full", layer=1)
    steps = TrainingSettings(
        steps=2, batch_size=4, accumulation=2, validate_every=2, average_decay=0.0
    )
    run = make_run(toy_corpora, checkpoint, backbone=backbone, training=steps)

    train_method(run, tmp_path / "run", RunContext(), device="cpu")

    before = dict(load_backbone(checkpoint, tuning="full").named_parameters())
    best = load_tensors(tmp_path / "run" / "best.safetensors")
    moved = {
        name for name, tensor in before.items()
        if not torch.equal(best.get(f"model.backbone.{name}", tensor), tensor)
    }  # fmt: skip
    assert any(".layers.0." in name or ".blocks.0." in name for name in moved)
    assert not any(".layers.1." in name or ".blocks.1." in name for name in moved)
    rates = read_events(tmp_path / "run")[0]["learning_rates"]
    assert set(rates) == {"head", "encoder"}


def test_stretches_longer_than_the_encoder_takes_are_refused(
    toy_corpora, tiny_checkpoint, tmp_path
):
    run = make_run(toy_corpora, tiny_checkpoint("whisper"), data=DataSettings(longest_s=8.0))

    with pytest.raises(ConfigError, match=r"^Bad data.longest_s: got 8, expected at most 1.5 with"):
        train_method(run, tmp_path / "run", RunContext(), device="cpu")


def test_held_out_speakers_are_embedded_apart_each_recording_as_it_is_alone(
    toy_corpora, tiny_checkpoint
):
    run = make_run(toy_corpora, tiny_checkpoint("hubert")).settings
    with start_processes("cpu", "no") as processes:
        method = SupervisedMethod.build(run, processes, RunContext())
        method.network.eval()
        parts = {part: method.embed(part, processes) for part in ("train", "validation")}

    assert_disjoint({part: found.utterances for part, found in parts.items()})
    assert len(parts["train"].utterances) + len(parts["validation"].utterances) == 32
    assert {u.corpus for u in parts["validation"].utterances} == {"one", "two"}
    for found in parts.values():
        assert len(found.embeddings) == len(found.utterances) == len(found.emotions)
        for utterance, embedding, emotion in zip(
            found.utterances, found.embeddings, found.emotions, strict=True
        ):
            alone = embed_samples(method.model, read_mono(utterance.path))
            np.testing.assert_allclose(embedding, alone, atol=1e-3)
            assert CLASSES[emotion] == utterance.emotion


@pytest.fixture(scope="module")
def trained(toy_corpora, tiny_checkpoint, tmp_path_factory):
    """The run folder of a frozen encoder with heads."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    run = make_run(
        toy_corpora,
        tiny_checkpoint("xls-r"),
        backbone=BackboneSettings(name=str(tiny_checkpoint("xls-r")), tuning="frozen"),
        training=TrainingSettings(steps=60, batch_size=12, validate_every=20, checkpoint_every=60),
    )
    train_method(run, folder, RunContext(), device="cpu")
    return folder


def test_the_run_folder_tells_what_the_run_was_made_from(trained, toy_corpora, tiny_checkpoint):
    facts = json.loads((trained / "run.json").read_text())

    assert set(facts["data_hashes"]) == {
        "one/manifest.csv", "two/manifest.csv", "audio/one", "audio/two"
    }  # fmt: skip
    assert facts["backbone"]["fingerprint"] == load_backbone(tiny_checkpoint("xls-r")).fingerprint
    assert facts["seed"] == 0
    assert facts["device"] == "cpu"
    assert {"torch", "transformers", "accelerate"} <= set(facts["versions"])
    assert facts["training_recordings"] + facts["validation_recordings"] == 32
    assert facts["frames_kept_bytes"] > 0
    assert load_run(trained).settings.training.steps == 60
    assert sorted(path.name for path in trained.iterdir()) == [
        "best.safetensors", "checkpoints", "config.toml", "events.jsonl", "result.json",
        "run.json", "tensorboard", "toy.clser-model",
    ]  # fmt: skip


def test_heads_on_a_frozen_encoder_learn_and_the_card_tells_the_figures(trained):
    events = [event for event in read_events(trained) if event["event"] == "step"]
    card = load_card(trained / "toy.clser-model")

    assert events[-1]["losses"]["utterance"] < 0.85 * events[0]["losses"]["utterance"]
    assert card.corpora == ("one", "two")
    assert card.values["corpus_licences"] == {"one": ["free"], "two": ["free"]}
    assert card.values["backbone"]["licence"] == "apache-2.0"
    assert card.values["metrics"]["project_uar"] >= 75
    assert "apache-2.0" in (card.folder / "NOTICE.txt").read_text()
    assert card.values["training"]["data_hashes"]


def test_the_model_analyses_recordings_like_any_other(trained, toy_corpora):
    predictor = load_predictor(str(trained / "toy.clser-model"))

    analysis = predictor.analyze(toy_corpora / "three" / "2.wav", RunContext())

    assert analysis.posteriors.classes == CLASSES
    assert np.allclose(analysis.posteriors.values.sum(axis=1), 1, atol=1e-5)
    assert analysis.functionals.shape == (16,)
    assert analysis.utterance.emotion in CLASSES


def test_the_model_knows_speech_from_noise_and_adapts_to_a_project(trained, toy_corpora):
    predictor = load_predictor(str(trained / "toy.clser-model"))
    paths = sorted((toy_corpora / "three").glob("*.wav"))
    spoken = [predictor.analyze(path, RunContext()) for path in paths]
    noises = [
        predictor.analyze_samples(samples).utterance.ood_score
        for made in make_noises(TAUGHT, 2, seed=5).values()
        for samples in made
    ]

    strangeness = np.array([analysis.utterance.ood_score for analysis in spoken])
    functionals = np.stack([analysis.functionals for analysis in spoken])
    scores = predictor.score_project(functionals)

    assert np.mean(np.array(noises)[:, None] > strangeness) > 0.75  # AUROC
    assert np.mean([analysis.utterance.is_known for analysis in spoken]) >= 0.8
    known = sum(analysis.utterance.is_known for analysis in spoken)
    assert scores.summary.words == f"adapted to {known} clips of this project"
    metrics = predictor.card.values["metrics"]
    assert {"known_speech", "least_disagreement_project", "speaker_ece_after"} <= set(metrics)


def test_the_command_evaluates_a_trained_encoder(trained, toy_corpora, capsys):
    model = str(trained / "toy.clser-model")
    manifest = str(toy_corpora / "three" / "manifest.csv")

    code = main(
        ["evaluate", "--model", model, "--manifest", manifest, "--statistics", "project", "--json"]
    )

    assert code == 0
    assert json.loads(capsys.readouterr().out)["clips"] == 16


def test_a_class_nobody_shows_and_a_manifest_nobody_wrote_are_named(
    toy_corpora, tiny_checkpoint, tmp_path
):
    run = make_run(toy_corpora, tiny_checkpoint("wav2vec2"), classes=("anger", "fear"))

    with pytest.raises(ManifestError, match=r"^The class 'fear' has no recording in the manifests"):
        train_method(run, tmp_path / "run", RunContext(), device="cpu")

    run = make_run(
        toy_corpora, tiny_checkpoint("wav2vec2"), data=DataSettings(manifests=("no.csv",))
    )
    with pytest.raises(ManifestError, match=r"^no\.csv"):
        train_method(run, tmp_path / "run", RunContext(), device="cpu")


def test_a_run_that_is_stopped_behind_its_last_step_is_finished_later(
    toy_corpora, tiny_checkpoint, tmp_path
):
    run = make_run(toy_corpora, tiny_checkpoint("wavlm"))
    stop = RunContext(lambda stage, done, total: stop.cancel() if stage == "noises" else None)
    with pytest.raises(Cancelled):
        train_method(run, tmp_path / "run", stop, device="cpu")
    assert not (tmp_path / "run" / "toy.clser-model").exists()
    steps = len(read_events(tmp_path / "run"))

    result = train_method(run, tmp_path / "run", RunContext(), resume=True, device="cpu")

    assert result["steps"] == 20
    assert len(read_events(tmp_path / "run")) == steps
    verify_files(load_card(tmp_path / "run" / "toy.clser-model"))


def test_other_recordings_are_noticed_when_a_run_goes_on(toy_corpora, tiny_checkpoint, tmp_path):
    root = tmp_path / "corpora"
    for name in ("one", "two"):
        (root / name).mkdir(parents=True)
        for path in (toy_corpora / name).iterdir():
            (root / name / path.name).write_bytes(path.read_bytes())
    run = make_run(root, tiny_checkpoint("wav2vec2"))
    stop = RunContext(lambda stage, done, total: stop.cancel() if "loss" in stage else None)
    with pytest.raises(Cancelled):
        train_method(run, tmp_path / "run", stop, device="cpu")
    samples, rate = soundfile.read(root / "one" / "0.wav")
    soundfile.write(root / "one" / "0.wav", 0.5 * samples, rate)

    with pytest.raises(TrainingError) as raised:
        train_method(run, tmp_path / "run", RunContext(), resume=True, device="cpu")

    assert str(raised.value) == (
        f"{tmp_path / 'run'} was begun with other recordings or labels; bring that back or begin "
        "anew in another folder."
    )
