"""Refuses every call that does not carry the token."""

import hmac
from collections.abc import Callable
from typing import Any

import grpc

METADATA_KEY = "authorization"


def token_metadata(token: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata with which a client proves that it was let in."""
    return ((METADATA_KEY, f"Bearer {token}"),)


class TokenCheck(grpc.ServerInterceptor):  # type: ignore[misc]  # grpc ships no types
    """Compares in constant time, so that timing tells a stranger nothing.

    Args:
        token: What a caller must know.
    """

    def __init__(self, token: str) -> None:
        self._expected = token_metadata(token)[0][1].encode()

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """Let the call through or put a refusal of the same kind in its place."""
        metadata = dict(details.invocation_metadata)
        given = str(metadata.get(METADATA_KEY, "")).encode("utf-8", "replace")
        handler = continuation(details)
        if handler is None or hmac.compare_digest(given, self._expected):
            return handler
        return _refusing(handler)


def _refusing(handler: grpc.RpcMethodHandler) -> grpc.RpcMethodHandler:
    def refuse(_request: object, context: grpc.ServicerContext) -> Any:  # abort never returns
        context.abort(
            grpc.StatusCode.UNAUTHENTICATED,
            "The engine refused the token; connect again with the token that it was started with.",
        )

    kinds = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }
    make = kinds[handler.request_streaming, handler.response_streaming]
    return make(refuse, handler.request_deserializer, handler.response_serializer)
