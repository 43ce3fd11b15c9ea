"""`/schema.graphql`, `/metrics`, `/healthz` and `/readyz`."""

import asyncio
import hashlib
import hmac

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.foundation import maintenance, metrics
from app.foundation.access import ONLY_FOR_GATEWAYS, IsAdmin, Viewer
from app.foundation.database import orm as database
from app.foundation.errors import ErrorCode, ServiceUnavailable, Unauthenticated, for_client
from app.foundation.networks import client_address
from app.server import graphql_protocol
from app.server.lifespan import Server
from app.server.schema import printed

_CREDENTIAL_CHANGE_REQUIRED = "Choose a new password first, with `changePassword`."

# Probes give up after a few seconds, and treat a missing response as a dead process.
READY_SECONDS = 2.0
_NO_STORE = {"Cache-Control": "no-store"}


class OperatorRoutes:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._sdl = printed().encode()
        self._sdl_tag = f'"{hashlib.sha256(self._sdl).hexdigest()[:16]}"'
        self._database_check: asyncio.Task[str | None] | None = None

    def routes(self) -> list[Route]:
        return [
            Route("/schema.graphql", self._schema),
            Route("/healthz", _healthy),
            Route("/readyz", self._ready),
            Route("/metrics", self._metrics),
        ]

    async def _schema(self, request: Request) -> Response:
        """The schema as text, for client generators that may introspect it."""
        try:
            caller = await self._caller(request)
        except Unauthenticated as error:
            return graphql_protocol.unauthenticated(error.message, request.scope["request_id"])
        except ServiceUnavailable as error:
            return graphql_protocol.refusal(
                503, error.message, ErrorCode.SERVICE_UNAVAILABLE, request.scope["request_id"]
            )
        is_open = self._server.settings.anonymous_introspection
        if caller is None and not is_open:
            return graphql_protocol.unauthenticated(Unauthenticated().message, request.scope["request_id"])
        if caller is not None and caller.must_change_password and not is_open:
            return graphql_protocol.refusal(
                403, _CREDENTIAL_CHANGE_REQUIRED, ErrorCode.FORBIDDEN, request.scope["request_id"]
            )
        headers = {"ETag": self._sdl_tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
        if self._sdl_tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(self._sdl, headers=headers, media_type="text/plain; charset=utf-8")

    async def _metrics(self, request: Request) -> Response:
        """For METRICS_TOKEN, which needs no database, and for admins."""
        refusal = None if self._is_metrics_token(request) else await self._metrics_refusal(request)
        return refusal or Response(
            metrics.exposition(maintenance.last_success(self._server.settings.data_dir)),
            headers=graphql_protocol.UNCACHED,
            media_type=metrics.CONTENT_TYPE,
        )

    def _is_metrics_token(self, request: Request) -> bool:
        given = graphql_protocol.headers_of(request.scope).get(b"authorization", b"")
        token = self._server.settings.metrics_token.encode()
        return bool(token) and hmac.compare_digest(given, b"Bearer " + token)

    async def _metrics_refusal(self, request: Request) -> Response | None:
        """The error for a caller that may not read the metrics; None for an admin."""
        request_id = request.scope["request_id"]
        try:
            caller = await self._caller(request)
        except Unauthenticated as error:
            return graphql_protocol.unauthenticated(error.message, request_id)
        except ServiceUnavailable as error:
            return graphql_protocol.refusal(503, error.message, ErrorCode.SERVICE_UNAVAILABLE, request_id)
        if caller is None:
            return graphql_protocol.unauthenticated(Unauthenticated().message, request_id)
        if not caller.may([IsAdmin]):
            return graphql_protocol.refusal(403, f"/metrics needs {IsAdmin.words}.", ErrorCode.FORBIDDEN, request_id)
        if caller.must_change_password:
            return graphql_protocol.refusal(403, _CREDENTIAL_CHANGE_REQUIRED, ErrorCode.FORBIDDEN, request_id)
        if caller.restriction is ONLY_FOR_GATEWAYS:
            message = "A voice gateway's key may not read /metrics."
            return graphql_protocol.refusal(403, message, ErrorCode.FORBIDDEN, request_id)
        return None

    async def _ready(self, _: Request) -> Response:
        """Whether the database answers this worker and accepts writes. Concurrent probes share one statement."""
        if self._database_check is None or self._database_check.done():
            self._database_check = asyncio.create_task(self._obstacle())
        obstacle = await asyncio.shield(self._database_check)
        if obstacle is None:
            return PlainTextResponse("ready\n", headers=_NO_STORE)
        return PlainTextResponse(f"{obstacle}\n", 503, _NO_STORE)

    async def _obstacle(self) -> str | None:
        """Why this worker cannot serve; None if it can."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                accepts_writes = await database.accepts_writes(self._server.started().database.db())
        except Exception as error:
            if for_client(error) is None:
                raise
            return "the database does not answer"
        return None if accepts_writes else "the database accepts no writes"

    async def _caller(self, request: Request) -> Viewer | None:
        """Raises Unauthenticated and ServiceUnavailable."""
        header = graphql_protocol.headers_of(request.scope).get(b"authorization")
        return await self._server.started().authentication.viewer(header, client_address(request.scope))


async def _healthy(_: Request) -> Response:
    return PlainTextResponse("ok\n", headers=_NO_STORE)
