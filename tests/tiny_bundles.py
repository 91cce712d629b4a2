"""Small random encoder bundles, written as training writes them.

Use them through the fixture `tiny_bundle` of `tests/conftest.py`.
"""

from pathlib import Path

import numpy as np
import torch

from clser_engine.backbones.backbone import Backbone
from clser_engine.data.manifest import Utterance
from clser_engine.inference.familiarity import Familiarity
from clser_engine.inference.group_model import untrained
from clser_engine.methods.registry import load_run
from clser_engine.models.encoder_classifier import EncoderClassifier
from clser_engine.training.encoder_bundle import write_encoder_bundle

CLASSES = ("anger", "happiness", "neutral")


def build_classifier(backbone: Backbone, pooling: str = "mean_std") -> EncoderClassifier:
    """Return random heads on a backbone, such that classes and recordings differ."""
    torch.manual_seed(1)
    model = EncoderClassifier(backbone, CLASSES, pooling=pooling, embedding_size=8).eval()
    with torch.no_grad():
        for module in (model.frame_head, *model.heads.modules()):
            if isinstance(module, torch.nn.Linear) and module.out_features == len(CLASSES):
                module.weight.normal_(std=1.0)
    return model


def save_bundle(model: EncoderClassifier, folder: Path) -> Path:
    """Write a bundle of a model and return its folder."""
    run = load_run("supervised", [f"name={folder.stem}", "data.manifests=['m.csv']"])
    spoken = Utterance(
        path=Path("a.wav"), emotion="anger", speaker="1", language="deu", corpus="made-up"
    )
    size = model.num_functionals
    write_encoder_bundle(
        model,
        run,
        [spoken],
        {"protocol": "none"},
        {},
        folder,
        groups=untrained(np.random.default_rng(0).standard_normal((50, size)), len(CLASSES)),
        familiarity=Familiarity(  # everything sounds like speech to it
            mean=np.zeros(size, np.float32),
            scale=np.ones(size, np.float32),
            weights=np.zeros(2 * size, np.float32),
            bias=-9.0,
            width=1.0,
        ),
    )
    return folder
