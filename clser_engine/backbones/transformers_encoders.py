"""Speech encoders of transformers: which architectures, and how each becomes a frame encoder.

A new architecture is a row of `BUILDERS` with the function that it names, and one of `FAMILIES` in
`checkpoint.py`. `transformers` is imported
when an encoder is built and not before: it takes seconds.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from torch import nn

from clser_engine.backbones.gated_attention import GatedRelativeAttention
from clser_engine.backbones.log_mel import KaldiLogMel, WhisperLogMel
from clser_engine.backbones.padding import VARIANCE_FLOOR
from clser_engine.backbones.w2v_bert_encoder import W2vBertEncoder
from clser_engine.backbones.waveform_encoder import ConvBlock, PositionBlock, WaveformEncoder
from clser_engine.backbones.whisper_encoder import WhisperEncoder


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep the library's reports and progress bars off the terminal."""
    from transformers.utils import logging as reports

    verbosity, bars = reports.get_verbosity(), reports.is_progress_bar_enabled()
    reports.set_verbosity(logging.CRITICAL)
    reports.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        reports.set_verbosity(verbosity)
        if bars:
            reports.enable_progress_bar()  # type: ignore[no-untyped-call]


def encoder_from(model: Any, preprocessor: dict[str, Any]) -> nn.Module:
    """Return the frame encoder inside a model of transformers.

    Args:
        model: Of one of the families of `checkpoint.FAMILIES`.
        preprocessor: Its `preprocessor_config.json`.
    """
    return BUILDERS[model.config.model_type](model, preprocessor)


def _waveform_encoder(model: Any, preprocessor: dict[str, Any]) -> nn.Module:
    config = model.config
    embed = model.encoder.pos_conv_embed
    gated = config.model_type == "wavlm"
    if gated:
        for block in model.encoder.layers:
            block.attention = _gated(block.attention)
    return WaveformEncoder(
        convolutions=[
            ConvBlock(layer.conv, getattr(layer, "layer_norm", None), layer.activation)
            for layer in model.feature_extractor.conv_layers
        ],
        projection=model.feature_projection,
        positions=[
            PositionBlock(
                layer.conv,
                getattr(layer, "layer_norm", None),
                layer.activation,
                getattr(layer, "batch_norm", None),
            )
            for layer in getattr(embed, "layers", [embed])  # data2vec has several
        ],
        norm=model.encoder.layer_norm,
        blocks=model.encoder.layers,
        hidden_size=config.hidden_size,
        dropout=config.hidden_dropout,
        norm_first=bool(getattr(config, "do_stable_layer_norm", False)),
        gated=gated,
        variance_floor=VARIANCE_FLOOR if preprocessor.get("do_normalize", True) else None,
    )


def _gated(attention: Any) -> GatedRelativeAttention:
    return GatedRelativeAttention(
        num_heads=attention.num_heads,
        projections=(
            attention.q_proj, attention.k_proj, attention.v_proj, attention.out_proj,
        ),
        gate=attention.gru_rel_pos_linear,
        gate_scale=attention.gru_rel_pos_const,
        distances=getattr(attention, "rel_attn_embed", None),
        max_distance=attention.max_distance,
        dropout=attention.dropout,
        returns_weights=True,
    )  # fmt: skip


def _w2v_bert(model: Any, preprocessor: dict[str, Any]) -> nn.Module:
    return W2vBertEncoder(
        log_mel=KaldiLogMel(int(preprocessor.get("num_mel_bins", 80))),
        projection=model.feature_projection,
        blocks=model.encoder.layers,
        hidden_size=model.config.hidden_size,
        dropout=model.config.hidden_dropout,
    )


def _whisper(model: Any, preprocessor: dict[str, Any]) -> nn.Module:
    encoder = model.encoder
    return WhisperEncoder(
        log_mel=WhisperLogMel(model.config.num_mel_bins),
        convolutions=nn.ModuleList([encoder.conv1, encoder.conv2]),
        positions=encoder.embed_positions,
        blocks=encoder.layers,
        norm=encoder.layer_norm,
        dropout=model.config.dropout,
    )


BUILDERS: dict[str, Callable[[Any, dict[str, Any]], nn.Module]] = {
    "wav2vec2": _waveform_encoder,
    "hubert": _waveform_encoder,
    "wavlm": _waveform_encoder,
    "data2vec-audio": _waveform_encoder,
    "wav2vec2-bert": _w2v_bert,
    "whisper": _whisper,
}
