"""Training of the compact model: both utterance heads, the frame branch and their calibration."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from clser_engine.config.model_config import RunConfig
from clser_engine.data.features_cache import FeatureSet
from clser_engine.models.compact import CompactModel
from clser_engine.models.heads import UtteranceHeads
from clser_engine.runtime import RunContext
from clser_engine.training.batches import cell_weights
from clser_engine.training.frames import train_frames
from clser_engine.training.heads import fit_ensemble, relative_to_groups
from clser_engine.training.speech import train_speech
from clser_engine.types import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingData:
    """Features of the training recordings, once for each playing speed.

    Args:
        versions: One feature set a speed, the same recordings in the same order, as recorded first.
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

    Each corpus at each speed is a group of its own for the head that reads deviations.
    """
    corpora = data.corpora
    functionals = np.concatenate([version.functionals for version in data.versions])
    groups = [f"{name} {i}" for i in range(len(data.versions)) for name in corpora]
    emotions = np.tile(data.emotions, len(data.versions))
    weights = cell_weights(corpora * len(data.versions), [int(e) for e in emotions])
    _set_prior(model.heads, functionals, groups)
    relative = relative_to_groups(functionals, groups)
    for head, inputs in ((model.heads.alone, functionals), (model.heads.project, relative)):
        fit_ensemble(
            head,
            inputs,
            emotions,
            weights,
            linear_penalty=config.linear_penalty,
            kernel_penalty=config.kernel_penalty,
        )


def _set_prior(heads: UtteranceHeads, functionals: FloatArray, groups: list[str]) -> None:
    """Keep the mean of the groups' means and spreads: what a project is before it has clips."""
    members = [np.array([g == group for g in groups]) for group in sorted(set(groups))]
    means = np.stack([functionals[rows].mean(axis=0) for rows in members])
    variances = np.stack([functionals[rows].var(axis=0) for rows in members])
    heads.prior_mean.copy_(torch.from_numpy(means.mean(axis=0)))
    heads.prior_std.copy_(torch.from_numpy(np.sqrt(variances.mean(axis=0))))


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
