"""Small random pipelines of torchaudio, published at a hub of the tests."""

from pathlib import Path

import pytest
import torch
import torchaudio

from clser_engine.backbones import torchaudio_pipelines
from clser_engine.backbones.torchaudio_pipelines import build_model
from tests.hub_server import HubServer

CONVOLUTIONS = [(8, 10, 5)] + [(8, 3, 2)] * 4 + [(8, 2, 2)] * 2
BASE = {
    "extractor_mode": "group_norm",
    "extractor_conv_layer_config": CONVOLUTIONS,
    "extractor_conv_bias": False,
    "encoder_embed_dim": 16,
    "encoder_projection_dropout": 0.1,
    "encoder_pos_conv_kernel": 16,
    "encoder_pos_conv_groups": 2,
    "encoder_num_layers": 2,
    "encoder_num_heads": 2,
    "encoder_attention_dropout": 0.1,
    "encoder_ff_interm_features": 32,
    "encoder_ff_interm_dropout": 0.0,
    "encoder_dropout": 0.1,
    "encoder_layer_norm_first": False,
    "encoder_layer_drop": 0.05,
    "aux_num_out": None,
}
LARGE = BASE | {
    "extractor_mode": "layer_norm",
    "extractor_conv_bias": True,
    "encoder_layer_norm_first": True,
}
GATED = BASE | {"encoder_num_buckets": 320, "encoder_max_distance": 800}

# Name, architecture, settings and whether recordings are normalised first.
TINY = {
    "TINY_BASE": ("Wav2Vec2", BASE, False),
    "TINY_LARGE": ("Wav2Vec2", LARGE, True),
    "TINY_WAVLM": ("WavLM", GATED, False),
}


def random_model(name: str) -> torch.nn.Module:
    """Return torchaudio's own network with random weights."""
    architecture, settings, _ = TINY[name]
    model = build_model(architecture, settings).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
    return model


def publish(name: str, hub: HubServer, monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    """Let torchaudio know a tiny pipeline, and the hub serve it; return `torchaudio:NAME`."""
    architecture, settings, normalises = TINY[name]
    torch.save(random_model(name).state_dict(), folder / "tiny.pth")
    hub.add("torchaudio/models", folder)
    bundle = torchaudio.pipelines.Wav2Vec2Bundle(
        "tiny.pth", settings, 16_000, normalises, architecture
    )
    monkeypatch.setattr(torchaudio.pipelines, name, bundle, raising=False)
    monkeypatch.setattr(torchaudio.pipelines, "__all__", [*torchaudio.pipelines.__all__, name])
    address = f"{hub.address}/torchaudio/models/resolve/main/"
    monkeypatch.setattr(torchaudio_pipelines, "ADDRESS", address)
    return f"torchaudio:{name}"
