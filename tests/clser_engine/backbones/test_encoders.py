"""Every architecture gives what its library gives, and padding changes nothing."""

import pytest
import torch

from clser_engine.backbones.registry import COMPACT, build_backbone, load_backbone
from clser_engine.errors import BadValueError
from tests.tiny_checkpoints import NAMES, PREPROCESSORS, build_model

LENGTHS = (16_000, 9_001, 300, 31_000)
ONES_OWN_LENGTH = 23_456


@pytest.fixture(scope="module")
def backbone(tiny_checkpoint, request):
    return load_backbone(COMPACT if request.param == COMPACT else tiny_checkpoint(request.param))


def recordings(seed: int = 1) -> torch.Tensor:
    """Batch whose padding is loud, so that any leak shows."""
    generator = torch.Generator().manual_seed(seed)
    return 0.3 * torch.randn(len(LENGTHS), max(LENGTHS), generator=generator)


def largest_difference(backbone, waveform, lengths) -> float:
    """Between each recording in the batch and alone, over all layers and real frames."""
    together = backbone(waveform, torch.tensor(lengths))
    worst = 0.0
    for row, length in enumerate(lengths):
        alone = waveform[row : row + 1, :length]
        missing = max(0, backbone.least_samples - length)
        encoded = backbone(torch.nn.functional.pad(alone, (0, missing)))
        size = int(encoded.mask.sum())
        assert int(together.mask[row].sum()) == size >= 1
        assert together.mask[row, :size].all()
        for a, b in zip(encoded.layers, together.layers, strict=True):
            worst = max(worst, float((a[0, :size] - b[row, :size]).abs().max()))
    return worst


def trained_blocks(backbone) -> None:
    """Let the blocks of the compact backbone do something, as training would."""
    if backbone.name == COMPACT:
        for block in backbone.encoder.blocks:
            torch.nn.init.normal_(block.pointwise.weight, std=0.05)


def hidden_states(name: str, waveform: torch.Tensor) -> list[torch.Tensor]:
    """What transformers itself says of one recording, given its own preprocessing.

    Blocks that normalise first leave the norm of the last output to the encoder.
    """
    from transformers import (
        SeamlessM4TFeatureExtractor,
        Wav2Vec2FeatureExtractor,
        WhisperFeatureExtractor,
    )

    model = build_model(name)
    samples = waveform[0].numpy()
    if name == "whisper":
        extractor = WhisperFeatureExtractor(feature_size=80, chunk_length=1.5)
        extractor.n_samples = 24_000
        inputs = extractor(samples, sampling_rate=16_000, return_tensors="pt").input_features
        return _states(model.encoder(inputs, output_hidden_states=True))
    if name == "w2v-bert":
        extractor = SeamlessM4TFeatureExtractor()
        inputs = extractor(samples, sampling_rate=16_000, return_tensors="pt")
        return _states(model(**inputs, output_hidden_states=True))
    extractor = Wav2Vec2FeatureExtractor(
        do_normalize=PREPROCESSORS.get(name, {"do_normalize": True})["do_normalize"]
    )
    inputs = extractor(samples, sampling_rate=16_000, return_tensors="pt").input_values
    return _states(model(inputs, output_hidden_states=True))


def _states(output) -> list[torch.Tensor]:
    return [*output.hidden_states[:-1], output.last_hidden_state]


@pytest.mark.parametrize("backbone", [*NAMES, COMPACT], indirect=True)
def test_padding_changes_nothing(backbone):
    trained_blocks(backbone)

    with torch.inference_mode():
        assert largest_difference(backbone, recordings(), LENGTHS) < 1e-5


@pytest.mark.parametrize("backbone", [*NAMES, COMPACT], indirect=True)
def test_mixed_precision_stays_near_and_blind_to_padding(backbone):
    lengths = torch.tensor([16_000, 9_001, 31_000, 12_000])
    with torch.inference_mode():
        exact = backbone(recordings(), lengths)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = backbone(recordings(), lengths)
            loud = recordings()
            loud[1, 9_001:] *= 100.0
            louder = backbone(loud, lengths)

    for a, b, c in zip(exact.layers, rough.layers, louder.layers, strict=True):
        real = exact.mask
        error = (a[real] - b[real].float()).square().mean().sqrt()
        assert float(error / a[real].square().mean().sqrt()) < 0.05
        assert torch.equal(b[real], c[real])


@pytest.mark.parametrize("name", NAMES)
def test_layers_are_those_of_the_library(name, tiny_checkpoint):
    backbone = load_backbone(tiny_checkpoint(name))
    length = 20_000 if name == "whisper" else ONES_OWN_LENGTH
    waveform = recordings()[-1:, :length]

    with torch.inference_mode():
        expected = hidden_states(name, waveform)
        encoded = backbone(waveform)

    assert len(encoded.layers) == len(expected) == backbone.num_layers == 3
    size = encoded.mask.shape[1]
    assert 0 <= expected[0].shape[1] - size <= (30 if name == "whisper" else 1)
    for ours, theirs in zip(encoded.layers, expected, strict=True):
        assert ours.shape == (1, size, backbone.hidden_size)
        torch.testing.assert_close(ours, theirs[:, :size], atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("backbone", NAMES, indirect=True)
def test_frames_come_fifty_times_a_second(backbone):
    encoded = backbone(recordings()[:1, :16_000])

    assert encoded.frame_rate_hz == 50.0
    assert 48 <= encoded.mask.shape[1] <= 50


@pytest.mark.parametrize("backbone", ["wavlm", "w2v-bert"], indirect=True)
def test_the_shortest_recording_has_one_frame_and_a_shorter_one_is_refused(backbone):
    waveform = recordings()[:1, : backbone.least_samples]

    assert backbone(waveform).mask.sum() == 1
    with pytest.raises(BadValueError, match=r"at least \d+ samples; pad it with silence\.$"):
        backbone(waveform[:, 1:])


@pytest.mark.parametrize("backbone", ["whisper"], indirect=True)
def test_whisper_takes_more_than_its_window(backbone):
    encoded = backbone(recordings())

    assert encoded.layers[-1].shape[1] == encoded.mask.shape[1] == 97  # 1.94 s at windows of 1.5 s
    torch.testing.assert_close(
        encoded.layers[-1][:, :75], backbone(recordings()[:, :24_000]).layers[-1]
    )


def test_frozen_compact_gives_the_functionals_of_the_built_in_model_in_every_layer():
    backbone = load_backbone(COMPACT)
    waveform = recordings()[:1]

    encoded = backbone(waveform)

    expected, _ = backbone.encoder.frames.inputs(backbone.encoder.descriptors(waveform))
    assert encoded.frame_rate_hz == 25.0
    assert len(encoded.layers) == backbone.num_layers == 4
    assert all(torch.equal(layer, expected) for layer in encoded.layers)
    assert backbone.licence == "Apache-2.0"


@pytest.mark.parametrize("name", [*NAMES, COMPACT])
def test_a_backbone_is_built_again_from_its_description(name, tiny_checkpoint):
    backbone = load_backbone(COMPACT if name == COMPACT else tiny_checkpoint(name))

    again = build_backbone(backbone.description)
    again.load_state_dict(backbone.state_dict())

    waveform = recordings()[:, :9_000]
    for a, b in zip(again(waveform).layers, backbone(waveform).layers, strict=True):
        assert torch.equal(a, b)
