"""The ASGI application: routes, middleware, what is opened at start and closed at the end."""

import asyncio
import gc
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from tortoise import BaseDBAsyncClient
from tortoise.context import TortoiseContext, _current_context

from app.api_keys.last_use import LastUse
from app.audit.secret_reads import SecretReads
from app.calls.routes import Recordings
from app.calls.signed_urls import PlaybackEvents
from app.execution.limits.deadline import AUTHENTICATION_SECONDS, Deadline
from app.execution.operations import Operations
from app.foundation import logging, metrics, settings
from app.foundation.access import AccessLevel, IsAdmin, Viewer
from app.foundation.context import Resources
from app.foundation.database import orm as database
from app.foundation.database import schema_version
from app.foundation.errors import ErrorCode, ServiceUnavailable, Unauthenticated, for_client
from app.foundation.events import LiveEvents
from app.foundation.outbound.guard import OutboundGate
from app.foundation.revocations import Revocations
from app.foundation.settings import Settings
from app.recording import routes as recording
from app.recording.ingest import RecordingIngest
from app.recording.spool import Spool
from app.recording.upload_worker import UploadWorker
from app.server import graphql_protocol, worker_process
from app.server.authentication import Authentication
from app.server.forwarded import ForwardedHeaders
from app.server.graphiql.page import Explorer
from app.server.graphql_http import Endpoint
from app.server.schema import printed, schema
from app.server.transport.http import OVERLOADED
from app.server.websocket_admission import Sockets
from app.storage.failures import CODES_FOR_METRICS
from app.storage.s3 import ObjectStorage
from app.storage.verification import StorageVerifier
from app.tts_cache.cache import PromptCache
from app.tts_cache.counts import PromptCounts
from app.webhooks.delivery import WebhookSender
from app.webhooks.retention import pruning

_NOTHING_HERE = "There is nothing at this address."
_OVERLOADED = "This server has too many requests at the moment. Try again."
_CHOOSE_FIRST = "Choose a new password first, with `changePassword`."

# Probes give up after a few seconds, and take a silence for a dead process.
READY_SECONDS = 2.0
_NO_STORE = {"Cache-Control": "no-store"}

_log = structlog.get_logger("main")


def create_app(given: Settings | None = None) -> Starlette:
    """The application for these settings, by default those of the environment. Opens nothing yet.

    Raises WrongSettings.
    """
    chosen = given or settings.load()
    logging.configure(chosen.log_level)
    explorer = Explorer(chosen.data_dir) if chosen.graphiql else None
    server = Server(chosen, explorer)
    app = Starlette(
        routes=[
            Route("/schema.graphql", server.sdl),
            Route("/healthz", _healthy),
            Route("/readyz", server.ready),
            Route("/metrics", server.metrics),
            *Recordings(server.started).routes(),
            WebSocketRoute("/record", server.record),
            # Some gateways add the bucket's vendor, which is the account's to say.
            WebSocketRoute("/record/{vendor}", server.record),
            Route("/record", _upgrade_required),
            Route("/record/{vendor}", _upgrade_required),
            *(explorer.routes() if explorer else ()),
        ],
        lifespan=server.lifespan,
    )
    app.router.redirect_slashes = False
    app.router.default = _nothing_here
    app.state.server = server
    app.middleware_stack = _before_routes(app.router, server, chosen)
    return app


def _before_routes(router: ASGIApp, server: "Server", chosen: Settings) -> ASGIApp:
    """The middleware, put together here: Starlette adds one that answers internal errors, which `InternalErrors` does."""
    app: ASGIApp = _BeforeRoutes(ExceptionMiddleware(router, {HTTPException: _refused}), server)
    app = logging.InternalErrors(app)
    if chosen.allowed_origins:  # outside of InternalErrors, whose answers need these headers as well
        app = CORSMiddleware(
            app,
            allow_origins=chosen.allowed_origins,
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["Authorization", "Content-Type", "Range", "If-Range", "If-None-Match"],
            expose_headers=[
                "X-Request-Id",
                "Retry-After",
                "Accept-Ranges",
                "Content-Range",
                "Content-Disposition",
                "ETag",
            ],
            max_age=600,
        )
    app = logging.RequestLog(app)
    if chosen.trusted_proxies:
        app = ForwardedHeaders(app, chosen.trusted_proxies)  # type: ignore[assignment]  # uvicorn has types of its own
    return app


def worker() -> Starlette:
    """The application of a process that does nothing else, with the settings of the environment."""
    worker_process.end_with_supervisor()
    app = create_app()
    app.state.server.has_the_process = True
    return app


@dataclass
class AppState:
    """What exists between start and end."""

    opened: Resources
    authentication: Authentication
    database: TortoiseContext
    graphql: Endpoint
    sockets: Sockets


class Server:
    def __init__(self, chosen: Settings, explorer: Explorer | None) -> None:
        self._settings = chosen
        self._explorer = explorer
        self._operations = Operations(
            schema,
            anonymous_introspection=chosen.anonymous_introspection,
            operations_per_caller=chosen.operations_per_caller,
            compiles=chosen.compiled_operations,
        )
        self._sdl = printed().encode()
        self._sdl_tag = f'"{hashlib.sha256(self._sdl).hexdigest()[:16]}"'
        self.running: AppState | None = None
        self.has_the_process = False
        self._database_check: asyncio.Task[str | None] | None = None

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        try:
            async with self._open():
                yield
        except Exception as error:
            reason = error.strerror if isinstance(error, OSError) else None
            name, frames = type(error).__qualname__, logging.frames_of(error)
            _log.error("the server cannot start, or end in order", error=name, reason=reason, frames=frames)
            raise

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        chosen = self._settings
        metrics.start(CODES_FOR_METRICS)
        keyring = chosen.keyring()
        if chosen.uses_key_file:
            _log.warning(
                "keys for secrets come from a file beside the database: fit for trying out, not for production"
            )
        gate = OutboundGate(chosen.outbound_allowed_hosts)
        storage, last_use, secret_reads = ObjectStorage(gate), LastUse(), SecretReads()
        verifier = StorageVerifier(storage, gate, keyring, chosen.verifications_at_once)
        webhooks = WebhookSender(gate)
        prompts = PromptCache(chosen.cache_url)
        counts = PromptCounts(prompts)
        live, revocations = LiveEvents(chosen.cache_url), Revocations(chosen.cache_url)
        spool = Spool(chosen.spool, chosen.spool_megabytes * 1_000_000)
        storer = UploadWorker(keyring, storage, spool, live, chosen.call_days)
        recorder = RecordingIngest(chosen, keyring, spool, live, storer)
        async with TortoiseContext() as context:
            # `Tortoise.init` would take over a context that somebody else has opened in this task, and close it.
            await context.init(config=database.configuration(chosen))
            try:
                await self._check(context.db())
                async with (
                    last_use.flush_regularly(),
                    secret_reads.flush_regularly(),
                    pruning(),
                    live.running(),
                    revocations.running(),
                    storer.running(),
                    recorder.running(),
                ):
                    clients: dict[type, Any] = {
                        OutboundGate: gate,
                        ObjectStorage: storage,
                        StorageVerifier: verifier,
                        SecretReads: secret_reads,
                        LiveEvents: live,
                        Revocations: revocations,
                        PlaybackEvents: PlaybackEvents(),
                        Spool: spool,
                        RecordingIngest: recorder,
                        UploadWorker: storer,
                        PromptCache: prompts,
                        PromptCounts: counts,
                        WebhookSender: webhooks,
                    }
                    opened = Resources(chosen, keyring, clients)
                    idle = timedelta(minutes=chosen.session_idle_minutes)
                    timeout = min(chosen.database_timeout_seconds, AUTHENTICATION_SECONDS)
                    authentication = Authentication(keyring, last_use, revocations, timeout, idle)
                    graphql = Endpoint(self._operations, authentication, opened, self._explorer)
                    sockets = Sockets(self._operations, authentication, opened)
                    self.running = AppState(opened, authentication, context, graphql, sockets)
                    if self.has_the_process:
                        _spare_the_collector()
                    yield
            finally:
                self.running = None
                await counts.close()
                await verifier.close()
                await storage.close()
                await webhooks.close()

    async def _check(self, db: BaseDBAsyncClient) -> None:
        """Raises what `schema_version.check` does, unless this is a worker, which waits."""
        await (worker_process.until_usable(db) if self.has_the_process else schema_version.check(db))

    async def sdl(self, request: Request) -> Response:
        """The schema as text, for client generators; to those who may introspect it."""
        try:
            caller = await self._caller(request)
        except Unauthenticated as refused:
            return graphql_protocol.unauthenticated(refused.message, request.scope["request_id"])
        except ServiceUnavailable as away:
            return graphql_protocol.refusal(
                503, away.message, ErrorCode.SERVICE_UNAVAILABLE, request.scope["request_id"]
            )
        if caller is None and not self._settings.anonymous_introspection:
            return graphql_protocol.unauthenticated(Unauthenticated().message, request.scope["request_id"])
        if caller is not None and caller.must_change_password and not self._settings.anonymous_introspection:
            return graphql_protocol.refusal(403, _CHOOSE_FIRST, ErrorCode.FORBIDDEN, request.scope["request_id"])
        headers = {"ETag": self._sdl_tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
        if self._sdl_tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(self._sdl, headers=headers, media_type="text/plain; charset=utf-8")

    async def metrics(self, request: Request) -> Response:
        """What is counted; for METRICS_TOKEN, which needs no database, and for admins."""
        refusal = None if self._is_metrics_token(request) else await self._metrics_refusal(request)
        return refusal or Response(
            metrics.exposition(), headers=graphql_protocol.OF_ONE_CALLER, media_type=metrics.CONTENT_TYPE
        )

    def _is_metrics_token(self, request: Request) -> bool:
        given = graphql_protocol.headers_of(request.scope).get(b"authorization", b"")
        token = self._settings.metrics_token.encode()
        return bool(token) and hmac.compare_digest(given, b"Bearer " + token)

    async def _metrics_refusal(self, request: Request) -> Response | None:
        """Why this caller may not read the metrics; None for an admin."""
        request_id = request.scope["request_id"]
        try:
            caller = await self._caller(request)
        except Unauthenticated as refused:
            return graphql_protocol.unauthenticated(refused.message, request_id)
        except ServiceUnavailable as away:
            return graphql_protocol.refusal(503, away.message, ErrorCode.SERVICE_UNAVAILABLE, request_id)
        if caller is None:
            return graphql_protocol.unauthenticated(Unauthenticated().message, request_id)
        if not caller.may([IsAdmin]):
            return graphql_protocol.refusal(403, f"/metrics needs {IsAdmin.words}.", ErrorCode.FORBIDDEN, request_id)
        if caller.must_change_password:
            return graphql_protocol.refusal(403, _CHOOSE_FIRST, ErrorCode.FORBIDDEN, request_id)
        if caller.access_level is AccessLevel.GATEWAY:
            message = "A voice gateway's key may not read /metrics."
            return graphql_protocol.refusal(403, message, ErrorCode.FORBIDDEN, request_id)
        return None

    async def record(self, websocket: WebSocket) -> None:
        """A gateway streams a call's audio."""
        running = self.started()
        await recording.record(websocket, running.authentication.viewer, running.opened.clients[RecordingIngest])

    async def ready(self, _: Request) -> Response:
        """Whether this worker can serve: its database answers and accepts writes. Probes at the same time share one statement."""
        if self._database_check is None or self._database_check.done():
            self._database_check = asyncio.create_task(self._obstacle())
        obstacle = await asyncio.shield(self._database_check)
        if obstacle is None:
            return PlainTextResponse("ready\n", headers=_NO_STORE)
        return PlainTextResponse(f"{obstacle}\n", 503, _NO_STORE)

    async def _obstacle(self) -> str | None:
        """What keeps this worker from serving."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                accepts_writes = await database.accepts_writes(self.started().database.db())
        except Exception as error:
            if for_client(error) is None:
                raise
            return "the database does not answer"
        return None if accepts_writes else "the database accepts no writes"

    def started(self) -> AppState:
        """Raises RuntimeError before the start and after the end."""
        if self.running is None:
            raise RuntimeError("the application has not been started (ASGI lifespan)")
        return self.running

    async def _caller(self, request: Request) -> Viewer | None:
        """Raises Unauthenticated and ServiceUnavailable."""
        return await self.started().authentication.viewer(
            graphql_protocol.headers_of(request.scope).get(b"authorization")
        )


def _spare_the_collector() -> None:
    # What is loaded by now stays for ever. Left to the garbage collector it is walked again and again, and each full
    # walk takes a tenth of a second in which nobody is served.
    gc.collect()
    gc.freeze()
    # Operations leave next to nothing in circles; documents and plans that are kept need no walk each time some are added.
    gc.set_threshold(5_000, 20, 1_000)


class _BeforeRoutes:
    """What comes between the middleware and Starlette's routes: the database for each request, and `/graphql`."""

    def __init__(self, app: ASGIApp, server: Server) -> None:
        self._app = app
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if OVERLOADED in scope:
            headers = {"Retry-After": "1", "Connection": "close"}
            reply = graphql_protocol.refusal(
                503, _OVERLOADED, ErrorCode.SERVICE_UNAVAILABLE, scope["request_id"], **headers
            )
            await reply(scope, receive, send)
            return
        if not _names_one_host(scope):
            message = "Send one Host header, as HTTP/1.1 asks for."
            await _refuse(400, message, scope, receive, send)
            return
        running = self._server.started()
        # Tortoise keeps its state in a context variable, and a server's requests do not run in the context of its start.
        # What it offers for entering one remembers a single place to go back to, so requests at once cannot share it.
        before = _current_context.set(running.database)
        try:
            if scope["path"] == "/graphql":
                app = running.graphql if scope["type"] == "http" else running.sockets
                await app(scope, receive, send)
            elif scope["type"] == "http":
                await self._in_time(scope, receive, send)
            else:
                await self._app(scope, receive, send)
        finally:
            _current_context.reset(before)

    async def _in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An answer that does not begin before the deadline is 503."""

        deadline = Deadline()

        async def answer(message: Message) -> None:
            deadline.lift()
            await send(message)

        try:
            async with deadline:
                await self._app(scope, receive, answer)
        except TimeoutError:
            if not deadline.has_passed:
                raise
            message = "The answer took too long. Try again in a moment."
            reply = graphql_protocol.refusal(503, message, ErrorCode.SERVICE_UNAVAILABLE, scope["request_id"])
            await reply(scope, receive, send)


async def _refused(request: Request, error: Any) -> Response:
    """Unknown addresses and methods: JSON, as for every error. `error` is an HTTPException."""
    request_id, media = (
        request.scope["request_id"],
        graphql_protocol.media_type(graphql_protocol.headers_of(request.scope)),
    )
    if error.status_code == 405:
        return graphql_protocol.wrong_method(request_id, media, ", ".join(sorted(error.headers["Allow"].split(", "))))
    message = _NOTHING_HERE if error.status_code == 404 else error.detail
    return graphql_protocol.refusal(error.status_code, message, ErrorCode.BAD_USER_INPUT, request_id, media)


async def _nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """No route matches. Starlette would answer the handshake of a WebSocket with 403."""
    if scope["type"] == "http":
        raise HTTPException(404)
    await _refuse(404, _NOTHING_HERE, scope, receive, send)


async def _refuse(status: int, message: str, scope: Scope, receive: Receive, send: Send) -> None:
    """A request, or the handshake of a WebSocket."""
    media = graphql_protocol.media_type(graphql_protocol.headers_of(scope))
    reply = graphql_protocol.refusal(status, message, ErrorCode.BAD_USER_INPUT, scope["request_id"], media)
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(reply)
    else:
        await reply(scope, receive, send)


def _names_one_host(scope: Scope) -> bool:
    """HTTP/1.1 requires it: proxies may disagree on which of two hosts is meant (RFC 9112, 3.2)."""
    hosts = [name for name, _ in scope["headers"]].count(b"host")
    return hosts == 1 or (hosts == 0 and scope.get("http_version") != "1.1")


async def _upgrade_required(request: Request) -> Response:
    message = "This address is a WebSocket: connect with Upgrade: websocket."
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    return graphql_protocol.refusal(426, message, ErrorCode.BAD_USER_INPUT, request.scope["request_id"], **headers)


async def _healthy(_: Request) -> Response:
    return PlainTextResponse("ok\n", headers=_NO_STORE)
