"""Training of the compact model: both utterance heads, the frame branch and their calibration."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from clser_engine.config.model_config import RunConfig
from clser_engine.data.features_cache import FeatureSet
from clser_engine.models.compact import CompactModel
from clser_engine.runtime import RunContext
from clser_engine.training.discriminant import fit_discriminant
from clser_engine.training.frames import train_frames
from clser_engine.training.heads import relative_to_groups, set_prior
from clser_engine.training.speech import train_speech


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingData:
    """Features of the training recordings, as recorded and as heard elsewhere.

    Args:
        versions: The same recordings in the same order, as recorded first, then altered.
        classes: Emotion names in the order of the outputs.
    """

    versions: list[FeatureSet]
    classes: tuple[str, ...]

    @property
    def corpora(self) -> list[str]:
        """Corpus of each recording."""
        return [utterance.corpus for utterance in self.versions[0].utterances]

    @property
    def emotions(self) -> NDArray[np.int64]:
        """Class index of each recording."""
        names = [utterance.emotion for utterance in self.versions[0].utterances]
        return np.array([self.classes.index(name) for name in names])

    def without(self, corpus: str) -> "TrainingData":
        """Return the data without one corpus."""
        kept = [i for i, name in enumerate(self.corpora) if name != corpus]
        return TrainingData(
            versions=[version.select(kept) for version in self.versions], classes=self.classes
        )

    def only(self, corpus: str) -> FeatureSet:
        """Return one corpus as recorded."""
        kept = [i for i, name in enumerate(self.corpora) if name == corpus]
        return self.versions[0].select(kept)


def new_model(config: RunConfig) -> CompactModel:
    """Return an untrained model; its random numbers depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return CompactModel(config.classes)


def train_heads(model: CompactModel, data: TrainingData, config: RunConfig) -> None:
    """Train both utterance heads in place.

    What sets corpora apart counts for nothing in either, nor what sets their altered copies apart.
    Altered recordings teach the head that judges a recording alone that rooms and microphones mean
    nothing; statistics take most of that away, and the other head lost a point of UAR by them.
    """
    corpora, recorded = data.corpora, data.versions[0].functionals
    set_prior(model.heads, recorded, corpora)
    fit_discriminant(
        model.heads.alone,
        np.concatenate([version.functionals for version in data.versions]),
        np.tile(data.emotions, len(data.versions)),
        [f"{corpus} {number}" for number in range(len(data.versions)) for corpus in corpora],
        config.shrinkage,
    )
    fit_discriminant(
        model.heads.project,
        relative_to_groups(recorded, corpora),
        data.emotions,
        corpora,
        config.shrinkage,
    )


def train_frame_branch(
    model: CompactModel, data: TrainingData, config: RunConfig, context: RunContext
) -> None:
    """Train the frame branch and the voice activity in place."""
    utterances = data.versions[0].utterances
    train_frames(
        model.frames,
        utterances,
        data.classes,
        count=config.concatenations,
        shrinkage=config.shrinkage,
        seed=config.seed,
        context=context,
    )
    train_speech(
        model.speech, utterances, steps=config.speech_steps, seed=config.seed, context=context
    )


def train_model(
    data: TrainingData, config: RunConfig, context: RunContext, *, with_frames: bool = True
) -> CompactModel:
    """Train a new model; uncalibrated.

    Args:
        data: Permitted data, and no other.
        config: The run.
        context: Progress and cancellation.
        with_frames: Whether the frame branch is trained too; the heads do not depend on it.
    """
    model = new_model(config)
    train_heads(model, data, config)
    if with_frames:
        train_frame_branch(model, data, config, context)
    return model.eval()
