"""The HTTP client of webhooks, loaded with the first call: aiohttp takes memory that most workers never need."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

import aiohttp
from yarl import URL

from app.foundation.outbound.connector import BoundedConnector
from app.foundation.outbound.errors import kind_of_connection_error
from app.foundation.outbound.failure_kind import FailureKind
from app.foundation.outbound.guard import OutboundGate


class Client:
    """An aiohttp session that keeps nothing between calls."""

    def __init__(self, gate: OutboundGate, connect_seconds: float, limit: int) -> None:
        connector = BoundedConnector(
            resolver=gate.resolver(),
            # Resolve and check the host for each call; tenants never share a connection.
            use_dns_cache=False,
            force_close=True,
            limit=limit,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def close(self) -> None:
        await self._session.close()

    def response(
        self, method: str, url: URL, body: bytes, headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """A context manager of the response, whose body is not read yet."""
        return self._session.request(method, url, data=body or None, headers=headers, allow_redirects=False)

    def is_connect_timeout(self, error: Exception) -> bool:
        return isinstance(error, aiohttp.ConnectionTimeoutError)

    def kind_of(self, error: Exception) -> tuple[FailureKind, str | None]:
        """Why the call failed, with the gate's reason if it refused."""
        return (
            (FailureKind.CONNECT_TIMEOUT, None) if self.is_connect_timeout(error) else kind_of_connection_error(error)
        )
