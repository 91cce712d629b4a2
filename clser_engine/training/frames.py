"""Training of the frame branch: utterance labels on the active frames of clips in sequence.

Two clips of one corpus in a row, each with its own label, teach it to let go of the past.

Shapes: B sequences, T frames, F active frames, C classes.
"""

import copy

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from clser_engine.audio.features import MEL_BANDS
from clser_engine.data.features_cache import unpack
from clser_engine.models.frame_branch import SHIFT_STEPS, FrameBranch
from clser_engine.runtime import RunContext
from clser_engine.training.batches import draw_balanced
from clser_engine.types import FloatArray

BATCH = 24
EMA_DECAY = 0.99
LABEL_SMOOTHING = 0.1
LONGEST_FRAMES = 200  # 4 s of one clip
GRACE_STEPS = 10  # after a change of clip, frames that may still belong to the one before


def pad_descriptors(sequences: list[FloatArray]) -> tuple[Tensor, Tensor]:
    """Stack sequences (T_i, K) into (B, T, K) and validity (B, T), T even."""
    longest = max(len(sequence) for sequence in sequences)
    packed = np.zeros((len(sequences), longest, sequences[0].shape[1]), dtype=np.float32)
    packed[:, :, MEL_BANDS] = -100.0  # silence in dB
    valid = np.zeros((len(sequences), longest), dtype=bool)
    for row, sequence in enumerate(sequences):
        packed[row, : len(sequence)] = sequence
        valid[row, : len(sequence)] = True
    return torch.from_numpy(packed), torch.from_numpy(valid)


def _augment(sequence: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Change gain, colour and F0 and add a little noise, as another room and speaker would."""
    changed = sequence.copy()
    gain_db = rng.uniform(-10, 10)
    knots = rng.normal(0, 3.0, 5)
    colour_db = np.interp(np.linspace(0, 4, MEL_BANDS), np.arange(5), knots)
    noise_db = sequence[:, MEL_BANDS].max() - rng.uniform(35, 70)
    mel = changed[:, :MEL_BANDS]
    mel *= 10 ** ((gain_db + colour_db) / 10)
    mel += mel.mean() * 10 ** ((noise_db - sequence[:, MEL_BANDS].max()) / 10)
    changed[:, MEL_BANDS] += gain_db
    changed[:, MEL_BANDS + 1] += rng.normal(0, 1.0)
    return changed


def train_frames(
    branch: FrameBranch,
    descriptors: list[FloatArray],
    emotions: NDArray[np.int64],
    corpora: list[str],
    weights: NDArray[np.float64],
    *,
    steps: int,
    seed: int,
    context: RunContext,
) -> None:
    """Train the branch in place; what stays is the moving average of its weights.

    Args:
        branch: What to train; left in evaluation mode.
        descriptors: N packed descriptors (T, M + 5).
        emotions: (N,) class indices.
        corpora: N names; sequences stay within one.
        weights: (N,) so that corpora and classes count alike.
        steps: Batches.
        seed: Start of the random numbers.
        context: Progress and cancellation.
    """
    rng = np.random.default_rng(seed)
    members = {name: np.flatnonzero([c == name for c in corpora]) for name in sorted(set(corpora))}
    average = copy.deepcopy(branch)
    optimiser = torch.optim.AdamW(branch.parameters(), lr=2e-3, weight_decay=0.03)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=2e-3, total_steps=steps)
    branch.train()
    for step in range(steps):
        context.report("frames", step, steps)
        sequences, labels = [], []
        for index in draw_balanced(weights, BATCH, rng):
            parts = [int(index)]
            if rng.random() < 0.3:
                others = members[corpora[index]]
                parts.append(int(rng.choice(others, p=weights[others] / weights[others].sum())))
            clips = [_augment(_crop(descriptors[part], rng), rng) for part in parts]
            sequences.append(np.concatenate(clips))
            labels.append(_step_labels([len(c) for c in clips], [int(emotions[p]) for p in parts]))
        packed, valid = pad_descriptors(sequences)
        inputs, activity = branch.inputs(unpack(packed, valid))
        targets = torch.full(activity.shape, -1)
        for row, label in enumerate(labels):
            targets[row, : len(label)] = torch.from_numpy(label)
        chosen = (activity > 0) & (targets >= 0)  # (B, T)
        logits = branch.classify(inputs[chosen])  # (F, C)
        # Every sequence counts the same, however long it is.
        share = (1.0 / chosen.sum(dim=1, keepdim=True).clamp(min=1)).expand_as(activity)[chosen]
        losses = F.cross_entropy(
            logits, targets[chosen], reduction="none", label_smoothing=LABEL_SMOOTHING
        )
        loss = (losses * share).sum() / BATCH
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(branch.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        update_average(average, branch, EMA_DECAY)
    branch.load_state_dict(average.state_dict())
    branch.eval()


def _crop(sequence: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Cut at most LONGEST_FRAMES out of a clip, at an even frame."""
    spare = max(0, len(sequence) - LONGEST_FRAMES)
    start = 2 * int(rng.integers(0, spare // 2 + 1))
    return sequence[start : start + LONGEST_FRAMES]


def _step_labels(lengths: list[int], emotions: list[int]) -> NDArray[np.int64]:
    """Label of each 40 ms step of clips in sequence; -1 just after a change of clip."""
    labels = [np.full(length // 2, e) for length, e in zip(lengths, emotions, strict=True)]
    for label in labels[1:]:
        label[: GRACE_STEPS - SHIFT_STEPS] = -1
    return np.concatenate(labels)


@torch.no_grad()
def update_average(average: nn.Module, module: nn.Module, decay: float) -> None:
    """Move every weight and running statistic of `average` a little towards `module`."""
    for kept, new in zip(average.state_dict().values(), module.state_dict().values(), strict=True):
        if kept.dtype.is_floating_point:
            kept.lerp_(new, 1 - decay)
        else:
            kept.copy_(new)
