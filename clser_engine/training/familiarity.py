"""Training of the score that says how far a recording is from speech that the model knows.

Speech as recorded and speech damaged as telephones and rooms do it is one class; noise, music and
silence made from nothing is the other. The border is where it keeps speech of corpora left out.

Shapes: N recordings, D functionals.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from clser_engine.audio.read import read_mono
from clser_engine.data.manifest import Utterance
from clser_engine.inference.familiarity import Familiarity, quadratic_terms
from clser_engine.runtime import RunContext
from clser_engine.training.batches import cell_weights
from clser_engine.training.damage import DAMAGES, damage
from clser_engine.training.non_speech import TAUGHT, make_noises
from clser_engine.types import FloatArray

Embed = Callable[[FloatArray], FloatArray]
"""From samples (N,) to functionals (D,)."""

KEPT = 0.95  # share of speech of unseen corpora, whole or damaged, that stays known
PENALTY = 0.04
STEPS = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SoundExamples:
    """Functionals of speech and of what is none.

    Args:
        speech: (N, D) as recorded.
        speech_corpora: Corpus of each.
        damaged: (M, D) speech after damage.
        damaged_corpora: Corpus of each.
        non_speech: (K, D) noise, music and silence.
    """

    speech: FloatArray
    speech_corpora: Sequence[str]
    damaged: FloatArray
    damaged_corpora: Sequence[str]
    non_speech: FloatArray


def make_examples(
    embed: Embed,
    utterances: Sequence[Utterance],
    functionals: FloatArray,
    count: int,
    seed: int,
    context: RunContext,
) -> SoundExamples:
    """Damage some of the training speech and make noises.

    Args:
        embed: What computes functionals.
        utterances: The training speech.
        functionals: (N, D) of it.
        count: Of noises, and of damaged clips, spread over corpora and kinds.
        seed: Start of the random numbers.
        context: Progress and cancellation.

    Raises:
        AudioError: If a recording cannot be read.
    """
    rng = np.random.default_rng(seed)
    names = sorted({utterance.corpus for utterance in utterances})
    each = -(-count // (len(names) * len(DAMAGES)))
    damaged: list[FloatArray] = []
    corpora: list[str] = []
    for corpus in names:
        members = [utterance for utterance in utterances if utterance.corpus == corpus]
        for kind in DAMAGES:
            for number in rng.integers(len(members), size=each):
                context.report("damaged speech", len(damaged), each * len(names) * len(DAMAGES))
                samples = read_mono(members[number].path)
                damaged.append(embed(damage(kind, samples, rng)))
                corpora.append(corpus)
    noises = [
        s for made in make_noises(TAUGHT, -(-count // len(TAUGHT)), seed).values() for s in made
    ]
    heard = []
    for number, samples in enumerate(noises):
        context.report("noises", number, len(noises))
        heard.append(embed(samples))
    return SoundExamples(
        speech=functionals,
        speech_corpora=[utterance.corpus for utterance in utterances],
        damaged=np.stack(damaged),
        damaged_corpora=corpora,
        non_speech=np.stack(heard),
    )


def fit_familiarity(examples: SoundExamples) -> tuple[Familiarity, dict[str, float]]:
    """Fit the score and its border.

    Returns:
        The score, and in percent how much speech of corpora left out stays known, as recorded and
        damaged; only the border is in doubt there, so the noises are the same.
    """
    fitted = _fit(examples)
    corpora = sorted(set(examples.speech_corpora))
    clean, damaged, clean_names, damaged_names = [], [], [], []
    for corpus in corpora if len(corpora) > 1 else []:
        other = _fit(_without(examples, corpus))
        theirs = _rows(examples.speech_corpora, corpus)
        clean.append(other.margins(examples.speech[theirs]))
        clean_names += [corpus] * int(theirs.sum())
        theirs = _rows(examples.damaged_corpora, corpus)
        damaged.append(other.margins(examples.damaged[theirs]))
        damaged_names += [corpus] * int(theirs.sum())
    if not clean:
        return fitted, {}
    margins = np.concatenate([*clean, *damaged])
    names = [f"{n} as recorded" for n in clean_names] + [f"{n} damaged" for n in damaged_names]
    weights = cell_weights(names, [0] * len(names))
    order = np.argsort(margins)
    share = np.cumsum(weights[order]) / weights.sum()
    border = float(margins[order][min(int(np.searchsorted(share, KEPT)), len(order) - 1)])
    spread = float(np.std(margins))
    familiarity = Familiarity(
        mean=fitted.mean,
        scale=fitted.scale,
        weights=fitted.weights,
        bias=fitted.bias - border,
        width=max(spread / 2, 1e-3),
    )
    report = {
        "known_speech": 100 * float(np.mean(np.concatenate(clean) <= border)),
        "known_damaged_speech": 100 * float(np.mean(np.concatenate(damaged) <= border)),
        "known_noises": 100 * float(np.mean(familiarity.margins(examples.non_speech) <= 0)),
    }
    return familiarity, report


def _fit(examples: SoundExamples) -> Familiarity:
    """Fit the regression; speech as recorded and damaged weigh alike, and noises as both."""
    speech = np.concatenate([examples.speech, examples.damaged]).astype(np.float64)
    kinds = [f"{name} as recorded" for name in examples.speech_corpora]
    kinds += [f"{name} damaged" for name in examples.damaged_corpora]
    weights = cell_weights(kinds, [0] * len(kinds))
    weights /= weights.sum()
    mean = (speech * weights[:, None]).sum(axis=0)
    scale = np.sqrt(((speech - mean) ** 2 * weights[:, None]).sum(axis=0)) + 1e-6
    count = len(examples.non_speech)
    inputs = torch.from_numpy(
        quadratic_terms(
            np.concatenate([speech, examples.non_speech]).astype(np.float32),
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


def _without(examples: SoundExamples, corpus: str) -> SoundExamples:
    speech = ~_rows(examples.speech_corpora, corpus)
    damaged = ~_rows(examples.damaged_corpora, corpus)
    return SoundExamples(
        speech=examples.speech[speech],
        speech_corpora=[name for name in examples.speech_corpora if name != corpus],
        damaged=examples.damaged[damaged],
        damaged_corpora=[name for name in examples.damaged_corpora if name != corpus],
        non_speech=examples.non_speech,
    )


def _rows(corpora: Sequence[str], corpus: str) -> NDArray[np.bool]:
    return np.array([name == corpus for name in corpora])
