"""What all classifiers of recordings share: they judge one by its deviation from those around it.

A recording shifted by a language, a microphone or a voice is shifted back (z-normalising by corpus
brought 8 points of UAR on unseen corpora).

Shapes: B recordings, D functionals or embedding size, C emotion classes.
"""

import torch
from torch import Tensor, nn

CLIP = 4.0  # a number further out than this many deviations says no more
PRIOR_CLIPS = 3.0  # statistics of n clips weigh n / (n + 3) against those of the training data


class RelativeHeads(nn.Module):
    """Base of two classifiers: `alone` reads recordings, `project` their deviations from a group.

    Args:
        size: D.
    """

    prior_mean: Tensor
    prior_std: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("prior_mean", torch.zeros(size))
        self.register_buffer("prior_std", torch.ones(size))

    def relative(self, functionals: Tensor, mean: Tensor, std: Tensor, count: Tensor) -> Tensor:
        """Return functionals in deviations from statistics shrunk towards the training data.

        Args:
            functionals: (B, D) raw.
            mean: (D,) mean over the recordings of the group.
            std: (D,) standard deviation over them.
            count: (1,) how many recordings that is; 0 leaves the training data's statistics.

        Returns:
            (B, D), clipped.
        """
        trust = count / (count + PRIOR_CLIPS)
        # One recording has a mean but no spread yet.
        spread_trust = (count - 1).clamp(min=0) / (count + 2)
        centre = trust * mean + (1 - trust) * self.prior_mean  # (D,)
        variance = spread_trust * std.square() + (1 - spread_trust) * self.prior_std.square()
        return ((functionals - centre) / (variance.sqrt() + 1e-6)).clamp(-CLIP, CLIP)
