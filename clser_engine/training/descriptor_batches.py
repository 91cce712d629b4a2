"""Packed descriptors of several recordings as one batch.

Shapes: B recordings, T frames of 20 ms, M mel bands.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from clser_engine.audio.features import MEL_BANDS
from clser_engine.types import FloatArray


def pad_descriptors(sequences: Sequence[FloatArray]) -> tuple[Tensor, Tensor]:
    """Stack sequences (T_i, M + 5) into (B, T, M + 5) and validity (B, T), T even."""
    longest = max(len(sequence) for sequence in sequences)
    packed = np.zeros((len(sequences), longest, sequences[0].shape[1]), dtype=np.float32)
    packed[:, :, MEL_BANDS] = -100.0  # silence in dB
    valid = np.zeros((len(sequences), longest), dtype=bool)
    for row, sequence in enumerate(sequences):
        packed[row, : len(sequence)] = sequence
        valid[row, : len(sequence)] = True
    return torch.from_numpy(packed), torch.from_numpy(valid)
