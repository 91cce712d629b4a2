"""How an error of the engine crosses the wire and comes out as the same error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

import grpc

from clser_engine import errors
from clser_engine.errors import Cancelled, EngineError, EngineLostError, ServiceError
from clser_engine.service.wire import readable

ERROR_KEY: Final = "clser-error"

_STATUS: Final = {
    "AudioError": grpc.StatusCode.INVALID_ARGUMENT,
    "BadValueError": grpc.StatusCode.INVALID_ARGUMENT,
    "FormatError": grpc.StatusCode.INVALID_ARGUMENT,
    "ManifestError": grpc.StatusCode.INVALID_ARGUMENT,
    "ConfigError": grpc.StatusCode.INVALID_ARGUMENT,
    "BundleError": grpc.StatusCode.FAILED_PRECONDITION,
    "DeviceError": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "ExportError": grpc.StatusCode.FAILED_PRECONDITION,
    "ServiceError": grpc.StatusCode.FAILED_PRECONDITION,
}
_LOST: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


@contextmanager
def ending_the_call(context: grpc.ServicerContext) -> Iterator[None]:
    """On the server: end the call with the status and the sentence of an engine error.

    `Cancelled` must not escape into gRPC's threads: as a BaseException it would end one of them.
    """
    try:
        yield
    except Cancelled:
        context.abort(grpc.StatusCode.CANCELLED, "The call was cancelled.")
    except EngineError as error:
        name = _known_name(type(error))
        context.set_trailing_metadata(((ERROR_KEY, name),))
        context.abort(_STATUS.get(name, grpc.StatusCode.UNKNOWN), readable(str(error)))


def raise_as_engine_error(error: grpc.RpcError, *, cancelled: bool, deadline_s: float) -> NoReturn:
    """On the client: raise what the server raised.

    Args:
        error: How the call ended.
        cancelled: Whether this side asked for the end.
        deadline_s: How long the call was allowed to take, for the sentence.

    Raises:
        Cancelled: If this side cancelled the call.
        EngineError: Otherwise, of the same class as on the server where it has one.
    """
    if cancelled:
        raise Cancelled from error
    code, sentence = error.code(), error.details() or ""
    for key, value in error.trailing_metadata() or ():
        if key == ERROR_KEY:
            raise _class_of(value)(sentence) from error
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        raise ServiceError(
            f"The engine did not answer within {deadline_s:g} s; try again, or restart the engine."
        ) from error
    if code in _LOST:
        raise EngineLostError(
            "The connection to the engine broke in the middle of a call; "
            "the engine is started again where it runs on this computer."
        ) from error
    if code == grpc.StatusCode.UNAUTHENTICATED:
        raise ServiceError(sentence) from error
    raise ServiceError(
        f"The engine ended a call with an unexpected error ({code.name.lower()}: {sentence}); "
        "please report it with the engine's log."
    ) from error


def _known_name(kind: type[EngineError]) -> str:
    """Return the name of the nearest class that the other side knows too."""
    return next(base.__name__ for base in kind.__mro__ if hasattr(errors, base.__name__))


def _class_of(name: str) -> type[EngineError]:
    kind = getattr(errors, name, ServiceError)
    return kind if isinstance(kind, type) and issubclass(kind, EngineError) else ServiceError
