"""What a model learnt about groups of recordings, and how sure it may be with their statistics.

Shapes: D functionals, C classes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from clser_engine.errors import BundleError
from clser_engine.types import FloatArray

FILE: Final = "groups.safetensors"

Rests = Literal["project", "speaker", "project_propagated", "speaker_propagated"]
RESTS: Final[tuple[Rests, ...]] = (
    "project",
    "speaker",
    "project_propagated",
    "speaker_propagated",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupModel:
    """Fitted on corpora that the classifiers had not seen.

    Args:
        prior_mean: (D,) of functionals over the training corpora.
        prior_std: (D,) within a corpus.
        class_offsets: (C, D) how far each class lies from the middle of all classes, in deviations
            within a corpus.
        least_project: Disagreement between the recordings of a project below which they probably
            show one emotion; in nats.
        least_speaker: The same for a speaker, as a share of the project's disagreement.
        temperatures: By what the posteriors rest on.
    """

    prior_mean: FloatArray
    prior_std: FloatArray
    class_offsets: FloatArray
    least_project: float
    least_speaker: float
    temperatures: dict[Rests, float]


def untrained(functionals: FloatArray, num_classes: int) -> GroupModel:
    """Return what is used with a model that learnt nothing about groups: plain statistics.

    Args:
        functionals: (B, D) of the recordings at hand, which are their own prior.
        num_classes: C.
    """
    whole = functionals[np.isfinite(functionals).all(axis=1)].astype(np.float64)
    count = max(len(whole), 1)
    mean = whole.sum(axis=0) / count
    variance = ((whole - mean) ** 2).sum(axis=0) / count
    return GroupModel(
        prior_mean=mean.astype(np.float32),
        prior_std=np.sqrt(variance + 1e-9).astype(np.float32),
        class_offsets=np.zeros((num_classes, functionals.shape[1]), np.float32),
        least_project=0.0,
        least_speaker=0.5,
        temperatures=dict.fromkeys(RESTS, 1.0),
    )


def to_tensors(model: GroupModel) -> dict[str, FloatArray]:
    """Return the arrays of `groups.safetensors`."""
    return {
        "prior_mean": model.prior_mean,
        "prior_std": model.prior_std,
        "class_offsets": model.class_offsets,
        "least_disagreement": np.array([model.least_project, model.least_speaker], np.float32),
        "temperatures": np.array([model.temperatures[name] for name in RESTS], np.float32),
    }


def read_group_model(folder: Path, num_classes: int, num_functionals: int) -> GroupModel | None:
    """Return what a bundle says about groups, None where it says nothing.

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
    shapes = {
        "prior_mean": (num_functionals,),
        "prior_std": (num_functionals,),
        "class_offsets": (num_classes, num_functionals),
        "least_disagreement": (2,),
        "temperatures": (len(RESTS),),
    }
    for name, shape in shapes.items():
        if name not in tensors or tensors[name].shape != shape:
            raise BundleError(f"{path} does not fit its card ({name}); install the model again.")
    least, temperatures = tensors["least_disagreement"], tensors["temperatures"]
    return GroupModel(
        prior_mean=tensors["prior_mean"],
        prior_std=tensors["prior_std"],
        class_offsets=tensors["class_offsets"],
        least_project=float(least[0]),
        least_speaker=float(least[1]),
        temperatures={n: float(t) for n, t in zip(RESTS, temperatures, strict=True)},
    )
