"""Predictions of a model in memory for recordings whose features are known.

These are the same modules as the shipped graph's; a test compares them with a bundle.
"""

import numpy as np
import torch

from clser_engine.audio.features import unpack
from clser_engine.data.features_cache import FeatureSet
from clser_engine.models.compact import CompactModel
from clser_engine.training.descriptor_batches import pad_descriptors
from clser_engine.training.heads import group_statistics
from clser_engine.types import FloatArray

BATCH = 32


@torch.inference_mode()
def functionals_of(model: CompactModel, samples: FloatArray) -> FloatArray:
    """Return functionals (D,) of samples (N,)."""
    descriptors = model.descriptors(torch.from_numpy(samples)[None])
    found: FloatArray = model.functionals(descriptors)[0].numpy()
    return found


@torch.inference_mode()
def head_logits(model: CompactModel, functionals: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return logits (N, C) of each recording alone, and with the statistics of them all."""
    mean, std = group_statistics(functionals)
    count = torch.tensor([float(len(functionals))])
    alone, project = model.heads(
        torch.from_numpy(functionals), torch.from_numpy(mean), torch.from_numpy(std), count
    )
    return alone.numpy(), project.numpy()


@torch.inference_mode()
def frame_logits(model: CompactModel, data: FeatureSet) -> list[tuple[FloatArray, FloatArray]]:
    """Return logits (T, C) and speech (T,) of each recording."""
    found: list[tuple[FloatArray, FloatArray]] = []
    for start in range(0, len(data.descriptors), BATCH):
        batch = data.descriptors[start : start + BATCH]
        packed, valid = pad_descriptors(batch)
        descriptors = unpack(packed, valid.sum(dim=1))
        logits, speech = model.frames(descriptors), model.speech(descriptors).sigmoid()
        for row, sequence in enumerate(batch):
            steps = len(sequence) // 2
            found.append((logits[row, :steps].numpy(), speech[row, :steps].numpy()))
    return found


def mean_frame_posterior(logits: FloatArray, speech: FloatArray) -> FloatArray:
    """Return the mean over frames of speech of the posteriors (T, C): (C,)."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    posteriors = shifted / shifted.sum(axis=1, keepdims=True)
    weight = speech + 1e-6
    mean: FloatArray = (posteriors * weight[:, None]).sum(axis=0) / weight.sum()
    return mean
