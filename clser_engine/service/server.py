"""The engine's server: handlers of the calls in `engine.proto`.

Two lanes do the work: `lookup` hashes recordings, reads the cache and scores projects; `compute`
runs the models, one recording at a time. The threads of gRPC only wait for them, and both lanes
refuse more than a fixed number of waiting jobs, so that handshake and state always answer.
"""

import logging
import os
import re
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import grpc
import numpy as np

from clser_engine.errors import EngineError, ServiceError
from clser_engine.inference.groups import check_mode
from clser_engine.runtime import RunContext
from clser_engine.service import engine_pb2 as pb
from clser_engine.service import wire
from clser_engine.service.audio_hashes import AudioHashes, FileState, file_state
from clser_engine.service.engine_pb2_grpc import add_EngineServicer_to_server
from clser_engine.service.failures import ending_the_call
from clser_engine.service.installed_models import list_models
from clser_engine.service.jobs import Job, Lane
from clser_engine.service.model_shelf import DEFAULT_MODEL, ModelShelf, Predictor
from clser_engine.service.result_cache import ResultCache
from clser_engine.service.state import StateBoard
from clser_engine.service.token_check import TokenCheck
from clser_engine.service.uploads import Uploads
from clser_engine.types import Analysis, GroupSummary, UtterancePosterior
from clser_engine.version import program_version

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_WAITING = 24  # per lane
THREADS = 2 * (MAX_WAITING + 1) + 14  # every call that may wait, and some for those that answer
INSTALLED_NAME = re.compile(r"[\w-]+")  # no path that could lead to another folder
MAX_REQUEST_BYTES = 8 * 1024**2  # a project of 200,000 recordings by their hashes


@dataclass(frozen=True, slots=True)
class Found:
    """What the lookup lane found out about a recording."""

    path: Path
    state: FileState  # when it was hashed
    sha256: str
    model: str
    stored: Analysis | None


@dataclass(slots=True, kw_only=True)
class EngineService:
    """Answers the calls of one or more clients.

    Args:
        shelf: Loads the models.
        cache: Analyses made before.
        uploads: Recordings sent from other computers.
        accepts_local_paths: Whether clients are on this computer and of this user.
    """

    shelf: ModelShelf
    cache: ResultCache
    uploads: Uploads
    accepts_local_paths: bool
    board: StateBoard = field(default_factory=StateBoard)
    _hashes: AudioHashes = field(default_factory=AudioHashes)
    _lookup: Lane = field(init=False)
    _compute: Lane = field(init=False)
    _failure: str = ""

    def __post_init__(self) -> None:
        self._lookup = Lane("lookup", max_waiting=MAX_WAITING)
        self._compute = Lane("compute", max_waiting=MAX_WAITING, on_change=self._publish_state)

    def start_loading(self) -> None:
        """Load the default model in the compute lane; calls that come meanwhile wait for it."""
        self._compute.submit("loading the model", self._load_default)

    def close(self) -> None:
        """Cancel all work and end the calls that watch."""
        self.board.close()
        self._lookup.close()
        self._compute.close()

    # The calls, named as in engine.proto.

    def Handshake(  # noqa: N802
        self, request: pb.HandshakeRequest, context: grpc.ServicerContext
    ) -> pb.HandshakeReply:
        """Compare versions and tell what this engine is."""
        with ending_the_call(context):
            if request.protocol_version != wire.PROTOCOL_VERSION:
                raise ServiceError(
                    f"The engine {program_version()} speaks protocol {wire.PROTOCOL_VERSION} and "
                    f"the studio {request.client_version} speaks {request.protocol_version}; "
                    "install the same version of both."
                )
        return pb.HandshakeReply(
            protocol_version=wire.PROTOCOL_VERSION,
            engine_version=program_version(),
            pid=os.getpid(),
            accepts_local_paths=self.accepts_local_paths,
            max_upload_bytes=self.uploads.max_upload_bytes,
            state=self.board.state,
        )

    def WatchState(  # noqa: N802
        self, request: pb.WatchStateRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.EngineState]:
        """Yield the state now and each change of it."""
        context.add_callback(self.board.wake)
        yield from self.board.watch(context.is_active)

    def Analyze(  # noqa: N802
        self, request: pb.AnalyzeRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.AnalyzeEvent]:
        """Yield progress, then the analysis."""
        with ending_the_call(context):
            path = self._path_of(request.audio)
            model = self._model_of(request.model)
            found = yield from _progress_of(
                self._lookup.submit("reading", lambda job: self._look_up(path, model, job)), context
            )
            analysis = found.stored
            if analysis is None:
                analysis = yield from _progress_of(
                    self._compute.submit(
                        f"analysing {wire.readable(path.name)}",
                        lambda job: self._analyse(found, job),
                    ),
                    context,
                )
            yield from wire.analysis_to_events(
                analysis, bytes.fromhex(found.sha256), from_cache=found.stored is not None
            )

    def ScoreProject(  # noqa: N802
        self, request: pb.ScoreProjectRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ScoreProjectEvent]:
        """Yield progress, then the score of each recording."""
        with ending_the_call(context):
            job = self._lookup.submit("scoring", lambda job: self._score(request, job))
            context.add_callback(job.cancel)
            for stage, done, total in job.follow():
                yield pb.ScoreProjectEvent(
                    progress=pb.Progress(stage=stage, done=done, total=total)
                )
            scores, summary = job.result()
            for score in scores:
                yield pb.ScoreProjectEvent(score=score)
            yield pb.ScoreProjectEvent(summary=wire.summary_to_message(summary))

    def ListModels(  # noqa: N802
        self, request: pb.ListModelsRequest, context: grpc.ServicerContext
    ) -> pb.ListModelsReply:
        """Say what each installed model says of itself; reads their cards only."""
        with ending_the_call(context):
            references = [self._model_of(reference) for reference in request.references]
            return pb.ListModelsReply(models=list_models(references))

    def Upload(  # noqa: N802
        self, parts: Iterator[pb.UploadPart], context: grpc.ServicerContext
    ) -> pb.UploadReply:
        """Store a recording."""
        with ending_the_call(context):
            return pb.UploadReply(was_stored=self.uploads.receive(parts))

    # Work of the lanes.

    def _load_default(self, context: RunContext) -> None:
        try:
            self.shelf.predictor(DEFAULT_MODEL)
        except EngineError as error:
            self._failure = str(error)
            logger.info("The default model cannot be used: %s", error)

    def _look_up(self, path: Path, model: str, context: RunContext) -> Found:
        state = file_state(path)
        sha256 = self._hashes.hash_of(path, context)
        stored = self.cache.find(sha256, self.shelf.identify(model))
        return Found(path, state, sha256, model, stored)

    def _analyse(self, found: Found, context: RunContext) -> Analysis:
        context.report("loading the model", 0, 1)
        predictor = self.shelf.predictor(found.model)
        analysis = predictor.analyze(found.path, context)
        if file_state(found.path) == found.state:  # else the hash may belong to other bytes
            self.cache.store(found.sha256, analysis)
        return analysis

    def _score(
        self, request: pb.ScoreProjectRequest, context: RunContext
    ) -> tuple[list[pb.Score], GroupSummary]:
        check_mode(statistics := request.statistics or "project")
        model = self._model_of(request.model)
        model_id = self.shelf.identify(model)
        speaker_of = _speakers_by_hash(request)
        functionals = {}
        for position, sha256 in enumerate(request.audio_sha256):
            context.report("reading", position, len(request.audio_sha256))
            stored = self.cache.find_functionals(sha256.hex(), model_id)
            if stored is not None and np.isfinite(stored).all():  # one bad row would spoil them all
                functionals[sha256] = stored
        scores: dict[bytes, UtterancePosterior] = {}
        summary = GroupSummary(statistics="none", clips=0, words="nothing was analysed yet")
        if functionals:
            context.report("scoring", 0, 1)
            found = self.shelf.predictor(model).score_project(
                np.stack(list(functionals.values())),
                speakers=[speaker_of.get(sha256, "") for sha256 in functionals],
                statistics=statistics,
                propagate=request.propagate,
            )
            scores = dict(zip(functionals, found.utterances, strict=True))
            summary = found.summary
        messages = [
            pb.Score(
                audio_sha256=sha256,
                utterance=wire.utterance_to_message(scores[sha256]) if sha256 in scores else None,
            )
            for sha256 in request.audio_sha256
        ]
        return messages, summary

    # What clients may ask for, and what they are told.

    def _path_of(self, audio: pb.AudioRef) -> Path:
        source = audio.WhichOneof("source")
        if source == "uploaded_sha256":
            return self.uploads.find(audio.uploaded_sha256)
        if source == "local_path" and self.accepts_local_paths:
            return Path(os.fsdecode(audio.local_path))
        raise ServiceError(
            "This engine reads no files of its own computer for others; upload the recording first."
        )

    def _model_of(self, model: str) -> str:
        name = model or DEFAULT_MODEL
        if not self.accepts_local_paths and not INSTALLED_NAME.fullmatch(name):
            raise ServiceError(
                f"This engine uses installed models only, got {name!r}; give a model's name."
            )
        return name

    def _publish_state(self) -> None:
        predictor = self.shelf.default
        busy_with = self._compute.running
        if predictor is None and not self._failure:
            kind, text = pb.EngineState.STARTING, ""
        elif busy_with:
            kind, text = pb.EngineState.BUSY, busy_with
        elif predictor is None:
            kind, text = pb.EngineState.FAILED, self._failure
        else:
            kind, text = pb.EngineState.READY, ""
        state = pb.EngineState(kind=kind, text=text, waiting_jobs=self._compute.num_waiting)
        if predictor is not None:
            state.device, state.runtime = predictor.device, predictor.runtime
            state.model.CopyFrom(_model_info(predictor))
        self.board.publish(state)


def make_server(service: EngineService, token: str) -> grpc.Server:
    """Return a server that lets in only who knows the token; it listens nowhere yet."""
    server = grpc.server(
        ThreadPoolExecutor(THREADS, thread_name_prefix="grpc"),
        interceptors=[TokenCheck(token)],
        options=[
            ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
            ("grpc.so_reuseport", 0),  # a second engine on the same port is an error, not a lottery
            ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
            ("grpc.keepalive_permit_without_calls", 1),
        ],
    )
    add_EngineServicer_to_server(service, server)
    return server


def _progress_of(job: Job[T], context: grpc.ServicerContext) -> Generator[pb.AnalyzeEvent, None, T]:
    """Yield the progress of a job that ends when the call does; return its result."""
    context.add_callback(job.cancel)
    for stage, done, total in job.follow():
        yield pb.AnalyzeEvent(progress=pb.Progress(stage=stage, done=done, total=total))
    return job.result()


def _speakers_by_hash(request: pb.ScoreProjectRequest) -> dict[bytes, str]:
    """Return who speaks in each recording, empty where the request names no speakers.

    Raises:
        ServiceError: If there are speakers, but not one for each recording.
    """
    if request.speaker and len(request.speaker) != len(request.audio_sha256):
        raise ServiceError(
            f"The request names {len(request.speaker)} speakers for {len(request.audio_sha256)} "
            "recordings; name one for each, or none at all."
        )
    return dict(zip(request.audio_sha256, request.speaker, strict=False))


def _model_info(predictor: Predictor) -> pb.ModelInfo:
    card = predictor.card
    return pb.ModelInfo(
        name=card.model_id.name,
        sha256=card.model_id.sha256,
        classes=card.classes,
        frame_rate_hz=card.frame_rate_hz,
        summary=card.summary,
    )
