"""`/graphql` as an ASGI application: who asks, what is read, what ran, and what the log tells of it.

It stands before Starlette's routing and makes no Request: for one small query these cost more than all that happens here.
"""

import time
from functools import partial
from typing import Protocol

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.execution.operations import Operations
from app.execution.responses import Answer
from app.execution.values import JsonObject
from app.foundation import metrics
from app.foundation.access import Authenticator, Viewer
from app.foundation.context import Context, Resources
from app.foundation.errors import ErrorCode, ServiceUnavailable, Unauthenticated
from app.foundation.identifiers import Kind, sid_of
from app.foundation.media_types import GRAPHQL_RESPONSE, HTML, JSON, accepted
from app.server import graphql_protocol
from app.server.request_bodies import Bodies


class Explorer(Protocol):
    """The page for browsers."""

    async def page(self, request: Request) -> Response: ...


class Endpoint:
    """Lives from start to end of the server. `explorer` is None where browsers find no page."""

    def __init__(
        self,
        operations: Operations,
        authentication: Authenticator,
        opened: Resources,
        explorer: Explorer | None,
    ) -> None:
        self._operations = operations
        self._authentication = authentication
        self._opened = opened
        self._explorer = explorer
        self._bodies = Bodies(opened.settings.max_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, method = graphql_protocol.headers_of(scope), scope["method"]
        if method == "POST":
            reply: Response = await self._answer(scope, headers, receive)
        elif method != "GET":
            reply = graphql_protocol.wrong_method(
                scope["request_id"], graphql_protocol.media_type(headers), "GET, POST"
            )
        elif self._explorer is not None and _is_a_visit(scope, headers):
            reply = await self._explorer.page(Request(scope))
        else:
            reply = await self._answer(scope, headers, receive)
        await reply(scope, receive, send)

    async def _answer(self, scope: Scope, headers: graphql_protocol.Headers, receive: Receive) -> Response:
        request_id, media, about = scope["request_id"], graphql_protocol.media_type(headers), scope["log"]
        caller, refused, began = None, None, time.monotonic()
        try:
            caller = await self._authentication.viewer(headers.get(b"authorization"))
        except Unauthenticated as error:
            refused = error  # said unless the document needs no caller: clients keep a token beyond its end and log in with it
        except ServiceUnavailable as away:
            return graphql_protocol.refusal(503, away.message, ErrorCode.SERVICE_UNAVAILABLE, request_id, media)
        spent = time.monotonic() - began  # the body is the client's to send, in its own time
        if caller is not None:
            about["scope"] = caller.scope.value
            if caller.key_id is not None:
                about["key"] = sid_of(Kind.API_KEY, caller.key_id)
            elif caller.user_id is not None:
                about["user"] = sid_of(Kind.USER, caller.user_id)
        try:
            if media is None:
                raise graphql_protocol.BadRequest(406, f"This address answers {GRAPHQL_RESPONSE} or {JSON}.")
            request = await graphql_protocol.read(scope, headers, partial(self._bodies.read, receive, caller))
        except graphql_protocol.BadRequest as bad:
            if refused is not None:
                return graphql_protocol.unauthenticated(refused.message, request_id, media)
            return graphql_protocol.refused(bad, request_id, media)
        if refused is not None and not self._operations.needs_no_caller(request):
            return graphql_protocol.unauthenticated(refused.message, request_id, media)
        agent = headers.get(b"user-agent", b"").decode("latin-1")
        # What ProxyHeadersMiddleware has made of the forwarded headers of proxies that are trusted.
        address = (scope.get("client") or ("",))[0]
        context = Context(caller, request_id, self._opened, address=address, user_agent=agent)
        if caller is not None:
            context.recheck_credential = partial(
                self._authentication.viewer, headers.get(b"authorization"), is_use=False
            )
        only_queries = scope["method"] == "GET"
        answer = await self._operations.run(request, context, only_queries=only_queries, spent_seconds=spent)
        note(about, caller, answer)
        return graphql_protocol.reply(answer, media)


def _is_a_visit(scope: Scope, headers: graphql_protocol.Headers) -> bool:
    """Whether a browser asks for a page, and not for an answer."""
    if accepted(headers.get(b"accept"), (JSON, GRAPHQL_RESPONSE, HTML)) != HTML:
        return False
    return "query" not in QueryParams(scope["query_string"])


def note(about: JsonObject, caller: Viewer | None, answer: Answer) -> None:
    """What the log's line tells, chosen field by field, and what is counted."""
    operation = answer.operation
    if operation is not None:
        type_, executor = operation.type.value, "compiled" if answer.compiled else "reference"
        about["type"], about["executor"] = type_, executor
        if caller is not None and operation.name is not None:
            about["operation"] = operation.name[:64]  # chosen by the client
        if answer.executed:
            metrics.operation(type_, executor)
    if answer.errors:
        about["codes"] = answer.codes
        for error in answer.errors:
            metrics.graphql_error(error["extensions"]["code"])
