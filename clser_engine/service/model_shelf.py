"""The models that the engine has loaded, and the one module that needs a network library."""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from clser_engine.bundle import find_bundle, load_card
from clser_engine.errors import BundleError, EngineError
from clser_engine.runtime import RunContext
from clser_engine.types import Analysis, FloatArray, ModelId

if TYPE_CHECKING:
    from clser_engine.inference.predictor import ProjectScores

logger = logging.getLogger(__name__)

Device = Literal["auto", "cpu", "cuda"]

DEFAULT_MODEL = "default"
MAX_LOADED = 2  # the default and the one that the project uses


class Card(Protocol):
    """What a model says of itself."""

    @property
    def model_id(self) -> ModelId:
        """Name and hash."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Emotion names in the order of the outputs."""

    @property
    def frame_rate_hz(self) -> float:
        """Posteriors per second."""

    @property
    def summary(self) -> str:
        """One sentence for people."""


class Predictor(Protocol):
    """A loaded model."""

    @property
    def card(self) -> Card:
        """What it is."""

    @property
    def device(self) -> str:
        """`CPU` or the GPU's name."""

    @property
    def runtime(self) -> str:
        """What runs it, for example `onnxruntime 1.31.1`."""

    def analyze(self, path: Path, context: RunContext) -> Analysis:
        """Analyse a recording of any length."""

    def score_project(
        self,
        functionals: FloatArray,
        *,
        statistics: str = "auto",
        speakers: Sequence[str] | None = None,
        propagate: bool = False,
    ) -> "ProjectScores":
        """Return the utterance posteriors of (B, D) raw functionals relative to each other."""


class Backend(Protocol):
    """What the engine needs of `clser_engine.inference.predictor`."""

    def load_predictor(self, model: str = DEFAULT_MODEL, *, device: Device = "auto") -> Predictor:
        """Load a bundle."""


BackendFactory = Callable[[], Backend]
Identify = Callable[[str], ModelId]


def import_backend() -> Backend:
    """Import the predictor, which loads onnxruntime: a second or so, hence never at start."""
    from clser_engine.inference import predictor

    return predictor


def identify_bundle(model: str) -> ModelId:
    """Return name and hash of a bundle without loading it.

    Raises:
        BundleError: If there is none or its card is damaged.
    """
    return load_card(find_bundle(model)).model_id


class ModelShelf:
    """Loads each model once, when it is first asked for, and keeps the newest few.

    Args:
        backend: Imports what loads models; called in the thread that needs the first one.
        identify: Gives name and hash of a model without loading it.
        device: What they run on.
    """

    def __init__(
        self,
        backend: BackendFactory = import_backend,
        identify: Identify = identify_bundle,
        *,
        device: Device = "auto",
    ) -> None:
        self.identify = identify
        self._import_backend = backend
        self._device: Device = device
        self._loaded: dict[str, Predictor] = {}
        self._lock = threading.Lock()

    @property
    def default(self) -> Predictor | None:
        """The default model if it is loaded."""
        return self._loaded.get(DEFAULT_MODEL)

    def predictor(self, model: str) -> Predictor:
        """Return a model, loading it if it is not loaded yet or was replaced on disk.

        Raises:
            BundleError: If it cannot be loaded.
        """
        with self._lock:
            predictor = self._loaded.pop(model, None)
            if predictor is None or predictor.card.model_id != self.identify(model):
                predictor = self._load(model)
            self._loaded[model] = predictor  # the newest is last
            for oldest in list(self._loaded)[:-MAX_LOADED]:
                if oldest != DEFAULT_MODEL:
                    del self._loaded[oldest]
            return predictor

    def _load(self, model: str) -> Predictor:
        logger.info("Loading the model %s", model)
        try:
            return self._import_backend().load_predictor(model, device=self._device)
        except EngineError:
            raise
        except Exception as error:  # a damaged installation or a graph that onnxruntime refuses
            logger.exception("The model %s cannot be loaded", model)
            raise BundleError(
                f"The model {model!r} cannot be loaded ({type(error).__name__}: {error}); "
                "choose another model or install the program again."
            ) from error
