"""How much of the emotion something else gives away: the speaker, the text, the gender.

Where each speaker is in one emotion only, a model may learn voices instead of emotions, and figures
on the corpus mean little. The measure is the uncertainty coefficient: mutual information of the two
labels over the entropy of the emotion (Theil 1970; Press et al., Numerical Recipes, 14.4), 0 where
they are independent and 1 where the one gives the other away. With few recordings chance alone
makes it large, so it is set against what it is when emotions are shuffled.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SHUFFLES = 200
STRONG = 0.2
"""From here on a confound is told; speakers of unequal class counts alone stay below 0.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confound:
    """What one label gives away of another.

    Args:
        share: The uncertainty coefficient, 0 to 1.
        by_chance: Its mean when the emotions are shuffled.
        beyond_chance: Part of what is left above chance, at most 1; 0 or less means nothing.
        is_strong: Whether it is worth a warning: beyond 0.2 and beyond all shuffles but 1 in 20.
    """

    share: float
    by_chance: float
    beyond_chance: float
    is_strong: bool


def measure_confound(emotions: Sequence[str], others: Sequence[str], seed: int = 0) -> Confound:
    """Return how much of the emotions the other labels give away.

    Args:
        emotions: One for each recording.
        others: What may give it away, one for each recording.
        seed: Of the shuffles.
    """
    emotion = np.unique(np.asarray(emotions), return_inverse=True)[1]
    other = np.unique(np.asarray(others), return_inverse=True)[1]
    share = _uncertainty(emotion, other)
    rng = np.random.default_rng(seed)
    shuffled = np.array([_uncertainty(rng.permutation(emotion), other) for _ in range(SHUFFLES)])
    by_chance = float(shuffled.mean())
    beyond = (share - by_chance) / (1.0 - by_chance) if by_chance < 1.0 - 1e-9 else 0.0
    return Confound(
        share=share,
        by_chance=by_chance,
        beyond_chance=beyond,
        is_strong=beyond >= STRONG and share > float(np.quantile(shuffled, 0.95)),
    )


def _uncertainty(emotion: npt.NDArray[np.intp], other: npt.NDArray[np.intp]) -> float:
    """Return I(emotion; other) / H(emotion); 0 where there is one emotion only."""
    columns = int(other.max()) + 1
    joint = np.bincount(emotion * columns + other, minlength=(int(emotion.max()) + 1) * columns)
    table = joint.reshape(-1, columns) / len(emotion)
    entropy = _entropy(table.sum(axis=1))
    if entropy == 0.0:
        return 0.0
    information = entropy + _entropy(table.sum(axis=0)) - _entropy(table.ravel())
    return max(0.0, information) / entropy


def _entropy(p: npt.NDArray[np.float64]) -> float:
    p = p[p > 0]
    return max(0.0, float(-(p * np.log(p)).sum()))
