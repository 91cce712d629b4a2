"""Tests of clser_engine.inference.predictor, on the model that ships."""

import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from clser_engine.bundle import find_bundle, load_card, write_card
from clser_engine.errors import BadValueError, BundleError, Cancelled, DeviceError
from clser_engine.inference import devices
from clser_engine.inference.predictor import load_predictor
from clser_engine.runtime import RunContext


@pytest.mark.parametrize("seconds", [1 / 16_000, 0.03, 1.0, 3.777, 25.0])
def test_torch_and_onnxruntime_give_the_same_numbers(predictor, recording, seconds):
    other = load_predictor(runtime="torch")
    path = recording(seconds)

    onnx, torch = predictor.analyze(path), other.analyze(path)

    assert np.abs(onnx.posteriors.values - torch.posteriors.values).max() < 1e-4
    assert np.abs(onnx.utterance.posterior - torch.utterance.posterior).max() < 1e-4
    scale = np.maximum(1, np.abs(torch.functionals))
    assert (np.abs(onnx.functionals - torch.functionals) / scale).max() < 1e-4
    assert (other.runtime.split()[0], predictor.runtime.split()[0]) == ("torch", "onnxruntime")


def test_an_analysis_is_whole(predictor, recording):
    analysis = predictor.analyze(recording(2.5))

    assert analysis.duration_s == 2.5
    assert analysis.model == predictor.card.model_id
    assert analysis.posteriors.frame_rate_hz == 25
    assert analysis.posteriors.values.shape == (63, 4)
    np.testing.assert_allclose(analysis.posteriors.values.sum(axis=1), 1, atol=1e-5)
    assert analysis.posteriors.speech.shape == (63,)
    assert ((analysis.posteriors.speech >= 0) & (analysis.posteriors.speech <= 1)).all()
    assert {segment.emotion for segment in analysis.segments} <= set(predictor.card.classes)
    assert analysis.utterance.posterior.sum() == pytest.approx(1, abs=1e-5)
    assert analysis.utterance.confidence == pytest.approx(analysis.utterance.posterior.max())
    best = predictor.card.classes[int(analysis.utterance.posterior.argmax())]
    assert (analysis.utterance.emotion, analysis.utterance.statistics) == (best, "none")


@pytest.mark.parametrize("level", [0.0, 1e-30, 1.0, 1e5, 1e30])
def test_any_finite_level_gives_posteriors(predictor, speech, level):
    for samples in (np.full(20_000, level, np.float32), speech(1.0) * np.float32(level)):
        analysis = predictor.analyze_samples(samples)

        np.testing.assert_allclose(analysis.posteriors.values.sum(axis=1), 1, atol=1e-5)
        assert analysis.utterance.posterior.sum() == pytest.approx(1, abs=1e-5)
        assert np.isfinite(analysis.functionals).all()


def test_blocks_give_the_frames_of_one_pass(predictor, speech):
    samples = speech(47.3)

    in_blocks = predictor.analyze_samples(samples).posteriors
    whole = predictor.frame_posteriors(samples)

    np.testing.assert_allclose(in_blocks.values, whole.values, atol=1e-5)
    np.testing.assert_allclose(in_blocks.speech, whole.speech, atol=1e-5)


def test_how_the_samples_arrive_does_not_matter(predictor, speech, monkeypatch):
    samples = speech(31.0)
    usual = predictor.analyze_samples(samples)

    monkeypatch.setattr("clser_engine.inference.predictor.READ_BLOCK_S", 0.7)
    other = predictor.analyze_samples(samples)

    np.testing.assert_allclose(other.posteriors.values, usual.posteriors.values, atol=1e-6)
    np.testing.assert_allclose(other.functionals, usual.functionals, atol=1e-3, rtol=1e-4)


def test_a_repeated_recording_has_the_functionals_of_one(predictor, speech):
    samples = speech(10.0)

    once = predictor.analyze_samples(samples)
    often = predictor.analyze_samples(np.tile(samples, 6))

    spread = np.abs(once.functionals) + 1
    assert np.median(np.abs(often.functionals - once.functionals) / spread) < 0.05


def test_the_utterance_can_be_computed_again_from_the_functionals(predictor, recording):
    for seconds in (2.0, 30.0):
        analysis = predictor.analyze(recording(seconds))

        [again] = predictor.score(analysis.functionals[None])

        np.testing.assert_allclose(again.posterior, analysis.utterance.posterior, atol=1e-6)


def test_statistics_are_used_and_named(predictor, known_speech):
    functionals = np.stack([analysis.functionals for analysis in known_speech[:5]])

    scores = predictor.score_project(functionals, statistics="project")

    assert {score.statistics for score in scores.utterances} == {"project (5 clips)"}
    assert scores.summary.words == "adapted to 5 clips of this project"
    alone = predictor.score(functionals)
    assert any(
        np.abs(a.posterior - b.posterior).max() > 0.01
        for a, b in zip(scores.utterances, alone, strict=True)
    )
    [one] = predictor.score_project(functionals[:1], statistics="project").utterances
    assert one.statistics == "project (1 clip)"
    assert predictor.score(functionals[:0]) == []


@pytest.mark.parametrize("kind", ["silence", "noise", "one sample"])
def test_what_is_no_voice_gets_no_confident_answer(predictor, kind):
    noise = np.random.default_rng(0).normal(0, 0.05, 48_000).astype(np.float32)
    samples = {"silence": noise * 0, "noise": noise, "one sample": noise[:1]}[kind]

    utterance = predictor.analyze_samples(samples).utterance

    assert utterance.confidence < 0.3
    assert utterance.posterior.sum() == pytest.approx(1.0, abs=1e-5)


def test_a_voice_is_judged_by_the_heads_alone(predictor, known_speech):
    analysis = min(known_speech, key=lambda one: one.utterance.ood_score)
    zeros, ones = (make((analysis.functionals.size,), np.float32) for make in (np.zeros, np.ones))
    alone, _ = predictor._runtime.heads(analysis.functionals[None], zeros, ones, 0)

    expected = np.exp(alone[0]) / np.exp(alone[0]).sum()

    np.testing.assert_allclose(analysis.utterance.posterior, expected, atol=1e-6)


def test_wrong_functionals_are_refused(predictor):
    with pytest.raises(BadValueError) as raised:
        predictor.score(np.zeros((2, 3), np.float32))
    size = predictor.card.values["num_functionals"]
    assert str(raised.value) == (
        f"Bad functionals shape: got (2, 3), expected (B, {size}) from this model."
    )


def test_unknown_runtime_and_device_are_named():
    with pytest.raises(BadValueError) as raised:
        load_predictor(runtime="tvm")
    assert str(raised.value) == "Bad runtime: got 'tvm', expected 'onnx' or 'torch'."
    with pytest.raises(BadValueError) as raised:
        load_predictor(device="tpu")
    assert str(raised.value) == "Bad device: got 'tpu', expected 'auto', 'cpu' or 'cuda'."


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
def test_a_missing_gpu_is_named(monkeypatch, runtime):
    monkeypatch.setattr(devices, "_DRIVER", "libnosuchdriver.so.1")

    with pytest.raises(DeviceError) as raised:
        load_predictor(device="cuda", runtime=runtime)

    assert str(raised.value) == (
        "There is no CUDA device to run on: no NVIDIA driver was found (libnosuchdriver.so.1); "
        "choose 'cpu' or 'auto', or let `clser doctor` look."
    )


def test_progress_is_the_share_of_the_whole_recording(predictor, speech, tmp_path):
    path = tmp_path / "minute.wav"
    soundfile.write(path, np.tile(speech(20.0), 3), 16_000)
    shares = []

    def note(stage, done, total):
        if stage == "analyse":
            shares.append(done / total)

    predictor.analyze(path, RunContext(note))

    assert shares[:3] == pytest.approx([0, 1 / 3, 2 / 3], abs=0.01)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_cancelling_stops_the_work(predictor, recording):
    context = RunContext()
    seen = []
    context = RunContext(lambda stage, done, total: (seen.append(stage), context.cancel()))

    with pytest.raises(Cancelled):
        predictor.analyze(recording(60.0), context)

    assert len(seen) == 1


def test_one_pass_is_short_enough_to_cancel_between(predictor, speech):
    samples = speech(20.0)
    predictor.analyze_samples(samples)

    start = time.process_time()
    predictor.analyze_samples(samples)

    # Progress comes between passes: at least every 200 ms on a processor that is not shared.
    assert time.process_time() - start < 3


def test_normal_use_prints_nothing(recording):
    code = (
        "import sys; from clser_engine.inference.predictor import load_predictor;"
        "load_predictor().analyze(sys.argv[1]);"
        "assert 'torch' not in sys.modules"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, recording(1.0)], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_graph_that_is_none_is_named(tmp_path):
    folder = tmp_path / "broken.clser-model"
    shutil.copytree(find_bundle("default"), folder)
    (folder / "model.onnx").write_bytes(b"no graph")
    write_card(folder, load_card(folder).values)

    with pytest.raises(BundleError) as raised:
        load_predictor(folder)

    assert str(raised.value) == (
        f"{folder} cannot be loaded by onnxruntime; install the model again."
    )


def test_weights_that_do_not_fit_the_card_are_named(tmp_path):
    folder = tmp_path / "other.clser-model"
    shutil.copytree(find_bundle("default"), folder)
    write_card(folder, {**load_card(folder).values, "architecture": {"layers": 3}})

    with pytest.raises(BundleError) as raised:
        load_predictor(folder, runtime="torch")

    assert str(raised.value) == (
        f"{folder / 'weights.safetensors'} does not fit its card; install the model again."
    )
