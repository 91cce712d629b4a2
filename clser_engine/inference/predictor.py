"""Predictor: from a recording of any length to its emotions, with a model bundle.

A recording goes through the graph in blocks with context on either side. The compact model's frame
branch has a finite past and look-ahead, so its frames do not depend on where the blocks end; those
of a pretrained encoder do, a little, and its card says how long its windows are. Functionals of a
recording longer than one block are the mean of its blocks', weighted by how long each is active;
the utterance posterior is always computed from the functionals, so it can be computed again from
what is stored, with other statistics. (A mean of the blocks' posteriors could not be.)

Shapes: T frames, C classes, D functionals, B recordings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clser_engine.audio.read import AudioReader, mono_blocks
from clser_engine.bundle import ModelCard, find_bundle, load_card, verify_files
from clser_engine.errors import AudioError, BadValueError
from clser_engine.inference.familiarity import STRANGE, read_familiarity
from clser_engine.inference.group_model import read_group_model, untrained
from clser_engine.inference.groups import SpeakerCheck, check_mode, score_group
from clser_engine.inference.outputs import Outputs
from clser_engine.inference.runtimes import Runtime, build_runtime
from clser_engine.inference.segments import SegmentFinder
from clser_engine.inference.smoothing import read_smoothing
from clser_engine.runtime import RunContext
from clser_engine.types import (
    Analysis,
    FloatArray,
    GroupSummary,
    Posteriors,
    UtterancePosterior,
)

BLOCK_S = 20.0  # twice the context that goes with each block
LONGEST_WHOLE_S = 20.0  # up to here one pass: functionals then are of the whole recording
READ_BLOCK_S = 10.0
ROWS = 2  # of descriptors in a frame
LOUDEST = 1e4  # 80 dB above full scale; far beyond it, powers overflow float32
FULL_EVIDENCE = 0.1  # share of voiced frames; spoken recordings have 0.24 at the very least
LEAST_EVIDENCE = 0.05  # keeps the order of the classes where no voice is heard
ALL_TRUSTED = 10**9  # as a count of clips: statistics that are shrunk already stay as they are
STRANGE_NOTICE = (
    "It does not sound like the speech that the model was trained on, so the emotion is a guess."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProjectScores:
    """Utterance posteriors of the recordings of a project.

    Args:
        utterances: In the order of the recordings.
        summary: What they rest on.
        checks: What the guard says of each speaker, where speakers were asked for.
    """

    utterances: list[UtterancePosterior]
    summary: GroupSummary
    checks: list[SpeakerCheck]


class Predictor:
    """A loaded model.

    Attributes:
        card: What the model says of itself.
        runtime: The library that runs it, in words.
        longest_whole_s: Up to this length a recording goes through the graph in one pass.
        smoothing: How frames become segments.
    """

    def __init__(self, card: ModelCard, runtime: Runtime) -> None:
        self.card = card
        self.runtime = runtime.words
        self._runtime = runtime
        self.step_samples = card.hop_samples
        step_ms = 1000 / card.frame_rate_hz
        self.context_steps = round(card.receptive_field_ms / step_ms)
        self.look_ahead_steps = round(card.look_ahead_ms / step_ms)
        self.smoothing = read_smoothing(card)
        size = int(card.values["num_functionals"])
        self._groups = read_group_model(card.folder, len(card.classes), size)
        self._familiarity = read_familiarity(card.folder, size)
        self.longest_whole_s, self._block_s = LONGEST_WHOLE_S, BLOCK_S
        if card.window_ms is not None:
            self.longest_whole_s = card.window_ms / 1000
            around_ms = card.receptive_field_ms + card.look_ahead_ms
            self._block_s = (card.window_ms - around_ms) / 1000

    @property
    def device(self) -> str:
        """What really computes: `CPU` or the name of the graphics card."""
        return self._runtime.device

    @property
    def notice(self) -> str:
        """One sentence where it is not the device that was chosen, else empty."""
        return self._runtime.notice

    def analyze(self, path: str | Path, context: RunContext | None = None) -> Analysis:
        """Analyse a recording of any length, holding seconds of it in memory.

        Raises:
            AudioError: If it cannot be read or holds nothing to analyse.
            Cancelled: If the context was cancelled.
        """
        context = context or RunContext()
        with AudioReader(path, context) as reader:
            blocks = mono_blocks(reader, self.card.sample_rate_hz, READ_BLOCK_S, context)
            return self._analyze_blocks(blocks, reader.info.duration_s, str(path), context)

    def analyze_samples(self, samples: FloatArray, context: RunContext | None = None) -> Analysis:
        """Analyse samples (N,) float32 mono at the model's rate, finite."""
        size = round(READ_BLOCK_S * self.card.sample_rate_hz)
        blocks = (samples[i : i + size] for i in range(0, len(samples), size))
        expected_s = len(samples) / self.card.sample_rate_hz
        return self._analyze_blocks(blocks, expected_s, "the samples", context or RunContext())

    def frame_posteriors(self, samples: FloatArray) -> Posteriors:
        """Return the posteriors of samples (N,) in one pass."""
        steps = -(-len(samples) // self.step_samples)
        values, speech = self._runtime.frames(samples.clip(-LOUDEST, LOUDEST))
        return self._posteriors(_to_length(values, steps), _to_length(speech, steps))

    def _posteriors(self, values: FloatArray, speech: FloatArray) -> Posteriors:
        return Posteriors(
            classes=self.card.classes,
            frame_rate_hz=self.card.frame_rate_hz,
            values=values,
            speech=speech,
        )

    def score(self, functionals: FloatArray) -> list[UtterancePosterior]:
        """Return utterance posteriors of recordings analysed before, each judged by itself.

        Args:
            functionals: (B, D) raw.

        Raises:
            BadValueError: If the functionals are of another model.
        """
        return self.score_project(functionals, statistics="none").utterances

    def score_project(
        self,
        functionals: FloatArray,
        *,
        statistics: str = "auto",
        speakers: Sequence[str] | None = None,
        propagate: bool = False,
    ) -> ProjectScores:
        """Return utterance posteriors of recordings that are scored relative to each other.

        Args:
            functionals: (B, D) raw, of recordings analysed before.
            statistics: `none` judges each alone, `project` relative to all of them, `speaker`
                relative to those of its speaker, and `auto` as is safe for these recordings.
            speakers: Who speaks in each; empty where unknown. None where no speaker is known.
            propagate: Whether similar recordings share their posteriors.

        Raises:
            BadValueError: If the functionals are of another model, or an argument is not as above.
        """
        size = int(self.card.values["num_functionals"])
        if functionals.ndim != 2 or functionals.shape[1] != size:
            raise BadValueError(
                f"Bad functionals shape: got {functionals.shape}, "
                f"expected (B, {size}) from this model."
            )
        check_mode(statistics)
        if len(functionals) == 0:
            summary = GroupSummary(statistics="none", clips=0, words="there is no clip yet")
            return ProjectScores(utterances=[], summary=summary, checks=[])
        strangeness = (
            self._familiarity.scores(functionals)
            if self._familiarity is not None
            else np.zeros(len(functionals))
        )
        groups = self._groups or untrained(functionals, len(self.card.classes))
        found = score_group(
            self._heads,
            groups,
            functionals,
            statistics=statistics,
            speakers=speakers,
            propagate=propagate,
            counted=strangeness <= STRANGE,
        )
        utterances = [
            self._utterance(*row)
            for row in zip(
                found.posteriors,
                self._evidence(functionals, strangeness),
                strangeness,
                found.statistics,
                strict=True,
            )
        ]
        return ProjectScores(utterances=utterances, summary=found.summary, checks=found.checks)

    def _heads(
        self, functionals: FloatArray, mean: FloatArray, deviation: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        rows = np.ascontiguousarray(functionals, dtype=np.float32)
        return self._runtime.heads(rows, mean, deviation, ALL_TRUSTED)

    def _evidence(
        self, functionals: FloatArray, strangeness: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return (B,) how far each recording is speech at all, 1 for any that the model knows.

        The classifiers would be as sure of silence or noise as of a voice.
        """
        evidence: NDArray[np.floating]
        if self._familiarity is not None:
            evidence = (1 - strangeness) / (1 - STRANGE)
        elif "voiced_share" in (names := self.card.values.get("functionals", ())):
            evidence = functionals[:, names.index("voiced_share")] / FULL_EVIDENCE
        else:  # an embedding, whose numbers have no names
            evidence = np.ones(len(functionals))
        clipped: NDArray[np.float64] = np.clip(evidence, LEAST_EVIDENCE, 1.0).astype(np.float64)
        return clipped

    def _utterance(
        self,
        posterior: NDArray[np.float64],
        evidence: float,
        strangeness: float,
        statistics: str,
    ) -> UtterancePosterior:
        """Return the posterior, drawn towards uniform where there is little evidence."""
        values = evidence * posterior + (1 - evidence) / len(posterior)
        best = int(values.argmax())
        return UtterancePosterior(
            emotion=self.card.classes[best],
            posterior=values.astype(np.float32),
            confidence=float(values[best]),
            statistics=statistics,
            ood_score=float(strangeness),
            is_known=bool(strangeness <= STRANGE),
            notice="" if strangeness <= STRANGE else STRANGE_NOTICE,
        )

    def _analyze_blocks(
        self, blocks: Iterator[FloatArray], expected_s: float, name: str, context: RunContext
    ) -> Analysis:
        rate = self.card.sample_rate_hz
        block_steps = int(self._block_s * self.card.frame_rate_hz)
        longest = round(self.longest_whole_s * rate)
        buffer = np.zeros(0, np.float32)  # from the context of the next block on
        first, done, total_samples = 0, 0, 0  # step at which the buffer starts; steps finished
        passes: list[Outputs] = []
        finder: SegmentFinder | None = None

        def run(samples: FloatArray, end: int) -> None:
            nonlocal finder
            [part] = self._runtime.analyze([samples.clip(-LOUDEST, LOUDEST)])
            steps = slice(done - first, end - first)
            finder = finder or self._segment_finder(part)
            passes.append(self._take(finder, samples, part, steps))

        for samples in blocks:
            buffer = np.concatenate([buffer, samples.astype(np.float32, copy=False)])
            total_samples += len(samples)
            if total_samples <= longest:
                continue
            while True:
                end = done + block_steps
                needed = (end + self.look_ahead_steps - first) * self.step_samples
                # One sample more, so that the last block is never empty.
                if len(buffer) <= needed:
                    break
                context.report("analyse", done / self.card.frame_rate_hz, expected_s)
                run(buffer[:needed], end)
                done = end
                keep = max(first, done - self.context_steps)
                buffer = buffer[(keep - first) * self.step_samples :]
                first = keep
        if total_samples == 0:
            raise AudioError(f"{name} holds no audio.")
        context.report("analyse", done / self.card.frame_rate_hz, expected_s)
        end = -(-total_samples // self.step_samples)
        run(buffer, end)
        assert finder is not None
        context.report("analyse", expected_s, expected_s)
        return self._analysis(passes, total_samples, finder)

    def analyze_batch(self, waveforms: Sequence[FloatArray]) -> list[Analysis]:
        """Analyse recordings (N,) together, each no longer than `longest_whole_s` and not empty."""
        found = self._runtime.analyze([samples.clip(-LOUDEST, LOUDEST) for samples in waveforms])
        analyses = []
        for samples, part in zip(waveforms, found, strict=True):
            steps = slice(0, -(-len(samples) // self.step_samples))
            finder = self._segment_finder(part)
            taken = self._take(finder, samples, part, steps)
            analyses.append(self._analysis([taken], len(samples), finder))
        return analyses

    def _segment_finder(self, part: Outputs) -> SegmentFinder:
        """Return one that judges phrases by descriptors, or by samples where there are none."""
        by_samples = part.descriptors is None
        return SegmentFinder(
            self.smoothing,
            self.card.classes,
            self.card.frame_rate_hz,
            self.step_samples if by_samples else ROWS,
            self._judge_samples if by_samples else self._judge_descriptors,
        )

    def _take(
        self, finder: SegmentFinder, samples: FloatArray, part: Outputs, steps: slice
    ) -> Outputs:
        """Return the steps of a pass that count, once the finder has them with their material."""
        kept = Outputs(
            posteriors=_to_length(part.posteriors, steps.stop)[steps],
            speech=_to_length(part.speech, steps.stop)[steps],
            functionals=part.functionals,
        )
        material, rows = part.descriptors, ROWS
        if material is None:
            material, rows = samples, self.step_samples
        finder.add(material[steps.start * rows : steps.stop * rows], kept.posteriors, kept.speech)
        return kept

    def _judge_descriptors(self, phrases: list[FloatArray]) -> FloatArray:
        """Return logits (P, C) of phrases, each by itself."""
        return self._alone(self._runtime.summarise(phrases))

    def _judge_samples(self, phrases: list[FloatArray]) -> FloatArray:
        """Return logits (P, C) of phrases, each by itself; one at a time, they may be long."""
        found = [self._runtime.analyze([samples.clip(-LOUDEST, LOUDEST)]) for samples in phrases]
        return self._alone(np.stack([outputs.functionals for [outputs] in found]))

    def _alone(self, functionals: FloatArray) -> FloatArray:
        mean, deviation = functionals.mean(axis=0), functionals.std(axis=0)
        return self._heads(functionals, mean, deviation)[0]

    def _analysis(
        self,
        passes: Sequence[Outputs],
        total_samples: int,
        finder: SegmentFinder,
    ) -> Analysis:
        duration_s = total_samples / self.card.sample_rate_hz
        # Where nobody speaks in any pass, all count alike.
        share = np.array([part.speech.sum() for part in passes]) + 1e-6
        vectors = np.stack([part.functionals for part in passes])
        vector = np.average(vectors, axis=0, weights=share).astype(np.float32)
        posteriors = self._posteriors(
            np.concatenate([part.posteriors for part in passes]),
            np.concatenate([part.speech for part in passes]),
        )
        return Analysis(
            duration_s=duration_s,
            model=self.card.model_id,
            posteriors=posteriors,
            segments=finder.finish(duration_s),
            utterance=self.score(vector[None])[0],
            functionals=vector,
        )


def _to_length(values: FloatArray, frames: int) -> FloatArray:
    """Return at least `frames` frames (T, …), the last one repeated.

    An encoder has no frame for the last milliseconds of a recording, which its window overhangs.
    """
    missing = frames - len(values)
    if missing <= 0:
        return values
    return np.concatenate([values, np.repeat(values[-1:], missing, axis=0)])


def load_predictor(
    model: str | Path = "default", *, runtime: str = "onnx", device: str = "auto"
) -> Predictor:
    """Load a model.

    Args:
        model: `default`, the name of an installed bundle, or a folder.
        runtime: `onnx`, or `torch` to compare with.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        BundleError: If there is no such model, or it is damaged or of a newer version.
        DeviceError: If the device is missing.
        BadValueError: If runtime or device is none of the above.
    """
    card = load_card(find_bundle(model))
    verify_files(card)
    return Predictor(card, build_runtime(card, runtime, device))
