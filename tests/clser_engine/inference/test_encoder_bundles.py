"""Tests of encoder bundles: from a checkpoint to a bundle and back, with and without torch."""

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch

from clser_engine.bundle import load_card
from clser_engine.errors import BundleError
from clser_engine.inference.predictor import load_predictor
from clser_engine.inference.streaming import StreamingPredictor
from tests.tiny_checkpoints import NAMES

CHUNK = 7_000


def same(first, second, atol=1e-4):
    np.testing.assert_allclose(first.posteriors.values, second.posteriors.values, atol=atol)
    np.testing.assert_array_equal(first.posteriors.speech, second.posteriors.speech)
    np.testing.assert_allclose(first.utterance.posterior, second.utterance.posterior, atol=atol)
    np.testing.assert_allclose(first.functionals, second.functionals, atol=10 * atol)


@pytest.mark.parametrize("name", NAMES)
def test_every_architecture_gives_the_same_posteriors_in_both_runtimes(tiny_bundle, speech, name):
    folder = tiny_bundle(name)
    onnx, in_torch = (load_predictor(folder, runtime=runtime) for runtime in ("onnx", "torch"))

    assert onnx.card.kind == "encoder"
    assert set(onnx.card.files) == {
        "config.json", "familiarity.safetensors", "groups.safetensors", "head.onnx", "model.onnx",
        "weights.safetensors",
    }  # fmt: skip
    for samples in (speech(2.0), speech(1.13, seed=3), speech(0.3, seed=2)[:300]):
        found = onnx.analyze_samples(samples)
        same(found, in_torch.analyze_samples(samples))
        assert len(found.posteriors.values) == -(-len(samples) // 320)
        np.testing.assert_allclose(found.posteriors.values.sum(axis=1), 1, atol=1e-5)
    spread = np.ptp(onnx.analyze_samples(speech(2.0)).posteriors.values, axis=0)
    assert spread.max() > 0.01  # the heads say something


@pytest.mark.parametrize("name", ["wav2vec2", "w2v-bert", "whisper"])
def test_a_batch_gives_what_each_recording_gets_alone(tiny_bundle, speech, name):
    predictor = load_predictor(tiny_bundle(name))
    recordings = [speech(s, seed=i)[: round(s * 16_000)] for i, s in enumerate((1.2, 0.4, 0.02))]

    for samples, found in zip(recordings, predictor.analyze_batch(recordings), strict=True):
        same(found, predictor.analyze_samples(samples))


def test_a_long_recording_goes_in_windows_that_hardly_matter(tiny_bundle, speech):
    predictor = load_predictor(tiny_bundle("xls-r"))
    card = predictor.card
    samples = speech(71.3)
    passes = []
    analyze = predictor._runtime.analyze
    predictor._runtime.analyze = lambda w: passes.append(len(w[0])) or analyze(w)

    found = predictor.analyze_samples(samples)

    assert card.window_ms == 30_000
    assert max(passes) <= 16 * card.window_ms  # memory does not grow with the recording
    assert len(passes) == 3
    assert len(found.posteriors.values) == -(-len(samples) // 320)
    assert np.isfinite(found.functionals).all()
    # The first window knows nothing of what comes after its look-ahead of 2.5 s.
    first = predictor.analyze_samples(samples[: round(27.5 * 16_000)])
    frames = 25 * 50
    np.testing.assert_array_equal(
        found.posteriors.values[:frames], first.posteriors.values[:frames]
    )
    # Elsewhere the windows differ from one pass over everything, by little.
    whole, _ = predictor._runtime.frames(samples)
    difference = np.abs(found.posteriors.values[: len(whole)] - whole)
    assert np.median(difference) < 0.02


def test_a_stream_gives_a_posterior_for_every_frame(tiny_bundle, speech):
    predictor = load_predictor(tiny_bundle("wavlm-large"))
    stream = StreamingPredictor(predictor)
    samples = speech(6.01)

    parts = [stream.push(samples[i : i + CHUNK]) for i in range(0, len(samples), CHUNK)]
    parts.append(stream.flush())

    assert sum(len(part.values) for part in parts) == -(-len(samples) // 320)
    assert len(parts[0].values) == 0  # its look-ahead is declared


@pytest.mark.parametrize("kind", ["compact", "encoder"])
def test_analysis_needs_neither_torch_nor_transformers(tiny_bundle, speech, tmp_path, kind):
    model = "default" if kind == "compact" else str(tiny_bundle("wav2vec2"))
    soundfile.write(tmp_path / "a.wav", speech(2.5), 16_000, subtype="FLOAT")
    blocked = ("torch", "torchaudio", "transformers", "peft", "accelerate", "onnx")
    program = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({blocked!r}))\n"  # None makes their import fail
        "from clser_engine.cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = ["analyze", str(tmp_path / "a.wav"), "--model", model, "--out", str(tmp_path / "out")]

    done = subprocess.run(
        [sys.executable, "-c", program, *command], capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stderr
    values = json.loads((tmp_path / "out" / "a.json").read_text(encoding="utf-8"))
    expected = load_predictor(model, runtime="torch").analyze(tmp_path / "a.wav")
    np.testing.assert_allclose(values["posteriors"], expected.posteriors.values, atol=1e-4)


def test_merged_adapters_give_the_posteriors_that_training_ended_with(
    tiny_checkpoint, tmp_path, speech
):
    from clser_engine.backbones.lora import merge_adapters
    from clser_engine.backbones.registry import load_backbone
    from tests.tiny_bundles import build_classifier, save_bundle

    backbone = load_backbone(tiny_checkpoint("wavlm"), tuning="lora")
    with torch.no_grad():
        adapters = [p for n, p in backbone.named_parameters() if "lora_B" in n]
        for parameter in adapters:
            parameter.normal_(std=0.3)
    model = build_classifier(backbone)
    samples = torch.from_numpy(speech(2.0))[None]
    with torch.inference_mode():
        expected = model(samples, torch.tensor([samples.shape[1]]))[0][0].numpy()
    merge_adapters(backbone)

    folder = save_bundle(model, tmp_path / "lora.clser-model")

    assert adapters
    for runtime in ("onnx", "torch"):
        predictor = load_predictor(folder, runtime=runtime)
        found = predictor.analyze_samples(samples[0].numpy()).posteriors.values
        np.testing.assert_allclose(found[: len(expected)], expected, atol=1e-4)


def test_a_backbone_that_does_not_fit_its_weights_is_named(tiny_bundle, tmp_path):
    from shutil import copytree

    from clser_engine.inference.torch_runtime import load_weights

    folder = copytree(tiny_bundle("wav2vec2"), tmp_path / "other.clser-model")
    description = json.loads((folder / "config.json").read_text())
    description["config"]["hidden_size"] = 32
    (folder / "config.json").write_text(json.dumps(description))

    with pytest.raises(BundleError) as raised:
        load_weights(load_card(folder))

    assert str(raised.value) == (
        f"{folder / 'weights.safetensors'} does not fit its card; install the model again."
    )
