"""The engine's types as messages of the protocol, and back.

Shapes: T frames, C emotion classes, D functionals. Arrays travel as little-endian float32.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from clser_engine.errors import ServiceError
from clser_engine.service import engine_pb2 as pb
from clser_engine.types import (
    Analysis,
    EmotionSegment,
    FloatArray,
    GroupSummary,
    ModelId,
    Posteriors,
    UtterancePosterior,
)

PROTOCOL_VERSION = 2
CHUNK_BYTES = 512 * 1024  # well below gRPC's limit of 4 MB per message
MAX_POSTERIOR_VALUES = 1 << 28  # 1 GB: weeks of audio, so more is a broken header
WIRE_FLOAT = np.dtype("<f4")


def readable(text: str) -> str:
    """Return text that can travel: a file name may hold bytes that are no valid UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def to_bytes(array: FloatArray) -> bytes:
    """Return the values of an array in row order."""
    return np.ascontiguousarray(array, dtype=WIRE_FLOAT).tobytes()


def from_bytes(values: bytes) -> FloatArray:
    """Return a (values,) array of its own memory.

    Raises:
        ServiceError: If the bytes are no whole number of values.
    """
    if len(values) % WIRE_FLOAT.itemsize:
        raise ServiceError(
            f"The engine sent {len(values)} bytes where numbers of 4 bytes belong; "
            "install the same version of the engine and the studio."
        )
    return np.frombuffer(values, dtype=WIRE_FLOAT).astype(np.float32)


def utterance_to_message(utterance: UtterancePosterior) -> pb.Utterance:
    """Return the message of an utterance posterior."""
    return pb.Utterance(
        emotion=utterance.emotion,
        posterior=utterance.posterior.tolist(),
        confidence=utterance.confidence,
        statistics=utterance.statistics,
        ood_score=utterance.ood_score,
        is_unknown=not utterance.is_known,
        notice=utterance.notice,
    )


def utterance_from_message(message: pb.Utterance) -> UtterancePosterior:
    """Return the utterance posterior of a message."""
    return UtterancePosterior(
        emotion=message.emotion,
        posterior=np.asarray(message.posterior, dtype=np.float32),
        confidence=message.confidence,
        statistics=message.statistics,
        ood_score=message.ood_score,
        is_known=not message.is_unknown,
        notice=message.notice,
    )


def summary_to_message(summary: GroupSummary) -> pb.GroupSummary:
    """Return the message of a summary."""
    return pb.GroupSummary(
        statistics=summary.statistics,
        clips=summary.clips,
        words=summary.words,
        notices=summary.notices,
    )


def summary_from_message(message: pb.GroupSummary) -> GroupSummary:
    """Return the summary of a message."""
    return GroupSummary(
        statistics=message.statistics,
        clips=message.clips,
        words=message.words,
        notices=tuple(message.notices),
    )


def analysis_to_events(
    analysis: Analysis, audio_sha256: bytes, *, from_cache: bool
) -> Iterator[pb.AnalyzeEvent]:
    """Yield the header, the posteriors in chunks below 1 MB and the end."""
    posteriors = analysis.posteriors
    num_frames, num_classes = posteriors.values.shape
    yield pb.AnalyzeEvent(
        header=pb.AnalysisHeader(
            audio_sha256=audio_sha256,
            duration_s=analysis.duration_s,
            model_name=analysis.model.name,
            model_sha256=analysis.model.sha256,
            classes=posteriors.classes,
            frame_rate_hz=posteriors.frame_rate_hz,
            num_frames=num_frames,
            from_cache=from_cache,
        )
    )
    frames_per_chunk = max(1, CHUNK_BYTES // (WIRE_FLOAT.itemsize * max(num_classes, 1)))
    for first in range(0, num_frames, frames_per_chunk):
        part = slice(first, first + frames_per_chunk)
        yield pb.AnalyzeEvent(
            chunk=pb.PosteriorChunk(
                first_frame=first,
                values=to_bytes(posteriors.values[part]),
                speech=b"" if posteriors.speech is None else to_bytes(posteriors.speech[part]),
            )
        )
    yield pb.AnalyzeEvent(
        end=pb.AnalysisEnd(
            utterance=utterance_to_message(analysis.utterance),
            functionals=to_bytes(analysis.functionals),
            segments=[
                pb.EmotionSegment(start_s=s.start_s, end_s=s.end_s, emotion=s.emotion)
                for s in analysis.segments
            ],
        )
    )


@dataclass(slots=True)
class AnalysisAssembler:
    """Puts the events of one analysis together again; progress events are not for it."""

    header: pb.AnalysisHeader = field(default_factory=pb.AnalysisHeader)
    _has_header: bool = False
    _values: FloatArray = field(default_factory=lambda: np.empty((0, 0), np.float32))
    _speech: list[FloatArray] = field(default_factory=list)
    _received: int = 0

    def add(self, event: pb.AnalyzeEvent) -> Analysis | None:
        """Take the next event; return the analysis when it was the last one.

        Raises:
            ServiceError: If the events do not fit together.
        """
        kind = event.WhichOneof("event")
        if kind == "header" and not self._has_header:
            self._start(event.header)
            return None
        if kind == "chunk" and self._has_header:
            self._fill(event.chunk)
            return None
        if kind == "end" and self._has_header and self._received == len(self._values):
            return self._finish(self.header, event.end)
        raise _broken(f"an unexpected part ({kind})")

    def _start(self, header: pb.AnalysisHeader) -> None:
        if header.num_frames * len(header.classes) > MAX_POSTERIOR_VALUES:
            raise _broken(f"{header.num_frames} frames")
        self.header, self._has_header = header, True
        self._values = np.empty((header.num_frames, len(header.classes)), np.float32)  # (T, C)

    def _fill(self, chunk: pb.PosteriorChunk) -> None:
        values = from_bytes(chunk.values)
        num_classes = self._values.shape[1]
        if chunk.first_frame != self._received or not num_classes or len(values) % num_classes:
            raise _broken(f"a part that starts at frame {chunk.first_frame}")
        rows = values.reshape(-1, num_classes)
        if self._received + len(rows) > len(self._values):
            raise _broken("more frames than it announced")
        speech = from_bytes(chunk.speech)
        # A model can tell speech in all frames or in none.
        if len(speech) not in (0, len(rows)) or bool(len(speech)) != self._has_speech(chunk):
            raise _broken(f"speech of {len(speech)} frames")
        self._speech.append(speech)
        self._values[self._received : self._received + len(rows)] = rows
        self._received += len(rows)

    def _has_speech(self, chunk: pb.PosteriorChunk) -> bool:
        """Whether the chunks so far carry speech; the first decides."""
        return bool(len(self._speech[0])) if self._speech else bool(chunk.speech)

    def _finish(self, header: pb.AnalysisHeader, end: pb.AnalysisEnd) -> Analysis:
        return Analysis(
            duration_s=header.duration_s,
            model=ModelId(name=header.model_name, sha256=header.model_sha256),
            posteriors=Posteriors(
                classes=tuple(header.classes),
                frame_rate_hz=header.frame_rate_hz,
                values=self._values,
                speech=np.concatenate(self._speech) if any(map(len, self._speech)) else None,
            ),
            utterance=utterance_from_message(end.utterance),
            functionals=from_bytes(end.functionals),
            segments=tuple(
                EmotionSegment(start_s=s.start_s, end_s=s.end_s, emotion=s.emotion)
                for s in end.segments
            ),
        )


def _broken(what: str) -> ServiceError:
    return ServiceError(
        f"The engine's answer does not fit together: it sent {what}; "
        "install the same version of the engine and the studio."
    )
