"""Encoders of torchaudio's pipelines, `torchaudio:WAV2VEC2_BASE` and the others.

torchaudio publishes the weights as pickle at a fixed address; `fetch_pipeline` turns them into
safetensors once, and nothing else ever opens the pickle. torchaudio is imported where it is needed
and not before.
"""

import dataclasses
from typing import Any

import torch
from torch import nn

from clser_engine.backbones.download import RemoteFile, size_of
from clser_engine.backbones.gated_attention import GatedRelativeAttention
from clser_engine.backbones.waveform_encoder import ConvBlock, PositionBlock, WaveformEncoder
from clser_engine.errors import CheckpointError

PREFIX = "torchaudio:"
ADDRESS = "https://download.pytorch.org/torchaudio/models/"
VARIANCE_FLOOR = 1e-5  # torchaudio normalises with `layer_norm` and its default


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """What torchaudio knows of a pipeline.

    Args:
        name: For example `WAV2VEC2_BASE`.
        address: Where its weights are, as pickle.
        licence: Of the weights.
        architecture: `Wav2Vec2` or `WavLM`.
        settings: What the network is built with.
        normalises: Whether it takes recordings of zero mean and unit variance.
    """

    name: str
    address: str
    licence: str
    architecture: str
    settings: dict[str, Any]
    normalises: bool


def pipeline_names() -> list[str]:
    """Return the pipelines that are speech encoders."""
    from torchaudio import pipelines

    wanted = pipelines.Wav2Vec2Bundle
    return [n for n in pipelines.__all__ if isinstance(getattr(pipelines, n), wanted)]


def find_pipeline(name: str) -> Pipeline:
    """Return what torchaudio knows of a pipeline.

    Args:
        name: With or without `torchaudio:`.

    Raises:
        CheckpointError: If there is none of that name.
    """
    from torchaudio import pipelines

    name = name.removeprefix(PREFIX)
    known = pipeline_names()
    if name not in known:
        raise CheckpointError(
            f"torchaudio has no speech encoder {name!r}; choose one of {', '.join(known)}."
        )
    values = dataclasses.asdict(getattr(pipelines, name))
    path = values["_path"]
    return Pipeline(
        name=name,
        address=path if path.startswith("https:") else f"{ADDRESS}{path}",
        licence="cc-by-nc-4.0" if name.startswith(("VOXPOPULI", "MMS")) else "mit",
        architecture=values["_model_type"],
        settings=values["_params"],
        normalises=values["_normalize_waveform"],
    )


def inspect_pipeline(pipeline: Pipeline) -> RemoteFile:
    """Ask for the size of a pipeline's weights; nothing is downloaded.

    Raises:
        CheckpointError: If the address cannot be reached.
    """
    name = pipeline.address.rpartition("/")[2]
    return RemoteFile(name=name, url=pipeline.address, size=size_of(pipeline.address))


def build_pipeline(architecture: str, settings: dict[str, Any], normalises: bool) -> nn.Module:
    """Build the encoder of a pipeline without its weights."""
    return encoder_from(build_model(architecture, settings), normalises)


def build_model(architecture: str, settings: dict[str, Any]) -> Any:
    """Build torchaudio's own network, whose names the published weights have."""
    from torchaudio.models import wav2vec2_model, wavlm_model

    return {"Wav2Vec2": wav2vec2_model, "WavLM": wavlm_model}[architecture](**settings)


def encoder_from(model: Any, normalises: bool) -> WaveformEncoder:
    """Return the frame encoder inside a network of torchaudio."""
    transformer = model.encoder.transformer
    gated = hasattr(transformer.layers[0].attention, "gru_rel_pos_linear")
    if gated:
        for block in transformer.layers:
            block.attention = _gated(block.attention)
    return WaveformEncoder(
        convolutions=[
            ConvBlock(layer.conv, _channels_last(layer.layer_norm), nn.functional.gelu)
            for layer in model.feature_extractor.conv_layers
        ],
        projection=model.encoder.feature_projection,
        positions=[PositionBlock(transformer.pos_conv_embed.conv, None, nn.functional.gelu)],
        norm=transformer.layer_norm,
        blocks=transformer.layers,
        hidden_size=transformer.pos_conv_embed.embed_dim,
        dropout=transformer.dropout.p,
        norm_first=not transformer.layer_norm_first,  # its own flag is about this very norm
        gated=gated,
        variance_floor=VARIANCE_FLOOR if normalises else None,
    )


def _channels_last(norm: nn.Module | None) -> nn.Module | None:
    """Return a layer norm over the last axis in the place of theirs, which swaps axes itself."""
    if not isinstance(norm, nn.LayerNorm):
        return norm
    plain = nn.LayerNorm(list(norm.normalized_shape), eps=norm.eps)
    plain.weight, plain.bias = norm.weight, norm.bias
    return plain


def _gated(attention: Any) -> GatedRelativeAttention:
    packed = attention.attention
    size = attention.embed_dim
    query, key, value = nn.Linear(size, size), nn.Linear(size, size), nn.Linear(size, size)
    for i, linear in enumerate((query, key, value)):
        with torch.no_grad():
            linear.weight.copy_(packed.in_proj_weight[i * size : (i + 1) * size])
            linear.bias.copy_(packed.in_proj_bias[i * size : (i + 1) * size])
    return GatedRelativeAttention(
        num_heads=attention.num_heads,
        projections=(query, key, value, packed.out_proj),
        gate=attention.gru_rel_pos_linear,
        gate_scale=attention.gru_rel_pos_const,
        distances=attention.rel_attn_embed,
        max_distance=attention.max_distance,
        dropout=attention.dropout,
        returns_weights=False,
    )
