"""Small random checkpoints of every speech encoder, as transformers would save them.

Use them through the fixture `tiny_checkpoint` of `tests/conftest.py`.
"""

import json
from pathlib import Path

import torch

from clser_engine.backbones.transformers_encoders import quiet_transformers

SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
CONVOLUTIONS = {
    "conv_dim": (8,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
    "num_codevectors_per_group": 4,
    "codevector_dim": 8,
    "proj_codevector_dim": 8,
    "tdnn_dim": (8,) * 5,
    "xvector_output_dim": 8,
}

SPECIFICATIONS = {
    # the group norm of wav2vec2-base, over time
    "wav2vec2": ("wav2vec2", SMALL | CONVOLUTIONS),
    # XLS-R, MMS, wav2vec2-large-lv60
    "xls-r": (
        "wav2vec2",
        SMALL
        | CONVOLUTIONS
        | {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True},
    ),
    "hubert": ("hubert", SMALL | CONVOLUTIONS),
    "mhubert": ("hubert", SMALL | CONVOLUTIONS | {"conv_pos_batch_norm": True}),
    "wavlm": ("wavlm", SMALL | CONVOLUTIONS),
    "wavlm-large": (
        "wavlm",
        SMALL | CONVOLUTIONS | {"feat_extract_norm": "layer", "do_stable_layer_norm": True},
    ),
    "data2vec": (
        "data2vec-audio",
        SMALL | CONVOLUTIONS | {"num_conv_pos_embeddings": 3, "conv_pos_kernel_size": 5},
    ),
    "w2v-bert": (
        "wav2vec2-bert",
        SMALL | {"conv_depthwise_kernel_size": 7, "output_hidden_size": 16},
    ),
    "whisper": (
        "whisper",
        {
            "d_model": 16,
            "encoder_layers": 2,
            "decoder_layers": 1,
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 2,
            "encoder_ffn_dim": 32,
            "decoder_ffn_dim": 32,
            "num_mel_bins": 80,
            "max_source_positions": 75,  # windows of 1.5 s instead of 30
            "max_target_positions": 8,
            "vocab_size": 16,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "decoder_start_token_id": 1,
        },
    ),
}
NAMES = tuple(SPECIFICATIONS)

PREPROCESSORS = {
    "wavlm": {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "do_normalize": False},
    "w2v-bert": {"feature_extractor_type": "SeamlessM4TFeatureExtractor", "num_mel_bins": 80},
    "whisper": {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 80},
}
USUAL_PREPROCESSOR = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "do_normalize": True}

CARD = """\
---
language: multilingual
license: apache-2.0
tags:
- speech
---

# A small random encoder
"""


def build_model(name: str) -> torch.nn.Module:
    """Return a random model whose every weight differs, those of norms too."""
    from transformers import AutoConfig, AutoModel

    architecture, settings = SPECIFICATIONS[name]
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModel.from_config(AutoConfig.for_model(architecture, **settings))
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            spread = 0.2 if parameter.ndim == 1 else 1.0 / max(1, parameter[0].numel()) ** 0.5
            parameter.copy_((parameter if parameter.ndim == 1 else 0.0) + spread * noise)
    return model.eval()


def save_checkpoint(name: str, folder: Path) -> Path:
    """Save a tiny checkpoint with all the files that a real one has, and return its folder."""
    with quiet_transformers():
        build_model(name).save_pretrained(folder)
    preprocessor = PREPROCESSORS.get(name, USUAL_PREPROCESSOR) | {"sampling_rate": 16_000}
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor), encoding="utf-8")
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    return folder
