from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AudioRef(_message.Message):
    __slots__ = ("local_path", "uploaded_sha256")
    LOCAL_PATH_FIELD_NUMBER: _ClassVar[int]
    UPLOADED_SHA256_FIELD_NUMBER: _ClassVar[int]
    local_path: bytes
    uploaded_sha256: bytes
    def __init__(self, local_path: _Optional[bytes] = ..., uploaded_sha256: _Optional[bytes] = ...) -> None: ...

class HandshakeRequest(_message.Message):
    __slots__ = ("protocol_version", "client_version")
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    CLIENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    protocol_version: int
    client_version: str
    def __init__(self, protocol_version: _Optional[int] = ..., client_version: _Optional[str] = ...) -> None: ...

class HandshakeReply(_message.Message):
    __slots__ = ("protocol_version", "engine_version", "pid", "accepts_local_paths", "max_upload_bytes", "state")
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    ENGINE_VERSION_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    ACCEPTS_LOCAL_PATHS_FIELD_NUMBER: _ClassVar[int]
    MAX_UPLOAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    protocol_version: int
    engine_version: str
    pid: int
    accepts_local_paths: bool
    max_upload_bytes: int
    state: EngineState
    def __init__(self, protocol_version: _Optional[int] = ..., engine_version: _Optional[str] = ..., pid: _Optional[int] = ..., accepts_local_paths: _Optional[bool] = ..., max_upload_bytes: _Optional[int] = ..., state: _Optional[_Union[EngineState, _Mapping]] = ...) -> None: ...

class WatchStateRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EngineState(_message.Message):
    __slots__ = ("kind", "text", "device", "runtime", "model", "waiting_jobs")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STARTING: _ClassVar[EngineState.Kind]
        READY: _ClassVar[EngineState.Kind]
        BUSY: _ClassVar[EngineState.Kind]
        FAILED: _ClassVar[EngineState.Kind]
    STARTING: EngineState.Kind
    READY: EngineState.Kind
    BUSY: EngineState.Kind
    FAILED: EngineState.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    RUNTIME_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    WAITING_JOBS_FIELD_NUMBER: _ClassVar[int]
    kind: EngineState.Kind
    text: str
    device: str
    runtime: str
    model: ModelInfo
    waiting_jobs: int
    def __init__(self, kind: _Optional[_Union[EngineState.Kind, str]] = ..., text: _Optional[str] = ..., device: _Optional[str] = ..., runtime: _Optional[str] = ..., model: _Optional[_Union[ModelInfo, _Mapping]] = ..., waiting_jobs: _Optional[int] = ...) -> None: ...

class ModelInfo(_message.Message):
    __slots__ = ("name", "sha256", "classes", "frame_rate_hz", "summary")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    FRAME_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    name: str
    sha256: str
    classes: _containers.RepeatedScalarFieldContainer[str]
    frame_rate_hz: float
    summary: str
    def __init__(self, name: _Optional[str] = ..., sha256: _Optional[str] = ..., classes: _Optional[_Iterable[str]] = ..., frame_rate_hz: _Optional[float] = ..., summary: _Optional[str] = ...) -> None: ...

class AnalyzeRequest(_message.Message):
    __slots__ = ("audio", "model")
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    audio: AudioRef
    model: str
    def __init__(self, audio: _Optional[_Union[AudioRef, _Mapping]] = ..., model: _Optional[str] = ...) -> None: ...

class AnalyzeEvent(_message.Message):
    __slots__ = ("progress", "header", "chunk", "end")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    progress: Progress
    header: AnalysisHeader
    chunk: PosteriorChunk
    end: AnalysisEnd
    def __init__(self, progress: _Optional[_Union[Progress, _Mapping]] = ..., header: _Optional[_Union[AnalysisHeader, _Mapping]] = ..., chunk: _Optional[_Union[PosteriorChunk, _Mapping]] = ..., end: _Optional[_Union[AnalysisEnd, _Mapping]] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("stage", "done", "total")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    stage: str
    done: float
    total: float
    def __init__(self, stage: _Optional[str] = ..., done: _Optional[float] = ..., total: _Optional[float] = ...) -> None: ...

class AnalysisHeader(_message.Message):
    __slots__ = ("audio_sha256", "duration_s", "model_name", "model_sha256", "classes", "frame_rate_hz", "num_frames", "from_cache")
    AUDIO_SHA256_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_SHA256_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    FRAME_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    NUM_FRAMES_FIELD_NUMBER: _ClassVar[int]
    FROM_CACHE_FIELD_NUMBER: _ClassVar[int]
    audio_sha256: bytes
    duration_s: float
    model_name: str
    model_sha256: str
    classes: _containers.RepeatedScalarFieldContainer[str]
    frame_rate_hz: float
    num_frames: int
    from_cache: bool
    def __init__(self, audio_sha256: _Optional[bytes] = ..., duration_s: _Optional[float] = ..., model_name: _Optional[str] = ..., model_sha256: _Optional[str] = ..., classes: _Optional[_Iterable[str]] = ..., frame_rate_hz: _Optional[float] = ..., num_frames: _Optional[int] = ..., from_cache: _Optional[bool] = ...) -> None: ...

class PosteriorChunk(_message.Message):
    __slots__ = ("first_frame", "values", "speech")
    FIRST_FRAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    SPEECH_FIELD_NUMBER: _ClassVar[int]
    first_frame: int
    values: bytes
    speech: bytes
    def __init__(self, first_frame: _Optional[int] = ..., values: _Optional[bytes] = ..., speech: _Optional[bytes] = ...) -> None: ...

class AnalysisEnd(_message.Message):
    __slots__ = ("utterance", "functionals", "segments")
    UTTERANCE_FIELD_NUMBER: _ClassVar[int]
    FUNCTIONALS_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    utterance: Utterance
    functionals: bytes
    segments: _containers.RepeatedCompositeFieldContainer[EmotionSegment]
    def __init__(self, utterance: _Optional[_Union[Utterance, _Mapping]] = ..., functionals: _Optional[bytes] = ..., segments: _Optional[_Iterable[_Union[EmotionSegment, _Mapping]]] = ...) -> None: ...

class EmotionSegment(_message.Message):
    __slots__ = ("start_s", "end_s", "emotion")
    START_S_FIELD_NUMBER: _ClassVar[int]
    END_S_FIELD_NUMBER: _ClassVar[int]
    EMOTION_FIELD_NUMBER: _ClassVar[int]
    start_s: float
    end_s: float
    emotion: str
    def __init__(self, start_s: _Optional[float] = ..., end_s: _Optional[float] = ..., emotion: _Optional[str] = ...) -> None: ...

class Utterance(_message.Message):
    __slots__ = ("emotion", "posterior", "confidence", "statistics", "ood_score", "is_unknown", "notice")
    EMOTION_FIELD_NUMBER: _ClassVar[int]
    POSTERIOR_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    OOD_SCORE_FIELD_NUMBER: _ClassVar[int]
    IS_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    emotion: str
    posterior: _containers.RepeatedScalarFieldContainer[float]
    confidence: float
    statistics: str
    ood_score: float
    is_unknown: bool
    notice: str
    def __init__(self, emotion: _Optional[str] = ..., posterior: _Optional[_Iterable[float]] = ..., confidence: _Optional[float] = ..., statistics: _Optional[str] = ..., ood_score: _Optional[float] = ..., is_unknown: _Optional[bool] = ..., notice: _Optional[str] = ...) -> None: ...

class ScoreProjectRequest(_message.Message):
    __slots__ = ("model", "audio_sha256", "speaker", "statistics", "propagate")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    AUDIO_SHA256_FIELD_NUMBER: _ClassVar[int]
    SPEAKER_FIELD_NUMBER: _ClassVar[int]
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    PROPAGATE_FIELD_NUMBER: _ClassVar[int]
    model: str
    audio_sha256: _containers.RepeatedScalarFieldContainer[bytes]
    speaker: _containers.RepeatedScalarFieldContainer[str]
    statistics: str
    propagate: bool
    def __init__(self, model: _Optional[str] = ..., audio_sha256: _Optional[_Iterable[bytes]] = ..., speaker: _Optional[_Iterable[str]] = ..., statistics: _Optional[str] = ..., propagate: _Optional[bool] = ...) -> None: ...

class ScoreProjectEvent(_message.Message):
    __slots__ = ("progress", "score", "summary")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    progress: Progress
    score: Score
    summary: GroupSummary
    def __init__(self, progress: _Optional[_Union[Progress, _Mapping]] = ..., score: _Optional[_Union[Score, _Mapping]] = ..., summary: _Optional[_Union[GroupSummary, _Mapping]] = ...) -> None: ...

class GroupSummary(_message.Message):
    __slots__ = ("statistics", "clips", "words", "notices")
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    CLIPS_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    statistics: str
    clips: int
    words: str
    notices: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, statistics: _Optional[str] = ..., clips: _Optional[int] = ..., words: _Optional[str] = ..., notices: _Optional[_Iterable[str]] = ...) -> None: ...

class Score(_message.Message):
    __slots__ = ("audio_sha256", "utterance")
    AUDIO_SHA256_FIELD_NUMBER: _ClassVar[int]
    UTTERANCE_FIELD_NUMBER: _ClassVar[int]
    audio_sha256: bytes
    utterance: Utterance
    def __init__(self, audio_sha256: _Optional[bytes] = ..., utterance: _Optional[_Union[Utterance, _Mapping]] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ("references",)
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    references: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, references: _Optional[_Iterable[str]] = ...) -> None: ...

class ListModelsReply(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[InstalledModel]
    def __init__(self, models: _Optional[_Iterable[_Union[InstalledModel, _Mapping]]] = ...) -> None: ...

class InstalledModel(_message.Message):
    __slots__ = ("reference", "name", "sha256", "summary", "classes", "languages", "corpora", "licence", "protocol", "figures", "problem")
    class FiguresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    CORPORA_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    reference: str
    name: str
    sha256: str
    summary: str
    classes: _containers.RepeatedScalarFieldContainer[str]
    languages: _containers.RepeatedScalarFieldContainer[str]
    corpora: _containers.RepeatedScalarFieldContainer[str]
    licence: str
    protocol: str
    figures: _containers.ScalarMap[str, float]
    problem: str
    def __init__(self, reference: _Optional[str] = ..., name: _Optional[str] = ..., sha256: _Optional[str] = ..., summary: _Optional[str] = ..., classes: _Optional[_Iterable[str]] = ..., languages: _Optional[_Iterable[str]] = ..., corpora: _Optional[_Iterable[str]] = ..., licence: _Optional[str] = ..., protocol: _Optional[str] = ..., figures: _Optional[_Mapping[str, float]] = ..., problem: _Optional[str] = ...) -> None: ...

class UploadPart(_message.Message):
    __slots__ = ("header", "data")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    header: UploadHeader
    data: bytes
    def __init__(self, header: _Optional[_Union[UploadHeader, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class UploadHeader(_message.Message):
    __slots__ = ("sha256", "size")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    sha256: bytes
    size: int
    def __init__(self, sha256: _Optional[bytes] = ..., size: _Optional[int] = ...) -> None: ...

class UploadReply(_message.Message):
    __slots__ = ("was_stored",)
    WAS_STORED_FIELD_NUMBER: _ClassVar[int]
    was_stored: bool
    def __init__(self, was_stored: _Optional[bool] = ...) -> None: ...
