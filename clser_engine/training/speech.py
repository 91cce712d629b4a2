"""Training of the voice activity: clips with their own energy as the label, in noise of all kinds.

Clean recordings say by their energy where somebody speaks; they are then mixed with noise, music,
babble and rooms that are made here, so nothing but the training recordings is needed.

Shapes: B sequences, T steps of 40 ms, N samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from clser_engine.audio.features import (
    SAMPLE_RATE_HZ,
    STEP_SAMPLES,
    FrameDescriptors,
    num_steps,
    pack,
    unpack,
)
from clser_engine.audio.read import read_mono
from clser_engine.data.features_cache import recordings_hash
from clser_engine.data.manifest import Utterance
from clser_engine.models.speech_branch import SpeechBranch
from clser_engine.runtime import RunContext
from clser_engine.training.average import WeightAverage, load_trained
from clser_engine.training.concatenations import compose, draw_clips
from clser_engine.training.descriptor_batches import pad_descriptors
from clser_engine.training.noises import draw_sound
from clser_engine.types import FloatArray

EXAMPLES = 300  # of each corpus, about 35 minutes
SPOKEN = 0.6  # share of sequences in which somebody speaks
NOISY = 0.8  # share of those that have more than room tone
SNR_DB = (-6.0, 35.0)
DROWNED_DB = -6.0  # speech further below other sounds is not heard
ROOM = 0.3  # share in a room with an echo
NARROW = 0.2  # share through a telephone or worse
SILENT = 0.1  # share of the sequences without speech that are digital silence, or nearly
BATCH = 24
CROP_STEPS = 200
STEPS = 1600
EMA_DECAY = 0.99


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpeechExample:
    """A recording of which it is known where somebody speaks.

    Args:
        descriptors: (2 T, M + 5) packed.
        speech: (T,) bool.
        clear: (T,) bool, False where speech is drowned, which teaches nothing.
    """

    descriptors: FloatArray
    speech: NDArray[np.bool]
    clear: NDArray[np.bool]


_made: dict[str, list[SpeechExample]] = {}
"""Examples by corpus: models that leave out one corpus or another share those of the rest."""


def examples_of(utterances: Sequence[Utterance], count: int, seed: int) -> list[SpeechExample]:
    """Return recordings with and without speech, in noise of all kinds, made once a process.

    Args:
        utterances: Clean recordings of speech, of one corpus.
        count: How many to make.
        seed: Start of the random numbers.
    """
    key = f"{recordings_hash(utterances)} {count} {seed}"
    if key not in _made:
        rng = np.random.default_rng(seed)
        describe = FrameDescriptors().eval()
        read: dict[int, FloatArray] = {}
        examples = []
        for _ in range(count):
            samples, speech, clear = _draw(utterances, read, rng)
            with torch.inference_mode():
                packed = pack(describe(torch.from_numpy(samples)[None]))[0].numpy()
            examples.append(SpeechExample(descriptors=packed, speech=speech, clear=clear))
        _made[key] = examples
    return _made[key]


def _draw(
    utterances: Sequence[Utterance], kept: dict[int, FloatArray], rng: np.random.Generator
) -> tuple[FloatArray, NDArray[np.bool], NDArray[np.bool]]:
    """Return samples, where somebody speaks in them, and where that can be heard."""

    def clip(index: int) -> FloatArray:
        if index not in kept:
            kept[index] = read_mono(utterances[index].path)
        return kept[index]

    drawn = draw_clips(utterances, rng)
    clips = [clip(index) for index in drawn]
    if rng.random() < SPOKEN:
        made = compose(clips, [0] * len(clips), rng, noise_below_db=(25.0, 80.0))
        samples, speech = made.samples, made.speech
        clear = np.ones_like(speech)
        if rng.random() < ROOM:
            samples = _echo(samples, rng)
        if rng.random() < NOISY:
            power = float((samples[np.repeat(speech, STEP_SAMPLES)[: len(samples)]] ** 2).mean())
            level = np.sqrt(power) * 10 ** (-rng.uniform(*SNR_DB) / 20)
            sound = np.float32(level) * _sound(len(samples), kept, rng)
            clear = ~speech | (_step_power(samples) > _step_power(sound) * 10 ** (DROWNED_DB / 10))
            samples = samples + sound
    else:
        size = round(rng.uniform(0.5, 9) * SAMPLE_RATE_HZ)
        speech = np.zeros(num_steps(size), dtype=bool)
        clear = np.ones_like(speech)
        samples = _sound(size, kept, rng) * np.float32(10 ** (rng.uniform(-70, -15) / 20))
        if rng.random() < SILENT:
            samples = samples * np.float32(rng.choice([0.0, 1e-3]))
    if rng.random() < NARROW:
        samples = _narrow(samples, rng)
    peak = float(np.abs(samples).max())
    gain = 10 ** (rng.uniform(-30, 0) / 20) / peak if peak > 1e-3 else 1.0
    return (samples * np.float32(gain)).astype(np.float32), speech, clear


def _sound(size: int, voices: dict[int, FloatArray], rng: np.random.Generator) -> FloatArray:
    """Return a sound (N,) of about power 1, in a room or not."""
    sound = draw_sound(size, rng, list(voices.values()))
    return _echo(sound, rng) if rng.random() < ROOM else sound


def _step_power(samples: FloatArray) -> NDArray[np.float64]:
    """Return the power of each step (T,)."""
    padded = np.zeros(num_steps(len(samples)) * STEP_SAMPLES)
    padded[: len(samples)] = samples
    power: NDArray[np.float64] = (padded.reshape(-1, STEP_SAMPLES) ** 2).mean(axis=1)
    return power


def _echo(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the samples in a room: noise that dies away, after the direct sound."""
    decay_s = rng.uniform(0.15, 0.6)
    time = np.arange(round(decay_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    room = rng.standard_normal(len(time)) * np.exp(-6.9 * time / decay_s)
    room *= rng.uniform(0.1, 0.7) / np.sqrt((room**2).sum())
    room[0] = 1.0
    size = 1 << (len(samples) + len(room) - 1).bit_length()
    heard = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(room, size), size)
    return heard[: len(samples)].astype(np.float32)


def _narrow(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the samples without what is below some 100 to 400 and above some 3 to 7 kHz."""
    hz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE_HZ)
    low, high = rng.uniform(60, 400), rng.uniform(3000, 7000)
    passed = 1 / (1 + (low / np.maximum(hz, 1)) ** 8) / (1 + (hz / high) ** 16)
    heard: FloatArray = np.fft.irfft(np.fft.rfft(samples) * passed, len(samples)).astype(np.float32)
    return heard


def train_speech(
    branch: SpeechBranch,
    utterances: Sequence[Utterance],
    *,
    count: int | None = None,
    steps: int = STEPS,
    seed: int,
    context: RunContext,
) -> None:
    """Train the branch in place; what stays is the moving average of its weights.

    Args:
        branch: What to train; left in evaluation mode.
        utterances: Clean recordings of speech.
        count: Examples made of each corpus; None makes 300, and no more than there are batches.
        steps: Batches.
        seed: Start of the random numbers.
        context: Progress and cancellation.
    """
    corpora = sorted({u.corpus for u in utterances})
    count = min(EXAMPLES, steps) if count is None else count
    examples = []
    for number, corpus in enumerate(corpora):
        context.report("speech examples", number, len(corpora))
        examples += examples_of([u for u in utterances if u.corpus == corpus], count, seed)
    rng = np.random.default_rng(seed)
    average = WeightAverage(branch, EMA_DECAY)
    optimiser = torch.optim.AdamW(branch.parameters(), lr=4e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=4e-3, total_steps=steps)
    branch.train()
    for step in range(steps):
        context.report("speech", step, steps)
        chosen = []
        for index in rng.integers(0, len(examples), BATCH):
            example = examples[index]
            start = int(rng.integers(0, max(1, len(example.speech) - CROP_STEPS + 1)))
            end = start + CROP_STEPS
            chosen.append(
                SpeechExample(
                    descriptors=example.descriptors[2 * start : 2 * end],
                    speech=example.speech[start:end],
                    clear=example.clear[start:end],
                )
            )
        packed, valid = pad_descriptors([example.descriptors for example in chosen])
        logits = branch(unpack(packed, valid.sum(dim=1)))  # (B, T)
        speech = torch.from_numpy(np.concatenate([example.speech for example in chosen]))
        clear = torch.from_numpy(np.concatenate([example.clear for example in chosen]))
        loss = F.binary_cross_entropy_with_logits(
            logits[valid[:, ::2]][clear], speech[clear].to(logits.dtype)
        )
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(branch.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        average.update(step)
    load_trained(branch, average.tensors)
    branch.eval()
