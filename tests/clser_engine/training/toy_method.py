"""A method without audio, to test the loop by: two modules, a refreshed buffer, random numbers."""

import random
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from clser_engine.config.sections import (
    DataSettings,
    OptimiserSettings,
    ScheduleSettings,
    TrainingSettings,
)
from clser_engine.data.manifest import Utterance
from clser_engine.methods.method import Embedded, ParameterGroup, Part, split_evenly

NUM_RECORDINGS, NUM_INPUTS = 24, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyRun:
    SECTION: ClassVar[str] = ""
    name: str = "toy"
    seed: int = 0
    classes: tuple[str, ...] = ("anger", "sadness")
    licence: str = "free"
    data: DataSettings = field(default_factory=DataSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    broken_step: int = -2
    noise: float = 0.5


class ToySource:
    def __init__(self, run):
        generator = np.random.default_rng(1)
        self.emotions = np.arange(NUM_RECORDINGS) % 2
        shift = np.where(self.emotions, 1.0, -1.0)[:, None]
        self.values = (generator.standard_normal((NUM_RECORDINGS, NUM_INPUTS)) + shift).astype("f4")
        self.size = run.training.batch_size
        self.batches_per_epoch = NUM_RECORDINGS // self.size
        self.loaded = []

    def parts(self, epoch, number, count):
        order = np.random.default_rng([7, epoch]).permutation(NUM_RECORDINGS)
        batch = order[number * self.size : (number + 1) * self.size].tolist()
        return [Part(indices=p, place=(epoch, number)) for p in split_evenly(batch, count)]

    def load(self, part):
        self.loaded.append(part)
        indices = list(part.indices)
        return {
            "values": torch.from_numpy(self.values[indices]),
            "emotions": torch.from_numpy(self.emotions[indices]),
        }

    def names(self, part):
        return [f"{index}.wav" for index in part.indices]

    def seconds(self, part):
        return 2.0 * len(part.indices), 3.0 * len(part.indices)


class ToyNetwork(nn.Module):
    """Two modules, one of which is asked twice in a step and one parameter never used."""

    def __init__(self, run):
        super().__init__()
        self.encoder = nn.Linear(NUM_INPUTS, 4)
        self.head = nn.Linear(4, 2)
        self.unused = nn.Parameter(torch.ones(3))
        self.register_buffer("shift", torch.zeros(1))
        self.run = run
        self.step = -1

    def forward(self, batch):
        emotions = batch["emotions"]
        noise = self.run.noise * (
            torch.randn(len(emotions), 1) + random.random() + np.random.rand()
        )
        one = self.head(torch.tanh(self.encoder(batch["values"] + noise + self.shift)))
        two = self.head(torch.tanh(self.encoder(-batch["values"])))
        loss = nn.functional.cross_entropy(one, emotions)
        if self.step == self.run.broken_step:
            loss = loss * float("nan")
        return {"loss": loss + 0.1 * two.square().mean(), "plain": loss}


class ToyMethod:
    run_class = ToyRun

    def __init__(self, run):
        self.source = ToySource(run)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.seed)
            self.network = ToyNetwork(run)
        self.model = None
        self.data_hashes, self.notes = {"toy": "0"}, {}
        self.epochs = []
        self._run = run

    @classmethod
    def build(cls, run, processes, context):
        return cls(run)

    def parameter_groups(self):
        rates, named = self._run.optimiser, dict(self.network.named_parameters())
        encoder = {name: p for name, p in named.items() if name.startswith("encoder")}
        rest = {name: p for name, p in named.items() if name not in encoder}
        return [
            ParameterGroup(name="head", parameters=rest, learning_rate=rates.head),
            ParameterGroup(name="encoder", parameters=encoder, learning_rate=rates.encoder),
        ]

    def before_epoch(self, epoch, processes):
        """What is made here depends on the weights, as a graph of speakers does."""
        self.epochs.append(epoch)
        weights = float(self.network.head.weight.detach().sum())
        self.network.shift.fill_(0.1 * weights + random.random())

    def before_step(self, step, num_steps):
        self.network.step = step

    @torch.no_grad()
    def embed(self, which, processes):
        values = torch.from_numpy(self.source.values)
        embeddings = torch.tanh(self.network.encoder(values))
        logits = self.network.head(embeddings)
        return Embedded(
            utterances=[
                Utterance(path=None, emotion="anger", speaker="s", language="deu", corpus="c")
                for _ in range(NUM_RECORDINGS)
            ],
            embeddings=embeddings.numpy(),
            logits=logits.numpy(),
            frame_logits=logits.numpy(),
            emotions=self.source.emotions,
        )
