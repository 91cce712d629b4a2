"""Training of the score that says how far a recording is from speech that the model knows.

Speech as recorded, and as telephones, rooms, noise and soft voices alter it, is one class; noise,
music and silence made from nothing is the other. Each emotion of each corpus weighs the same, so
none is strange for being rare, and the border is where it keeps speech of corpora left out.

Shapes: N recordings of speech, D functionals.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from clser_engine.audio.features import SAMPLE_RATE_HZ
from clser_engine.audio.read import read_mono
from clser_engine.data.manifest import Utterance
from clser_engine.inference.familiarity import Familiarity, quadratic_terms
from clser_engine.runtime import RunContext
from clser_engine.training.batches import cell_weights
from clser_engine.training.damage import DAMAGES, damage
from clser_engine.training.noises import draw_sound
from clser_engine.training.non_speech import TAUGHT, make_noises
from clser_engine.types import FloatArray

Embed = Callable[[FloatArray], FloatArray]
"""From samples (N,) to functionals (D,)."""

KEPT = 0.99  # share of speech of unseen corpora, as recorded and altered, that stays known
KEPT_OF_EACH = 0.97  # the same of each emotion of each such corpus, as recorded
PENALTY = 0.04
STEPS = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SoundExamples:
    """Functionals of speech and of what is none.

    Args:
        speech: (N, D).
        corpora: Corpus of each.
        emotions: Emotion of each.
        altered: (N,) whether it was damaged.
        non_speech: (K, D) noise, music and silence.
    """

    speech: FloatArray
    corpora: Sequence[str]
    emotions: Sequence[str]
    altered: NDArray[np.bool]
    non_speech: FloatArray

    def select(self, rows: NDArray[np.bool]) -> "SoundExamples":
        """Return the examples with some of the speech (N,) only."""
        kept = np.flatnonzero(rows).tolist()
        return SoundExamples(
            speech=self.speech[kept],
            corpora=[self.corpora[row] for row in kept],
            emotions=[self.emotions[row] for row in kept],
            altered=self.altered[kept],
            non_speech=self.non_speech,
        )

    def cells(self) -> list[str]:
        """Return of each recording what weighs as much as any other: (N,)."""
        return [
            f"{corpus}, {emotion}, {'altered' if altered else 'as recorded'}"
            for corpus, emotion, altered in zip(
                self.corpora, self.emotions, self.altered, strict=True
            )
        ]

    def weights(self) -> NDArray[np.float64]:
        """Return what each recording of speech weighs, (N,) with sum 1."""
        weights = cell_weights(self.cells(), [0] * len(self.speech))
        shares: NDArray[np.float64] = weights / weights.sum()
        return shares


def make_examples(
    embed: Embed,
    utterances: Sequence[Utterance],
    functionals: FloatArray,
    count: int,
    seed: int,
    context: RunContext,
    *,
    altered: Sequence[FloatArray] = (),
) -> SoundExamples:
    """Damage some of the training speech and make sounds that are none.

    Args:
        embed: What computes functionals.
        utterances: The training speech.
        functionals: (N, D) of it.
        count: Of sounds, and of damaged clips, spread over corpora and kinds.
        seed: Start of the random numbers.
        context: Progress and cancellation.
        altered: Functionals (N, D) of altered copies of the training speech, where there are some.

    Raises:
        AudioError: If a recording cannot be read.
    """
    rng = np.random.default_rng(seed)
    names = sorted({utterance.corpus for utterance in utterances})
    each = -(-count // (len(names) * len(DAMAGES)))
    damaged: list[FloatArray] = []
    chosen: list[Utterance] = []
    for corpus in names:
        members = [utterance for utterance in utterances if utterance.corpus == corpus]
        for kind in DAMAGES:
            for number in rng.integers(len(members), size=each):
                context.report("damaged speech", len(damaged), each * len(names) * len(DAMAGES))
                chosen.append(members[number])
                samples = damage(kind, read_mono(members[number].path), rng)
                damaged.append(embed(_at_any_level(samples, rng)))
    heard = []
    for number, samples in enumerate(_sounds(count, seed)):
        context.report("noises", number, count)
        heard.append(embed(samples))
    everyone = [*utterances, *list(utterances) * len(altered), *chosen]
    return SoundExamples(
        speech=np.concatenate([functionals, *altered, np.stack(damaged)]),
        corpora=[utterance.corpus for utterance in everyone],
        emotions=[utterance.emotion for utterance in everyone],
        altered=np.arange(len(everyone)) >= len(utterances),
        non_speech=np.stack(heard),
    )


def _sounds(count: int, seed: int) -> list[FloatArray]:
    """Return sounds (N,) that are no speech: half of plain kinds, half music, noise and mixes."""
    each = -(-count // (2 * len(TAUGHT)))
    sounds = [s for made in make_noises(TAUGHT, each, seed).values() for s in made]
    rng = np.random.default_rng(seed)
    while len(sounds) < count:
        sound = draw_sound(round(rng.uniform(1, 6) * SAMPLE_RATE_HZ), rng, [])
        sounds.append(_at_any_level(sound, rng))
    return sounds


def _at_any_level(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the samples with a peak of -40 to -2 dB: how loud it is makes nothing speech."""
    return samples * np.float32(10 ** rng.uniform(-2, -0.1) / (np.abs(samples).max() + 1e-9))


def fit_familiarity(examples: SoundExamples) -> tuple[Familiarity, dict[str, float]]:
    """Fit the score and its border.

    Returns:
        The score, and in percent how much speech of corpora left out stays known, as recorded, in
        the worst emotion of a corpus, and damaged. Only the border is in doubt there, so the other
        sounds are the same.
    """
    fitted = _fit(examples)
    corpora = np.array(examples.corpora)
    names = np.unique(corpora)
    if len(names) < 2:
        return fitted, {}
    margins = np.empty(len(corpora))
    for name in names:
        theirs = corpora == name
        margins[theirs] = _fit(examples.select(~theirs)).margins(examples.speech[theirs])
    cells, recorded = np.array(examples.cells()), ~examples.altered
    theirs_alone = [margins[cells == cell] for cell in np.unique(cells[recorded])]
    order = np.argsort(margins)
    share = np.cumsum(examples.weights()[order])
    border = max(
        float(margins[order][min(int(np.searchsorted(share, KEPT)), len(order) - 1)]),
        *(float(np.quantile(found, KEPT_OF_EACH, method="higher")) for found in theirs_alone),
    )
    familiarity = Familiarity(
        mean=fitted.mean,
        scale=fitted.scale,
        weights=fitted.weights,
        bias=fitted.bias - border,
        width=max(float(np.std(margins)) / 2, 1e-3),
    )
    known = margins <= border
    report = {
        "known_speech": 100 * float(np.mean(known[recorded])),
        "known_speech_of_worst_emotion": 100
        * min(float(np.mean(found <= border)) for found in theirs_alone),
        "known_damaged_speech": 100 * float(np.mean(known[examples.altered])),
        "known_noises": 100 * float(np.mean(familiarity.margins(examples.non_speech) <= 0)),
    }
    return familiarity, report


def _fit(examples: SoundExamples) -> Familiarity:
    """Fit the regression; speech weighs as much as what is none."""
    speech, weights = examples.speech.astype(np.float64), examples.weights()
    mean = (speech * weights[:, None]).sum(axis=0)
    scale = np.sqrt(((speech - mean) ** 2 * weights[:, None]).sum(axis=0)) + 1e-6
    count = len(examples.non_speech)
    inputs = torch.from_numpy(
        quadratic_terms(
            np.concatenate([examples.speech, examples.non_speech]),
            mean.astype(np.float32),
            scale.astype(np.float32),
        )
    )
    targets = torch.cat([torch.zeros(len(speech)), torch.ones(count)]).double()
    shares = torch.from_numpy(np.concatenate([weights, np.full(count, 1 / count)])) / 2
    found = _regress(inputs, targets, shares)
    return Familiarity(
        mean=mean.astype(np.float32),
        scale=scale.astype(np.float32),
        weights=found[:-1].astype(np.float32),
        bias=float(found[-1]),
        width=1.0,
    )


def _regress(
    inputs: torch.Tensor, targets: torch.Tensor, shares: torch.Tensor
) -> NDArray[np.float64]:
    """Return weights and bias (2 D + 1,) of a logistic regression; convex, so no seed matters."""
    solution = torch.zeros(inputs.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [solution], max_iter=STEPS, history_size=20, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        logits = inputs @ solution[:-1] + solution[-1]
        losses = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        loss = (losses * shares).sum() + PENALTY * solution[:-1].square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    found: NDArray[np.float64] = solution.detach().numpy()
    return found
