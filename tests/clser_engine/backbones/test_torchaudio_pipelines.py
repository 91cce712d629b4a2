"""Pipelines of torchaudio: the same frames as theirs, from weights that were never unpickled."""

import pytest
import torch

from clser_engine.backbones import torchaudio_pipelines
from clser_engine.backbones.registry import build_backbone, fetch, load_backbone
from clser_engine.backbones.torchaudio_pipelines import (
    build_pipeline,
    find_pipeline,
    pipeline_names,
)
from clser_engine.errors import CheckpointError
from tests.tiny_pipelines import TINY, publish, random_model


@pytest.fixture(params=TINY)
def published(request, hub, monkeypatch, tmp_path):
    """The name of a small pipeline that torchaudio knows, at an address of ours."""
    publish(request.param, hub, monkeypatch, tmp_path)
    return request.param


def waveforms() -> torch.Tensor:
    return 0.3 * torch.randn(3, 20_000, generator=torch.Generator().manual_seed(1))


def test_fetched_pipeline_gives_the_layers_of_torchaudio(published):
    backbone = load_backbone(f"torchaudio:{published}")

    waveform = waveforms()[:1]
    model = random_model(published)
    with torch.inference_mode():
        layers = backbone(waveform).layers
        if TINY[published][2]:
            waveform = torch.nn.functional.layer_norm(waveform, waveform.shape)
        outputs, _ = model.extract_features(waveform)
        last, _ = model(waveform)

    assert len(layers) == backbone.num_layers == 3
    torch.testing.assert_close(layers[1], outputs[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(layers[2], last, atol=1e-5, rtol=1e-5)
    assert backbone.licence == "mit"
    assert backbone.frame_rate_hz == 50.0


def test_padding_changes_nothing(published):
    backbone = load_backbone(f"torchaudio:{published}")
    lengths = (20_000, 7_001, 12_345)

    with torch.inference_mode():
        together = backbone(waveforms(), torch.tensor(lengths))
        for row, length in enumerate(lengths):
            alone = backbone(waveforms()[row : row + 1, :length])
            size = alone.mask.shape[1]
            assert int(together.mask[row].sum()) == size
            for a, b in zip(alone.layers, together.layers, strict=True):
                assert float((a[0] - b[row, :size]).abs().max()) < 1e-5


def test_only_safetensors_are_kept_and_work_offline(published, hub):
    fetched = fetch(f"torchaudio:{published}")

    assert sorted(path.name for path in fetched.folder.iterdir()) == [
        "checkpoint.json",
        "model.safetensors",
    ]
    asked = len(hub.requests)
    backbone = load_backbone(f"torchaudio:{published}", offline=True)
    assert len(hub.requests) == asked

    again = build_backbone(backbone.description)
    again.load_state_dict(backbone.state_dict())
    assert torch.equal(again(waveforms()).layers[-1], backbone(waveforms()).layers[-1])


def test_adapters_reach_every_projection(published):
    backbone = load_backbone(f"torchaudio:{published}", tuning="lora")

    for _ in range(2):  # the first step leaves the inner half of an adapter where it was
        loss = backbone(waveforms()).layers[-1].square().mean()
        loss.backward()
        with torch.no_grad():
            for weight in backbone.parameters():
                if weight.requires_grad:
                    weight -= 0.1 * weight.grad

    adapters = {n: w for n, w in backbone.named_parameters() if w.requires_grad}
    assert len(adapters) == 2 * 4 * 2  # two halves, four projections, two blocks
    assert all(float(weight.grad.abs().max()) > 0 for weight in adapters.values())


def test_weights_of_another_network_are_refused(published, hub, tmp_path):
    torch.save({"weight": torch.ones(2)}, tmp_path / "tiny.pth")

    with pytest.raises(CheckpointError) as caught:
        fetch(f"torchaudio:{published}")

    assert str(caught.value) == (
        f"The weights at {hub.address}/torchaudio/models/resolve/main/tiny.pth do not fit the "
        f"pipeline {published}."
    )


def test_unknown_pipelines_are_refused_with_the_known_ones():
    with pytest.raises(CheckpointError) as caught:
        load_backbone("torchaudio:WAV2VEC3")

    assert str(caught.value).startswith(
        "torchaudio has no speech encoder 'WAV2VEC3'; choose one of WAV2VEC2_BASE, "
    )


def test_no_network_is_told(monkeypatch):
    monkeypatch.setattr(torchaudio_pipelines, "ADDRESS", "http://127.0.0.1:9/")

    with pytest.raises(CheckpointError) as caught:
        fetch("torchaudio:WAV2VEC2_BASE")

    assert str(caught.value) == (
        "127.0.0.1:9 cannot be reached to fetch wav2vec2_fairseq_base_ls960.pth; check the network."
    )


def test_every_pipeline_is_known_with_its_licence():
    licences = {name: find_pipeline(name).licence for name in pipeline_names()}

    assert len(licences) >= 30
    assert {licence for name, licence in licences.items() if "WAVLM" in name} == {"mit"}
    assert licences["MMS_FA"] == licences["VOXPOPULI_ASR_BASE_10K_DE"] == "cc-by-nc-4.0"
    assert find_pipeline("WAVLM_LARGE").address == (
        "https://download.pytorch.org/torchaudio/models/wavlm_large.pth"
    )


@pytest.mark.parametrize("name", ["HUBERT_BASE", "WAVLM_LARGE"])
def test_published_architectures_are_built(name):
    pipeline = find_pipeline(name)
    small = pipeline.settings | {"encoder_num_layers": 1}

    encoder = build_pipeline(pipeline.architecture, small, pipeline.normalises)

    assert encoder.hidden_size == pipeline.settings["encoder_embed_dim"]
    assert (encoder.least_samples, encoder.hop_samples) == (400, 320)
    assert encoder.norm_first is pipeline.settings["encoder_layer_norm_first"]
