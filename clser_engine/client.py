"""The way to an engine in another process or on another computer; loads no network library.

Calls block, report and can be cancelled through a `RunContext`, so they belong into a thread that
may wait, never into the one that draws.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, Literal

import grpc

from clser_engine.audio.read import hash_file
from clser_engine.errors import AudioError, EngineLostError, ServiceError
from clser_engine.runtime import RunContext
from clser_engine.service import engine_pb2 as pb
from clser_engine.service import wire
from clser_engine.service.engine_pb2_grpc import EngineStub
from clser_engine.service.failures import raise_as_engine_error
from clser_engine.service.token_check import token_metadata
from clser_engine.types import Analysis, GroupSummary, ModelId, UtterancePosterior
from clser_engine.version import program_version

HANDSHAKE_TIMEOUT_S = 10.0
KEEPALIVE_S = 20  # a remote engine whose cable was pulled is noticed after this
DEFAULT_MODEL = "default"

StatisticsMode = Literal["none", "project", "speaker", "auto"]
StateKind = Literal["starting", "ready", "busy", "failed"]
STATE_KINDS: Final[dict[int, StateKind]] = {
    pb.EngineState.STARTING: "starting",
    pb.EngineState.READY: "ready",
    pb.EngineState.BUSY: "busy",
    pb.EngineState.FAILED: "failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineModel:
    """The model that an engine has loaded.

    Args:
        model_id: Name and hash.
        classes: Emotion names in the order of the posteriors.
        frame_rate_hz: Posteriors per second.
        summary: One sentence for people.
    """

    model_id: ModelId
    classes: tuple[str, ...]
    frame_rate_hz: float
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledModel:
    """What a model on the engine's computer says of itself.

    Args:
        reference: What `model` of the other calls takes: `default`, a name or a folder.
        model_id: Name and hash; the hash is empty where there is a problem.
        summary: One sentence for people.
        classes: Emotion names.
        languages: That it was trained on.
        corpora: That it was trained on.
        licence: Of the weights.
        protocol: How the figures were measured.
        figures: By name, as in its card.
        problem: Why it cannot be used, one sentence, or empty.
    """

    reference: str
    model_id: ModelId
    summary: str = ""
    classes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    licence: str = ""
    protocol: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """What an engine is doing.

    Args:
        kind: `starting` until the default model is loaded or has failed to.
        text: What it is busy with, or why it failed.
        device: `CPU` or the GPU's name; empty until known.
        runtime: For example `onnxruntime 1.31.1`; empty until known.
        model: The default model, once loaded.
        waiting_jobs: Jobs behind the one that runs.
    """

    kind: StateKind
    text: str = ""
    device: str = ""
    runtime: str = ""
    model: EngineModel | None = None
    waiting_jobs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnalyzedAudio:
    """An analysis and what the engine found out on the way.

    Args:
        analysis: What the model says.
        sha256: Of the recording's bytes, in hex.
        from_cache: Whether it was computed before.
    """

    analysis: Analysis
    sha256: str
    from_cache: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """What an engine says at the handshake.

    Args:
        version: Of the program that it belongs to.
        pid: Its process.
        accepts_local_paths: Whether it reads this computer's files; else they are uploaded.
        max_upload_bytes: Largest recording that it takes.
        state: What it was doing.
    """

    version: str
    pid: int
    accepts_local_paths: bool
    max_upload_bytes: int
    state: EngineState


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProjectScores:
    """Scores of the recordings of a project.

    Args:
        utterances: By hash; recordings never analysed with the model are missing.
        summary: What the scores rest on.
    """

    utterances: dict[str, UtterancePosterior]
    summary: GroupSummary


class EngineClient:
    """A connection to one engine; may be used from several threads.

    Args:
        address: `unix:/path` or `host:port`.
        token: What the engine was started with.
        root_certificate: PEM of who signed the engine's certificate; with it the connection is
            encrypted, and without it only addresses of this computer are allowed.
    """

    def __init__(self, address: str, token: str, *, root_certificate: bytes | None = None) -> None:
        options = [
            ("grpc.keepalive_time_ms", KEEPALIVE_S * 1000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.enable_http_proxy", 0),  # a proxy of the environment must never see the audio
        ]
        if root_certificate is not None:
            credentials = grpc.ssl_channel_credentials(root_certificate)
            self._channel = grpc.secure_channel(address, credentials, options)
        elif address.startswith(("unix:", "127.0.0.1:")):
            self._channel = grpc.insecure_channel(address, options)
        else:
            raise ServiceError(
                f"The engine at {address} is on another computer and needs an encrypted "
                "connection; give the certificate that it was started with."
            )
        self._stub = EngineStub(self._channel)
        self._metadata = token_metadata(token)
        self._accepts_local_paths: bool | None = None

    def close(self) -> None:
        """End the connection and all calls that are open."""
        self._channel.close()

    def handshake(self, timeout_s: float = HANDSHAKE_TIMEOUT_S) -> EngineInfo:
        """Check that both sides speak the same protocol.

        Raises:
            ServiceError: If they do not, the token is wrong or nobody answers.
        """
        request = pb.HandshakeRequest(
            protocol_version=wire.PROTOCOL_VERSION, client_version=program_version()
        )
        with _translated(RunContext(), timeout_s):
            reply = self._stub.Handshake(request, metadata=self._metadata, timeout=timeout_s)
        self._accepts_local_paths = reply.accepts_local_paths
        return EngineInfo(
            version=reply.engine_version,
            pid=reply.pid,
            accepts_local_paths=reply.accepts_local_paths,
            max_upload_bytes=reply.max_upload_bytes,
            state=_state(reply.state),
        )

    def watch_state(self, context: RunContext) -> Iterator[EngineState]:
        """Yield the state now and each change, until cancelled or the connection breaks.

        Raises:
            EngineLostError: If the connection breaks.
            Cancelled: If somebody asked for it.
        """
        with _translated(context):
            call = self._stub.WatchState(pb.WatchStateRequest(), metadata=self._metadata)
            context.on_cancel(call.cancel)
            for message in call:
                yield _state(message)

    def analyze(
        self,
        path: Path,
        context: RunContext,
        *,
        model: str = DEFAULT_MODEL,
        timeout_s: float | None = None,
    ) -> AnalyzedAudio:
        """Analyse a recording; an engine elsewhere gets it uploaded first.

        Args:
            path: The recording, on this computer.
            context: Hears of the progress and cancels.
            model: `default`, the name of a bundle, or (engine on this computer) a folder.
            timeout_s: Most that it may take, or None.

        Raises:
            EngineError: What the engine says of the recording or the model.
            EngineLostError: If the engine ended meanwhile.
            Cancelled: If somebody asked for it.
        """
        request = pb.AnalyzeRequest(audio=self._reference(path, context), model=model)
        with _translated(context, timeout_s):
            call = self._stub.Analyze(request, metadata=self._metadata, timeout=timeout_s)
            context.on_cancel(call.cancel)
            assembler = wire.AnalysisAssembler()
            for event in call:
                if event.WhichOneof("event") == "progress":
                    _report(context, event.progress)
                elif (analysis := assembler.add(event)) is not None:
                    return AnalyzedAudio(
                        analysis=analysis,
                        sha256=assembler.header.audio_sha256.hex(),
                        from_cache=assembler.header.from_cache,
                    )
        raise ServiceError(
            f"The engine ended the analysis of {path.name} without a result; try again."
        )

    def score_project(
        self,
        sha256s: Iterable[str],
        context: RunContext,
        *,
        model: str = DEFAULT_MODEL,
        speakers: Iterable[str] | None = None,
        statistics: StatisticsMode = "auto",
        propagate: bool = False,
    ) -> ProjectScores:
        """Score recordings analysed before, each relative to the others.

        Args:
            sha256s: Hashes of the recordings, in hex.
            context: Hears of the progress and cancels.
            model: The model that analysed them.
            speakers: Who speaks in each, in the same order; "" where that is not known.
            statistics: `none` judges each alone, `project` relative to all of them, `speaker`
                relative to those of its speaker, and `auto` as is safe for these recordings.
            propagate: Whether similar recordings share their posteriors.

        Returns:
            The utterance posteriors by hash, and what they rest on.
        """
        request = pb.ScoreProjectRequest(
            model=model,
            audio_sha256=[bytes.fromhex(sha256) for sha256 in sha256s],
            speaker=[] if speakers is None else list(speakers),
            statistics=statistics,
            propagate=propagate,
        )
        utterances: dict[str, UtterancePosterior] = {}
        summary = GroupSummary(statistics="none", clips=0, words="")
        with _translated(context):
            call = self._stub.ScoreProject(request, metadata=self._metadata)
            context.on_cancel(call.cancel)
            for event in call:
                kind = event.WhichOneof("event")
                if kind == "progress":
                    _report(context, event.progress)
                elif kind == "summary":
                    summary = wire.summary_from_message(event.summary)
                elif event.score.HasField("utterance"):
                    utterance = wire.utterance_from_message(event.score.utterance)
                    utterances[event.score.audio_sha256.hex()] = utterance
        return ProjectScores(utterances=utterances, summary=summary)

    def list_models(
        self, context: RunContext, references: Iterable[str] = ()
    ) -> tuple[InstalledModel, ...]:
        """Return what each installed model says of itself, the default one first.

        Args:
            context: Cancels.
            references: Folders of further models (engine on this computer).

        Raises:
            EngineLostError: If the engine ended meanwhile.
        """
        request = pb.ListModelsRequest(references=list(references))
        with _translated(context):
            call = self._stub.ListModels.future(request, metadata=self._metadata)
            context.on_cancel(call.cancel)
            return tuple(_installed(message) for message in call.result().models)

    def upload(self, path: Path, context: RunContext) -> bytes:
        """Send a recording to the engine and return its SHA-256.

        Raises:
            AudioError: If the file cannot be read.
            ServiceError: If the engine refuses it.
        """
        sha256 = bytes.fromhex(hash_file(path, context))
        try:
            with path.open("rb") as file, _translated(context):
                parts = _upload_parts(file, sha256, path.stat().st_size, context)
                call = self._stub.Upload.future(parts, metadata=self._metadata)
                context.on_cancel(call.cancel)
                call.result()
        except OSError as error:
            raise AudioError(
                f"The recording {path} cannot be read ({error.strerror}); "
                "check that it is still there."
            ) from error
        return sha256

    def _reference(self, path: Path, context: RunContext) -> pb.AudioRef:
        if self._accepts_local_paths is None:
            self.handshake()
        if self._accepts_local_paths:
            return pb.AudioRef(local_path=os.fsencode(path.absolute()))
        return pb.AudioRef(uploaded_sha256=self.upload(path, context))


@contextmanager
def _translated(context: RunContext, timeout_s: float | None = None) -> Iterator[None]:
    """Raise the engine's errors as they were raised there."""
    try:
        yield
    except grpc.RpcError as error:
        raise_as_engine_error(
            error, cancelled=context.cancel_requested, deadline_s=timeout_s or 0.0
        )
    except ValueError as error:  # what grpc raises when the channel was closed
        raise EngineLostError(
            "The connection to the engine is closed; it is opened again with the next engine."
        ) from error


def _report(context: RunContext, progress: pb.Progress) -> None:
    context.report(progress.stage, progress.done, progress.total)


def _upload_parts(
    file: BinaryIO, sha256: bytes, size: int, context: RunContext
) -> Iterator[pb.UploadPart]:
    """Yield a recording in parts; grpc asks for the next one when there is room on the wire."""
    yield pb.UploadPart(header=pb.UploadHeader(sha256=sha256, size=size))
    sent = 0
    while (data := file.read(wire.CHUNK_BYTES)) and not context.cancel_requested:
        yield pb.UploadPart(data=data)
        sent += len(data)
        context.report("sending", sent, size)


def _state(message: pb.EngineState) -> EngineState:
    return EngineState(
        kind=STATE_KINDS[message.kind],
        text=message.text,
        device=message.device,
        runtime=message.runtime,
        model=_model(message.model) if message.HasField("model") else None,
        waiting_jobs=message.waiting_jobs,
    )


def _model(message: pb.ModelInfo) -> EngineModel:
    return EngineModel(
        model_id=ModelId(name=message.name, sha256=message.sha256),
        classes=tuple(message.classes),
        frame_rate_hz=message.frame_rate_hz,
        summary=message.summary,
    )


def _installed(message: pb.InstalledModel) -> InstalledModel:
    return InstalledModel(
        reference=message.reference,
        model_id=ModelId(name=message.name, sha256=message.sha256),
        summary=message.summary,
        classes=tuple(message.classes),
        languages=tuple(message.languages),
        corpora=tuple(message.corpora),
        licence=message.licence,
        protocol=message.protocol,
        figures=dict(message.figures),
        problem=message.problem,
    )
