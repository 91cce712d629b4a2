"""A graphics card gives the processor's numbers to 1e-3, in every runtime and in training."""

import numpy as np
import pytest
import torch

from clser_engine.backbones.registry import load_backbone
from clser_engine.inference.predictor import load_predictor

TOLERANCE = 1e-3


def speech(seconds, seed=0):
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * 16_000)) / 16_000
    phase = 2 * np.pi * (150 * time + 9 * np.sin(2 * np.pi * 0.7 * time + seed))
    tone = sum(np.sin(k * phase) / k for k in range(1, 12))
    gate = np.sin(2 * np.pi * 1.7 * time + seed) > -0.4
    return (0.1 * (tone * gate + 0.03 * rng.standard_normal(len(time)))).astype(np.float32)


@pytest.fixture(params=["default", "wav2vec2", "xls-r", "wavlm", "w2v-bert", "whisper"])
def model(request, tiny_bundle, device):
    if device == "cpu" and request.param not in ("default", "xls-r"):
        pytest.skip("on a processor one encoder shows that the test itself works")
    return request.param if request.param == "default" else tiny_bundle(request.param)


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
def test_posteriors_are_the_processors(model, runtime, device, device_name):
    reference = load_predictor(model, device="cpu")
    predictor = load_predictor(model, runtime=runtime, device=device)

    assert predictor.device == device_name
    assert predictor.notice == ""
    for seconds in (0.03, 2.5, 33.0) if device == "cuda" else (0.03, 2.5):
        expected = reference.analyze_samples(speech(seconds))
        found = predictor.analyze_samples(speech(seconds))
        np.testing.assert_allclose(
            found.posteriors.values, expected.posteriors.values, atol=TOLERANCE
        )
        np.testing.assert_allclose(
            found.utterance.posterior, expected.utterance.posterior, atol=TOLERANCE
        )
    assert predictor.device == device_name  # and stayed there


def test_a_batch_gives_what_each_recording_gets_alone(model, device):
    predictor = load_predictor(model, device=device)
    recordings = [speech(seconds, seed=i) for i, seconds in enumerate((1.4, 0.7, 1.1, 0.1))]

    for samples, found in zip(recordings, predictor.analyze_batch(recordings), strict=True):
        alone = predictor.analyze_samples(samples)
        np.testing.assert_allclose(found.posteriors.values, alone.posteriors.values, atol=TOLERANCE)


def test_auto_takes_the_card_for_an_encoder_and_leaves_it_alone_for_the_small_model(
    tiny_bundle, device, device_name
):
    if device == "cpu":
        pytest.skip("auto is the processor where there is no card: tests/clser_engine/inference")
    assert load_predictor(tiny_bundle("wav2vec2")).device == device_name
    assert load_predictor("default").device == "CPU"


def one_step(checkpoint, device, tuning):
    """Return loss and weights after one step of a classifier on a batch with padding."""
    from tests.tiny_bundles import build_classifier

    torch.manual_seed(0)
    model = build_classifier(load_backbone(checkpoint, tuning=tuning)).to(device).train()
    for module in model.modules():  # random numbers differ from device to device
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    waveform = torch.zeros(2, 16_000)
    lengths = torch.tensor([16_000, 9_000])
    for row, samples in enumerate(lengths.tolist()):
        waveform[row, :samples] = torch.from_numpy(speech(1.0, seed=row)[:samples])
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.05)
    *_, logits = model(waveform.to(device), lengths.to(device))
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor([0, 2], device=device))
    loss.backward()
    optimiser.step()
    return loss.item(), {name: p.detach().cpu() for name, p in model.named_parameters()}


@pytest.mark.parametrize("tuning", ["frozen", "lora", "full"])
def test_a_training_step_is_the_processors(tiny_checkpoint, device, tuning):
    expected_loss, expected = one_step(tiny_checkpoint("wav2vec2"), "cpu", tuning)
    loss, weights = one_step(tiny_checkpoint("wav2vec2"), device, tuning)

    assert loss == pytest.approx(expected_loss, abs=TOLERANCE)
    start = dict(load_backbone(tiny_checkpoint("wav2vec2"), tuning=tuning).named_parameters())
    moved = [
        name
        for name, before in start.items()
        if "lora_A" not in name and not torch.equal(weights[f"backbone.{name}"], before)
    ]
    assert bool(moved) is (tuning != "frozen")
    for name, values in weights.items():
        torch.testing.assert_close(values, expected[name], atol=TOLERANCE, rtol=TOLERANCE)


def test_full_memory_moves_the_work_to_the_processor(tiny_bundle, device):
    if device == "cpu":
        pytest.skip("a processor has nowhere to go; tests/clser_engine/inference/test_runtimes.py")
    predictor = load_predictor(tiny_bundle("xls-r"), runtime="torch", device="cuda")
    expected = load_predictor(tiny_bundle("xls-r"), device="cpu").analyze_samples(speech(20.0))
    torch.cuda.set_per_process_memory_fraction(1e-6)
    try:
        found = predictor.analyze_samples(speech(20.0))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)

    np.testing.assert_allclose(found.posteriors.values, expected.posteriors.values, atol=TOLERANCE)
    assert predictor.device == "CPU"
    assert predictor.notice.endswith(" is full; the processor runs the model from here on.")
