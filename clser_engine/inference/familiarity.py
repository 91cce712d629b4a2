"""How far a recording is from the speech that a model was trained on.

A classifier of emotions has to choose one for silence, music and engines too; this score says when
the choice means nothing. It is a logistic regression on functionals and their squares, so that a
functional may be strange on both sides: a quadratic discriminant with its covariances left out.

Shapes: B recordings, D functionals.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clser_engine.errors import BundleError
from clser_engine.types import FloatArray

FILE: Final = "familiarity.safetensors"
CLIP = 4.0
STRANGE = 0.5  # scores above this are "don't know"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Familiarity:
    """Fitted on speech, damaged speech and sounds that are none.

    Args:
        mean: (D,) of the functionals of speech.
        scale: (D,) their deviation.
        weights: (2 D,) of the functionals and of their squares.
        bias: Such that speech of languages never heard mostly scores below `STRANGE`.
        width: How many units of the regression take the score from 0.5 to 0.73.
    """

    mean: FloatArray
    scale: FloatArray
    weights: FloatArray
    bias: float
    width: float

    def margins(self, functionals: FloatArray) -> NDArray[np.float64]:
        """Return how far beyond the border each recording (B, D) is, negative for speech: (B,)."""
        terms = quadratic_terms(functionals, self.mean, self.scale)
        margins: NDArray[np.float64] = terms @ self.weights.astype(np.float64) + self.bias
        return margins

    def scores(self, functionals: FloatArray) -> NDArray[np.float64]:
        """Return scores (B,) of recordings (B, D): 0 like the training data, 1 like nothing in it.

        A recording with a number that is not finite is like nothing.
        """
        finite: NDArray[np.bool] = np.isfinite(functionals)
        margins = self.margins(np.where(finite, functionals, 0).astype(np.float32))
        scores = 1 / (1 + np.exp(-(margins / self.width).clip(-50, 50)))
        return np.where(finite.all(axis=1), scores, 1.0)


def quadratic_terms(
    functionals: FloatArray, mean: FloatArray, scale: FloatArray
) -> NDArray[np.float64]:
    """Return standardised functionals and their squares (B, 2 D), about equally large."""
    inputs = ((functionals.astype(np.float64) - mean) / (scale + 1e-9)).clip(-CLIP, CLIP)
    return np.concatenate([inputs, inputs**2 / CLIP], axis=1)


def to_tensors(familiarity: Familiarity) -> dict[str, FloatArray]:
    """Return the arrays of `familiarity.safetensors`."""
    return {
        "mean": familiarity.mean,
        "scale": familiarity.scale,
        "weights": familiarity.weights,
        "border": np.array([familiarity.bias, familiarity.width], np.float32),
    }


def read_familiarity(folder: Path, num_functionals: int) -> Familiarity | None:
    """Return what a bundle knows of its training data, None where it says nothing.

    Raises:
        BundleError: If the file does not fit the model.
    """
    from safetensors.numpy import load_file

    path = folder / FILE
    if not path.exists():
        return None
    try:
        tensors = load_file(path)
    except Exception as error:  # safetensors raises a class of its own without a common root
        raise BundleError(f"{path} is damaged; install the model again.") from error
    size = num_functionals
    shapes = {"mean": (size,), "scale": (size,), "weights": (2 * size,), "border": (2,)}
    for name, shape in shapes.items():
        if name not in tensors or tensors[name].shape != shape:
            raise BundleError(f"{path} does not fit its card ({name}); install the model again.")
    return Familiarity(
        mean=tensors["mean"],
        scale=tensors["scale"],
        weights=tensors["weights"],
        bias=float(tensors["border"][0]),
        width=float(tensors["border"][1]),
    )
