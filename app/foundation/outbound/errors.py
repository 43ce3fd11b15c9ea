"""Classifies aiohttp's connection errors, for storages and webhooks."""

import socket
import ssl

import aiohttp
from aiohttp.abc import AbstractResolver

from app.foundation.outbound.failure_kind import FailureKind
from app.foundation.outbound.guard import JudgingResolver, OutboundRefused

# aiohttp accepts only subclasses as resolvers.
AbstractResolver.register(JudgingResolver)


def kind_of_connection_error(error: BaseException) -> tuple[FailureKind, str | None]:
    """Finds the cause under the exceptions of aiohttp and the SDK, and the gate's reason if it refused.

    An error of another kind is INVALID_RESPONSE: the SDK could not read the response.
    """
    seen: list[BaseException] = []
    queue: list[object] = [error]
    while queue:
        found = queue.pop(0)
        if isinstance(found, BaseException) and found not in seen:
            seen.append(found)
            queue += [getattr(found, "kwargs", {}).get("error"), getattr(found, "os_error", None)]
            queue += [found.__cause__, found.__context__]
    for found in seen:
        if isinstance(found, OutboundRefused):
            return FailureKind.ADDRESS_NOT_PUBLIC, found.reason
    for types, kind in _KINDS:
        if any(isinstance(found, types) for found in seen):
            return kind, None
    return FailureKind.INVALID_RESPONSE, None


# The first match wins: certificate errors are OSErrors too.
_KINDS: tuple[tuple[tuple[type[BaseException], ...], FailureKind], ...] = (
    ((ssl.SSLError, ssl.CertificateError, aiohttp.ClientSSLError), FailureKind.TLS),
    ((socket.gaierror,), FailureKind.UNKNOWN_HOST),
    ((ConnectionRefusedError,), FailureKind.CONNECTION_REFUSED),
    ((ConnectionResetError, BrokenPipeError, aiohttp.ServerDisconnectedError), FailureKind.CONNECTION_CLOSED),
    ((aiohttp.ClientConnectorError, TimeoutError), FailureKind.UNREACHABLE),
    ((aiohttp.ClientPayloadError, aiohttp.http_exceptions.HttpProcessingError), FailureKind.INVALID_RESPONSE),
    ((aiohttp.ClientConnectionError, OSError), FailureKind.UNREACHABLE),
)
