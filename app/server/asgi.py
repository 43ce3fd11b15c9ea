"""The ASGI application: its routes, its middleware, and the errors of requests that match no route."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from tortoise.context import _current_context

from app.calls.routes import Recordings
from app.execution.limits.deadline import Deadline
from app.foundation import logging, settings
from app.foundation.errors import ErrorCode
from app.foundation.networks import client_address
from app.foundation.settings import Settings
from app.recording import routes as recording
from app.recording.ingest import RecordingIngest
from app.server import graphql_protocol, worker_process
from app.server.forwarded import ForwardedHeaders
from app.server.graphiql.page import Explorer
from app.server.lifespan import Server
from app.server.operator_routes import OperatorRoutes
from app.server.transport.http import OVERLOADED

_NOT_FOUND = "There is nothing at this address."
_OVERLOADED = "This server has too many requests at the moment. Try again."


def create_app(given: Settings | None = None) -> Starlette:
    """The application for these settings, by default those of the environment. Opens nothing before its lifespan begins.

    Raises WrongSettings.
    """
    chosen = given or settings.load()
    logging.configure(chosen.log_level)
    explorer = Explorer(chosen.data_dir) if chosen.graphiql else None
    server = Server(chosen, explorer)
    # Dispatched before Starlette's routing, which costs more than a small query.
    direct_routes = {"/graphql": server.graphql}
    app = Starlette(
        routes=[
            *OperatorRoutes(server).routes(),
            *Recordings(server.started).routes(),
            *_recording_routes(server),
            *(explorer.routes() if explorer else ()),
        ],
        lifespan=server.lifespan,
    )
    app.router.redirect_slashes = False
    app.router.default = _not_found
    app.state.server = server
    app.middleware_stack = _middleware(_Dispatch(_with_errors(app.router), server, direct_routes), chosen)
    return app


def worker() -> Starlette:
    """The application of a worker process, with the settings of the environment."""
    worker_process.end_with_supervisor()
    app = create_app()
    app.state.server.is_worker = True
    return app


def _recording_routes(server: Server) -> list[BaseRoute]:
    async def record(websocket: WebSocket) -> None:
        state = server.started()
        authenticate = partial(state.authentication.viewer, address=client_address(websocket.scope))
        await recording.record(websocket, authenticate, state.resources.clients[RecordingIngest])

    return [
        WebSocketRoute("/record", record),
        # Some gateways append the bucket's vendor. It is ignored: the account's configuration has it.
        WebSocketRoute("/record/{vendor}", record),
        Route("/record", _upgrade_required),
        Route("/record/{vendor}", _upgrade_required),
    ]


def _with_errors(router: ASGIApp) -> ASGIApp:
    return ExceptionMiddleware(router, {HTTPException: _http_error})


def _middleware(app: ASGIApp, chosen: Settings) -> ASGIApp:
    """Built here instead of by Starlette, which would add its own handler of internal errors."""
    app = logging.InternalErrors(app)
    if chosen.allowed_origins:  # outside of InternalErrors, whose responses need these headers too
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


class _Dispatch:
    """Gives each request the database, then passes it to a direct route or to Starlette's routes."""

    def __init__(self, app: ASGIApp, server: Server, direct_routes: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._server = server
        self._direct_routes = direct_routes

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
        if not _has_one_host(scope):
            message = "Send exactly one Host header, as HTTP/1.1 requires."
            await _refuse(400, message, scope, receive, send)
            return
        # Tortoise keeps its state in a context variable, and requests do not run in the context of the server's start.
        # TortoiseContext cannot be entered by concurrent requests: it remembers one context to return to.
        before = _current_context.set(self._server.started().database)
        try:
            direct = self._direct_routes.get(scope["path"])
            if direct is not None:
                await direct(scope, receive, send)
            elif scope["type"] == "http":
                await self._within_deadline(scope, receive, send)
            else:
                await self._app(scope, receive, send)
        finally:
            _current_context.reset(before)

    async def _within_deadline(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 503 if the response does not begin before the deadline."""

        deadline = Deadline()

        async def send_and_lift(message: Message) -> None:
            deadline.lift()
            await send(message)

        try:
            async with deadline:
                await self._app(scope, receive, send_and_lift)
        except TimeoutError:
            if not deadline.has_passed:
                raise
            message = "The response took too long. Try again in a moment."
            reply = graphql_protocol.refusal(503, message, ErrorCode.SERVICE_UNAVAILABLE, scope["request_id"])
            await reply(scope, receive, send)


async def _http_error(request: Request, error: Any) -> Response:
    """The JSON error for an unknown address or method. `error` is an HTTPException."""
    request_id, media = (
        request.scope["request_id"],
        graphql_protocol.media_type(graphql_protocol.headers_of(request.scope)),
    )
    if error.status_code == 405:
        allowed = ", ".join(sorted(error.headers["Allow"].split(", ")))
        return graphql_protocol.method_not_allowed(request_id, media, allowed)
    message = _NOT_FOUND if error.status_code == 404 else error.detail
    return graphql_protocol.refusal(error.status_code, message, ErrorCode.BAD_USER_INPUT, request_id, media)


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    """No route matches. Starlette would refuse the handshake of a WebSocket with 403."""
    if scope["type"] == "http":
        raise HTTPException(404)
    await _refuse(404, _NOT_FOUND, scope, receive, send)


async def _refuse(status: int, message: str, scope: Scope, receive: Receive, send: Send) -> None:
    """Refuses a request, or the handshake of a WebSocket."""
    media = graphql_protocol.media_type(graphql_protocol.headers_of(scope))
    reply = graphql_protocol.refusal(status, message, ErrorCode.BAD_USER_INPUT, scope["request_id"], media)
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(reply)
    else:
        await reply(scope, receive, send)


def _has_one_host(scope: Scope) -> bool:
    """HTTP/1.1 requires one: with two, a proxy may read another one than this server (RFC 9112, 3.2)."""
    hosts = [name for name, _ in scope["headers"]].count(b"host")
    return hosts == 1 or (hosts == 0 and scope.get("http_version") != "1.1")


async def _upgrade_required(request: Request) -> Response:
    message = "This address is a WebSocket: connect with Upgrade: websocket."
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    return graphql_protocol.refusal(426, message, ErrorCode.BAD_USER_INPUT, request.scope["request_id"], **headers)
