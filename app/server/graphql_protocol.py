"""GraphQL over HTTP (the specification's draft of 2025): media types, methods, strict bodies, status codes.

A request error (nothing ran) is 400 for `application/graphql-response+json` and, as that specification asks for older
clients, 200 for `application/json`; a malformed HTTP request is 4xx for both. Every error has a JSON body.
"""

import functools
from collections.abc import Awaitable, Callable

import orjson
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.types import Scope

from app.execution.limits.slots import RETRY_SECONDS
from app.execution.responses import GraphQLRequest, GraphQLResponse
from app.execution.values import JsonObject
from app.foundation.errors import ErrorCode, json_error
from app.foundation.media_types import GRAPHQL_RESPONSE, JSON, accepted

_KNOWN_PARAMETERS = frozenset({"query", "variables", "operationName", "extensions"})
_NOT_PERSISTED = "PersistedQueryNotSupported"
Headers = dict[bytes, bytes]
ReadBody = Callable[[bytes | None], Awaitable[bytes]]
"""The body, of this Content-Length if it has one. Raises BadRequest."""


UNCACHED = {"Cache-Control": "no-store", "Vary": "Authorization, Accept"}
"""Headers of a response that no cache may store."""
_UNCACHED = tuple((name.lower().encode(), value.encode()) for name, value in UNCACHED.items())


class BadRequest(Exception):
    """An HTTP request that is not a valid GraphQL request."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers


class Reply(Response):
    """A JSON response with prepared headers: rendering them costs Starlette as much as the rest of the response."""

    def __init__(self, status: int, body: object, media: str, headers: dict[str, str] | None = None) -> None:
        self.status_code, self.body, self.background = status, orjson.dumps(body), None
        self.raw_headers = [(b"content-length", b"%d" % len(self.body)), _content_type(media), *_UNCACHED]
        for name, value in (headers or {}).items():
            self.raw_headers.append((name.lower().encode(), value.encode()))


@functools.cache
def _content_type(media: str) -> tuple[bytes, bytes]:
    return b"content-type", f"{media}; charset=utf-8".encode()


def headers_of(scope: Scope) -> Headers:
    """Headers by lower-case name. Repeated ones are joined to one list (RFC 9110, 5.3)."""
    pairs = scope["headers"]
    headers: Headers = dict(pairs)
    if len(headers) < len(pairs):
        headers.clear()
        for name, value in pairs:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


def media_type(headers: Headers) -> str | None:
    """The media type of the response; None when the client accepts neither."""
    return accepted(headers.get(b"accept"), (JSON, GRAPHQL_RESPONSE))


async def read(scope: Scope, headers: Headers, read_body: ReadBody) -> GraphQLRequest:
    """The GraphQL request of an HTTP request. Raises BadRequest."""
    if scope["method"] == "GET":
        return _from_query(scope["query_string"])
    unsupported = _unsupported_content(headers.get(b"content-type", b""), headers.get(b"content-encoding"))
    if unsupported is not None:
        raise BadRequest(415, unsupported, Accept=JSON)
    body = _json(await read_body(headers.get(b"content-length")), "The body")
    if not isinstance(body, dict):
        raise BadRequest(400, "The body must be a JSON object with a `query`; batches are not supported.")
    return to_request(body)


def to_request(parameters: JsonObject) -> GraphQLRequest:
    """The GraphQL request with these parameters. Raises BadRequest."""
    query, variables = parameters.get("query"), parameters.get("variables")
    name, extensions = parameters.get("operationName"), parameters.get("extensions")
    if query is None and isinstance(extensions, dict) and "persistedQuery" in extensions:
        raise BadRequest(400, _NOT_PERSISTED)  # the message that Apollo's link expects
    if not isinstance(query, str) or not query or query.isspace():
        raise BadRequest(400, "`query` is missing: the text of a GraphQL document.")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest(400, "`variables` must be an object.")
    if name is not None and not isinstance(name, str):
        raise BadRequest(400, "`operationName` must be a string.")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadRequest(400, "`extensions` must be an object.")
    return GraphQLRequest(query, variables, name or None)


def http_response(response: GraphQLResponse, media: str) -> Reply:
    """The HTTP response of an operation."""
    status, headers = 200, None
    if response.method_not_allowed:
        status, headers = 405, {"Allow": "POST"}
    elif not response.executed and media == GRAPHQL_RESPONSE:
        status = 401 if response.refusal_code is ErrorCode.UNAUTHENTICATED else 400
    if response.refusal_code is ErrorCode.RATE_LIMITED:
        status, headers = 429, {"Retry-After": str(RETRY_SECONDS)}
    if status == 401:
        headers = {"WWW-Authenticate": "Bearer"}
    return Reply(status, response.body(), media, headers)


def bad_request(bad: BadRequest, request_id: str, media: str | None) -> Reply:
    """The HTTP response to a BadRequest."""
    # Clients with automatic persisted queries read the response, and give up at status 400.
    status = 200 if bad.message == _NOT_PERSISTED and media == JSON else bad.status
    code = ErrorCode.SERVICE_UNAVAILABLE if status == 503 else ErrorCode.BAD_USER_INPUT
    return refusal(status, bad.message, code, request_id, media, **bad.headers)


def refusal(
    status: int, message: str, code: ErrorCode, request_id: str, media: str | None = None, **headers: str
) -> Reply:
    """A JSON error body for a request that did not reach GraphQL."""
    return Reply(status, {"errors": [json_error(message, {"code": str(code)}, request_id)]}, media or JSON, headers)


def method_not_allowed(request_id: str, media: str | None, allowed: str) -> Reply:
    """The response to a method that the address does not support."""
    message = "This address does not support this method."
    return refusal(405, message, ErrorCode.BAD_USER_INPUT, request_id, media, Allow=allowed)


def unauthenticated(message: str, request_id: str, media: str | None = None) -> Reply:
    """The response to an invalid credential, or to a missing one."""
    return refusal(401, message, ErrorCode.UNAUTHENTICATED, request_id, media, **{"WWW-Authenticate": "Bearer"})


def _from_query(query_string: bytes) -> GraphQLRequest:
    parameters: JsonObject = dict(QueryParams(query_string))
    for name in ("variables", "extensions"):
        if parameters.get(name):
            parameters[name] = _json(parameters[name].encode("utf-8", "surrogatepass"), f"The parameter {name}")
        else:
            parameters.pop(name, None)
    return to_request({name: parameters[name] for name in _KNOWN_PARAMETERS & parameters.keys()})


@functools.lru_cache(maxsize=64)
def _unsupported_content(content_type: bytes, content_encoding: bytes | None) -> str | None:
    media, _, parameters = content_type.decode("latin-1").partition(";")
    if media.strip().lower() not in (JSON, GRAPHQL_RESPONSE):
        return f"Send the request as Content-Type: {JSON}."
    if parameters.partition("charset=")[2].strip().strip('"').lower() not in ("", "utf-8", "utf8"):
        return "Send the body in UTF-8."
    if content_encoding is not None and content_encoding.lower() != b"identity":
        return "Send the body uncompressed."
    return None


def _json(text: bytes, what: str) -> object:
    try:
        value: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadRequest(400, f"{what} is not valid JSON in UTF-8.") from None
    return value
