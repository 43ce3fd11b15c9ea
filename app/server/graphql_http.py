"""`/graphql` over HTTP, as an ASGI application: authenticates, reads the request, runs it, and logs it.

It runs before Starlette's routing and makes no Request object: for a small query, these cost more than everything here.
"""

import time
from functools import partial
from typing import Protocol

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.execution.operations import Operations
from app.execution.responses import GraphQLResponse
from app.execution.values import JsonObject
from app.foundation import metrics
from app.foundation.access import Authenticator, Viewer
from app.foundation.context import Context, Resources
from app.foundation.errors import ErrorCode, ServiceUnavailable, Unauthenticated
from app.foundation.identifiers import Kind, sid_of
from app.foundation.media_types import GRAPHQL_RESPONSE, HTML, JSON, accepted
from app.foundation.networks import client_address
from app.server import graphql_protocol
from app.server.request_bodies import RequestBodies


class Explorer(Protocol):
    """GraphiQL, the page for browsers."""

    async def page(self, request: Request) -> Response: ...


class GraphQLEndpoint:
    """Exists from the start of the server to its end. `explorer` is None where GraphiQL is off."""

    def __init__(
        self,
        operations: Operations,
        authentication: Authenticator,
        resources: Resources,
        explorer: Explorer | None,
    ) -> None:
        self._operations = operations
        self._authentication = authentication
        self._resources = resources
        self._explorer = explorer
        self._bodies = RequestBodies(resources.settings.max_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, method = graphql_protocol.headers_of(scope), scope["method"]
        if method == "POST":
            reply: Response = await self._respond(scope, headers, receive)
        elif method != "GET":
            reply = graphql_protocol.method_not_allowed(
                scope["request_id"], graphql_protocol.media_type(headers), "GET, POST"
            )
        elif self._explorer is not None and _requests_page(scope, headers):
            reply = await self._explorer.page(Request(scope))
        else:
            reply = await self._respond(scope, headers, receive)
        await reply(scope, receive, send)

    async def _respond(self, scope: Scope, headers: graphql_protocol.Headers, receive: Receive) -> Response:
        request_id, media, log_fields = scope["request_id"], graphql_protocol.media_type(headers), scope["log"]
        caller, rejection, began = None, None, time.monotonic()
        address = client_address(scope)
        try:
            caller = await self._authentication.viewer(headers.get(b"authorization"), address)
        except Unauthenticated as error:
            rejection = (
                error  # reported unless the document needs no caller: clients send an expired token when they log in
            )
        except ServiceUnavailable as error:
            return graphql_protocol.refusal(503, error.message, ErrorCode.SERVICE_UNAVAILABLE, request_id, media)
        spent = time.monotonic() - began  # without the body, whose time depends on the client
        if caller is not None:
            log_fields["scope"] = caller.scope.value
            if caller.key_id is not None:
                log_fields["key"] = sid_of(Kind.API_KEY, caller.key_id)
            elif caller.user_id is not None:
                log_fields["user"] = sid_of(Kind.USER, caller.user_id)
        try:
            if media is None:
                raise graphql_protocol.BadRequest(406, f"This address answers with {GRAPHQL_RESPONSE} or {JSON}.")
            request = await graphql_protocol.read(scope, headers, partial(self._bodies.read, receive, caller))
        except graphql_protocol.BadRequest as bad:
            if rejection is not None:
                return graphql_protocol.unauthenticated(rejection.message, request_id, media)
            return graphql_protocol.bad_request(bad, request_id, media)
        if rejection is not None and not self._operations.needs_no_caller(request):
            return graphql_protocol.unauthenticated(rejection.message, request_id, media)
        agent = headers.get(b"user-agent", b"").decode("latin-1")
        context = Context(caller, request_id, self._resources, address=address, user_agent=agent)
        if caller is not None:
            context.recheck_credential = partial(
                self._authentication.viewer, headers.get(b"authorization"), address, is_use=False
            )
        only_queries = scope["method"] == "GET"
        response = await self._operations.run(request, context, only_queries=only_queries, spent_seconds=spent)
        record(log_fields, caller, response)
        return graphql_protocol.http_response(response, media)


def _requests_page(scope: Scope, headers: graphql_protocol.Headers) -> bool:
    """Whether a browser requests the page."""
    if accepted(headers.get(b"accept"), (JSON, GRAPHQL_RESPONSE, HTML)) != HTML:
        return False
    return "query" not in QueryParams(scope["query_string"])


def record(log_fields: JsonObject, caller: Viewer | None, response: GraphQLResponse) -> None:
    """Adds an operation to the log line and to the metrics."""
    operation = response.operation
    if operation is not None:
        type_, executor = operation.type.value, "compiled" if response.compiled else "reference"
        log_fields["type"], log_fields["executor"] = type_, executor
        if caller is not None and operation.name is not None:
            log_fields["operation"] = operation.name[:64]  # chosen by the client
        if response.executed:
            metrics.operation(type_, executor)
    if response.errors:
        log_fields["codes"] = response.codes
        for error in response.errors:
            metrics.graphql_error(error["extensions"]["code"])
