"""Tests of clser_engine.models.encoder_classifier and clser_engine.models.embedding_heads."""

import pytest
import torch

from clser_engine.backbones.backbone import EncodedFrames
from clser_engine.backbones.registry import load_backbone
from clser_engine.models.embedding_heads import EmbeddingHeads
from clser_engine.models.encoder_classifier import EncoderClassifier

CLASSES = ("anger", "neutral", "sadness")


@pytest.fixture
def model(tiny_checkpoint):
    """Untrained heads on an encoder whose frames would be changed by padding."""
    model = EncoderClassifier(load_backbone(tiny_checkpoint("wav2vec2")), CLASSES, embedding_size=6)
    return model.eval()


def noise(*lengths):
    """Waveforms of noise padded with zeros, and their lengths."""
    generator = torch.Generator().manual_seed(1)
    waveform = torch.zeros(len(lengths), max(lengths))
    for row, length in enumerate(lengths):
        waveform[row, :length] = 0.1 * torch.randn(length, generator=generator)
    return waveform, torch.tensor(lengths)


@torch.inference_mode()
def test_the_outputs_have_the_shapes_that_export_relies_on(model):
    waveform, lengths = noise(16_000, 9_000)

    posteriors, speech, embedding, logits = model(waveform, lengths)

    assert posteriors.shape == (2, speech.shape[1], 3)
    torch.testing.assert_close(posteriors.sum(dim=2), torch.ones_like(speech))
    assert embedding.shape == (2, model.num_functionals)
    assert logits.shape == (2, 3)
    alone, project = model.heads(embedding, torch.zeros(6), torch.ones(6), torch.tensor([0.0]))
    torch.testing.assert_close(alone, logits)
    assert project.shape == (2, 3)


@torch.inference_mode()
def test_padding_changes_nothing(model):
    waveform, lengths = noise(16_000, 9_000)
    together = model(waveform, lengths)

    alone = model(waveform[1:, :9_000], None)

    frames = alone[0].shape[1]
    torch.testing.assert_close(together[0][1, :frames], alone[0][0], atol=1e-5, rtol=0)
    assert torch.equal(together[1][1, :frames], alone[1][0])
    assert not together[1][1, frames:].any(), "padding is no speech"
    torch.testing.assert_close(together[2][1], alone[2][0], atol=1e-5, rtol=0)
    torch.testing.assert_close(together[3][1], alone[3][0], atol=1e-5, rtol=0)


@torch.inference_mode()
def test_speech_is_what_is_near_the_loudest(model):
    waveform, _ = noise(48_000)
    waveform[0, 16_000:32_000] *= 10 ** (-45 / 20)

    speech = model(waveform, None)[1][0]

    assert speech[:48].all()
    assert not speech[52:98].any()
    assert speech[102:].all()
    assert not model(torch.zeros(1, 16_000), None)[1].any()


@torch.inference_mode()
def test_temperatures_sharpen_frames_and_recordings(model):
    waveform, lengths = noise(16_000)
    posteriors, _, _, logits = model(waveform, lengths)

    model.frame_temperature.fill_(0.5)
    model.heads.alone_temperature.fill_(0.5)
    sharper = model(waveform, lengths)

    assert (sharper[0].max(dim=2).values >= posteriors.max(dim=2).values).all()
    torch.testing.assert_close(sharper[3], 2 * logits)


@pytest.mark.parametrize("pooling", ["mean", "attention"])
def test_the_layer_and_the_pooling_are_those_asked_for(tiny_checkpoint, pooling):
    backbone = load_backbone(tiny_checkpoint("wav2vec2"))
    model = EncoderClassifier(backbone, CLASSES, pooling=pooling, layer=1, embedding_size=4).eval()
    layers = [torch.randn(1, 5, backbone.hidden_size) for _ in range(backbone.num_layers)]
    mask = torch.ones(1, 5, dtype=torch.bool)

    def score():
        return model.score(EncodedFrames(layers=tuple(layers), mask=mask, frame_rate_hz=50.0))

    before = score()
    layers[0] = torch.zeros_like(layers[0])
    assert torch.equal(score().logits, before.logits)
    layers[1] = torch.zeros_like(layers[1])
    assert not torch.equal(score().logits, before.logits)


def test_with_many_clips_a_shift_of_all_of_them_drops_out():
    heads = EmbeddingHeads(4, 3)
    embedding = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    mean, std, count = torch.zeros(4), torch.ones(4), torch.tensor([1e6])

    project = heads(embedding, mean, std, count)[1]
    shifted = heads(embedding + 7.0, mean + 7.0, std, count)[1]

    torch.testing.assert_close(project, shifted, atol=1e-4, rtol=1e-4)
