"""Accepts or refuses WebSockets on `/graphql`: by origin, by the handshake's credentials, and by the number of connections.

Connections that are not authenticated yet have few slots; the oldest is closed for a new one. Authenticated connections share
LIVE_CONNECTIONS, of which a caller, an account and a provider each get a part. The protocol is in `app/server/graphql_ws.py`.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit
from uuid import UUID

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from app.execution.operations import Operations
from app.foundation import metrics
from app.foundation.access import Authenticator, Viewer
from app.foundation.concurrency_limits import FairSlots, Quota, QuotaExceeded
from app.foundation.context import Resources
from app.foundation.errors import ClientError, Forbidden, RateLimited, ServiceUnavailable, Unauthenticated
from app.foundation.networks import TrustedProxies, client_address
from app.server import graphql_protocol
from app.server.graphql_ws import SUBPROTOCOL, Connection
from app.server.graphql_ws_messages import CloseCode
from app.server.transport.waiting_connections import WaitingConnections

# Unauthenticated connections: the maximum per network, and the minimum for all networks, whose maximum is a tenth of
# LIVE_CONNECTIONS. They do not count against LIVE_CONNECTIONS.
UNAUTHENTICATED_PER_NETWORK = MINIMUM_UNAUTHENTICATED = 20
_UNAUTHENTICATED_FRACTION = 10
_STATUS = {Unauthenticated: 401, Forbidden: 403, RateLimited: 429, ServiceUnavailable: 503}


class WebSocketEndpoint:
    """`/graphql` as a WebSocket. Exists from the start of the server to its end."""

    def __init__(self, operations: Operations, authentication: Authenticator, resources: Resources) -> None:
        self._operations = operations
        self._authentication = authentication
        self._resources = resources
        self._open = 0
        most = resources.settings.live_connections
        proxies = TrustedProxies(resources.settings.trusted_proxies)
        self._unauthenticated = WaitingConnections(
            max(most // _UNAUTHENTICATED_FRACTION, MINIMUM_UNAUTHENTICATED), UNAUTHENTICATED_PER_NETWORK, proxies
        )
        self._slots = FairSlots(most)
        # By key or user.
        self._subscriptions: Counter[UUID | None] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        self._open += 1
        metrics.websockets(+1)
        try:
            with ExitStack() as held:
                await self._serve(websocket, held)
        except ClientError as refused:
            headers = {"WWW-Authenticate": "Bearer"} if isinstance(refused, Unauthenticated) else {}
            status, request_id = _STATUS[type(refused)], scope["request_id"]
            await websocket.send_denial_response(
                graphql_protocol.refusal(status, refused.message, refused.code, request_id, **headers)
            )
        finally:
            self._open -= 1
            metrics.websockets(-1)

    async def _serve(self, websocket: WebSocket, held: ExitStack) -> None:
        """Serves one connection. Raises ClientError to refuse the handshake."""
        if not self._is_allowed_origin(websocket.scope):
            raise Forbidden("This origin may not connect: see ALLOWED_ORIGINS.")
        self._check_capacity()
        connection = Connection(websocket, self._operations, self._authentication, self._resources, self._subscriptions)
        held.callback(self._unauthenticated.leave, connection)

        async def admit(caller: Viewer) -> None:
            held.enter_context(self._slot(caller))
            self._unauthenticated.leave(connection)

        header = _bearer(websocket.scope)
        if header:
            await connection.authenticate(header, admit)
        if SUBPROTOCOL not in websocket.scope["subprotocols"]:
            await websocket.accept()
            await websocket.close(CloseCode.NO_SUBPROTOCOL, f"Request the sub-protocol {SUBPROTOCOL}")
            return
        if not header and not self._unauthenticated.enter(connection, client_address(websocket.scope)):
            raise ServiceUnavailable("Too many WebSockets are being authenticated. Try again in a moment.")
        await websocket.accept(subprotocol=SUBPROTOCOL)
        await connection.run(admit)

    def _check_capacity(self) -> None:
        """Raises ServiceUnavailable."""
        if self._slots.is_full:
            raise ServiceUnavailable("This worker has the maximum number of WebSockets. Try again in a moment.")

    @contextmanager
    def _slot(self, caller: Viewer) -> Iterator[None]:
        """Holds one of LIVE_CONNECTIONS for the block. Raises RateLimited and ServiceUnavailable."""
        self._check_capacity()
        with self._slots.slot() as slot:
            try:
                slot.add(Quota.CALLER, caller.key_id or caller.session_id)
                slot.add(Quota.ACCOUNT, caller.account_id)
                slot.add(Quota.PROVIDER, caller.provider_id)
            except QuotaExceeded as full:
                message = (
                    f"One {full.quota.words} holds at most {full.maximum} WebSockets of a worker: close one first."
                )
                raise RateLimited(message) from None
            yield

    def _is_allowed_origin(self, scope: Scope) -> bool:
        """Whether the origin may connect. Browsers send the origin of the page; programs send none.

        Defence in depth: there are no session cookies that a page of another site could use.
        """
        headers = graphql_protocol.headers_of(scope)
        origin = headers.get(b"origin", b"").decode("latin-1")
        settings = self._resources.settings
        if not origin or origin in settings.allowed_origins:
            return True
        host = headers.get(b"host", b"").decode("latin-1").lower()
        try:
            return urlsplit(origin).netloc.lower() in {host, urlsplit(settings.base_url).netloc.lower()}
        except ValueError:  # half an IPv6 address
            return False


def _bearer(scope: Scope) -> bytes:
    """The handshake's bearer token; empty without one. Browsers may add Basic credentials to any connection of a page."""
    header = graphql_protocol.headers_of(scope).get(b"authorization", b"")
    return header if header[:7].lower() == b"bearer " else b""
