"""A predictor that does what its "recording" says, and an engine that serves it.

A recording is a text file of words: `frames=1000` (default 50), `seconds=2` (how long the analysis
takes, default 0), `held` (it lasts until the file is written anew), `bad` (not audio), `crash` (the
process dies as in native code), `exit`.
Run as a script it takes the arguments of `clser serve`; `--load-seconds` delays the model,
`--dead-model` makes it unusable. It has no GPU.
"""

import argparse
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clser_engine.cli import serve
from clser_engine.errors import AudioError, BundleError, DeviceError
from clser_engine.inference.predictor import ProjectScores
from clser_engine.runtime import RunContext
from clser_engine.service.model_shelf import ModelShelf
from clser_engine.types import Analysis, GroupSummary, ModelId, Posteriors, UtterancePosterior

CLASSES = ("anger", "happiness", "sadness", "neutral")


@dataclass(frozen=True)
class DoubleCard:
    model_id: ModelId
    classes: tuple[str, ...] = CLASSES
    frame_rate_hz: float = 25.0
    summary: str = "A double."


class DoublePredictor:
    """Attribute `analyses` counts the recordings whose words were read."""

    device = "CPU"
    runtime = "double 1"

    def __init__(self, model: str) -> None:
        self.card = DoubleCard(identify(model))
        self.analyses = 0

    def analyze(self, path: Path, context: RunContext) -> Analysis:
        text = path.read_text()
        self.analyses += 1
        words = dict(word.partition("=")[::2] for word in text.split())
        if "bad" in words:
            raise AudioError(f"The recording {path} is not audio; choose another file.")
        if "crash" in words:
            os.kill(os.getpid(), signal.SIGSEGV)
        if "exit" in words:
            os._exit(3)
        end = time.monotonic() + float(words.get("seconds", 0))
        total = max(end - time.monotonic(), 1e-9)
        while (left := end - time.monotonic()) > 0:
            context.report("analysing", total - left, total)
            time.sleep(0.02)
        while "held" in words and path.read_text() == text:
            context.report("analysing", 0, 1)
            time.sleep(0.005)
        num_frames = int(words.get("frames", 50))
        values = np.random.default_rng(0).random((num_frames, 4), dtype=np.float32)
        values /= values.sum(axis=1, keepdims=True)
        posterior = np.array([0.7, 0.1, 0.1, 0.1], np.float32)
        return Analysis(
            duration_s=num_frames / 25,
            model=self.card.model_id,
            posteriors=Posteriors(classes=CLASSES, frame_rate_hz=25.0, values=values),
            utterance=UtterancePosterior(
                emotion="anger", posterior=posterior, confidence=0.7, statistics="none"
            ),
            functionals=np.full(3, num_frames, np.float32),
        )

    def score_project(self, functionals, *, speakers, statistics, propagate):
        clips = len(functionals)
        words = "none" if statistics == "none" else f"project ({clips} clips)"
        posterior = np.array([0.1, 0.1, 0.1, 0.7], np.float32)
        utterance = UtterancePosterior(
            emotion="neutral", posterior=posterior, confidence=0.7, statistics=words
        )
        notices = (f"speakers {','.join(speakers)}", *(["propagated"] if propagate else []))
        summary = GroupSummary(statistics=statistics, clips=clips, words=words, notices=notices)
        return ProjectScores(utterances=[utterance] * clips, summary=summary, checks=[])


class DoubleBackend:
    def __init__(
        self,
        load_seconds: float = 0.0,
        *,
        is_dead: bool = False,
        may_load: threading.Event | None = None,
    ) -> None:
        self._load_seconds = load_seconds
        self._is_dead = is_dead
        self._may_load = may_load

    def load_predictor(self, model: str = "default", *, device: str = "auto") -> DoublePredictor:
        time.sleep(self._load_seconds)
        if self._may_load is not None:
            self._may_load.wait(60.0)
        if device == "cuda":
            raise DeviceError("There is no CUDA device; choose 'cpu' or 'auto'.")
        if self._is_dead or model == "dead":
            raise BundleError(f"The model {model!r} is damaged; install the program again.")
        return DoublePredictor(model)


def identify(model: str) -> ModelId:
    return ModelId(name=model, sha256="ab" * 32)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--load-seconds", type=float, default=0.0)
    parser.add_argument("--dead-model", action="store_true")
    parser.add_argument("--die-at-start", action="store_true")
    serve.add_arguments(parser)
    args = parser.parse_args()
    if args.die_at_start:
        print("no such library: libdouble.so", file=sys.stderr)
        return 7
    backend = DoubleBackend(args.load_seconds, is_dead=args.dead_model)
    return serve.serve(args, ModelShelf(lambda: backend, identify, device=args.device))


if __name__ == "__main__":
    sys.exit(main())
