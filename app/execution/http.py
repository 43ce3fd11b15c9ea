"""GraphQL over HTTP (the specification's draft of 2025): media types, methods, strict bodies, status codes.

A request error (nothing ran) is 400 for `application/graphql-response+json` and, as that specification asks for older
clients, 200 for `application/json`; a malformed HTTP request is 4xx for both. Every error has a JSON body.
"""

import asyncio
import functools
import re
from typing import Any

import orjson
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from app.context import Context
from app.errors import ErrorCode
from app.execution.operations import Answer, Operations, Request

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"
# A body that trickles in slower is given up: a request must not hold its place for ever.
BODY_SECONDS = 20.0
_KNOWN_PARAMETERS = frozenset({"query", "variables", "operationName", "extensions"})
_QUALITY = re.compile(r"0(\.\d*)?|1(\.0*)?")
_NOT_PERSISTED = "PersistedQueryNotSupported"


class BadRequest(Exception):
    """An HTTP request that is no GraphQL request."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers


@functools.lru_cache(maxsize=64)
def accepted(accept: str | None, offers: tuple[str, ...]) -> str | None:
    """The media type of `offers` that an Accept header likes best (RFC 9110, 12.5.1).

    Ties go to the one that is named more exactly, then to the one that is named first, then to the first offer; so do
    requests without the header. None: nothing fits.
    """
    if not accept or not accept.strip(", \t"):
        return offers[0]
    ranges = [_range(part) for part in accept.split(",")]
    best, best_rank = None, (0.0, 0, 0)
    for offer in offers:
        # The most specific range that covers the offer decides.
        covering = [
            (specificity, -place, quality)
            for place, (media, quality) in enumerate(ranges)
            if (specificity := _specificity(media, offer))
        ]
        specificity, place, quality = max(covering, default=(0, 0, 0.0))
        if quality > 0 and (best is None or (quality, specificity, place) > best_rank):
            best, best_rank = offer, (quality, specificity, place)
    return best


def _range(part: str) -> tuple[str, float]:
    """A media range and how much it is liked, from 0 to 1; what is not written as a number counts as 0."""
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            quality = float(value) if _QUALITY.fullmatch(value) else 0.0
    return media, quality


def _specificity(media: str, offer: str) -> int:
    if media == offer:
        return 3
    if media == f"{offer.partition('/')[0]}/*":
        return 2
    return 1 if media == "*/*" else 0


def media_type(request: HttpRequest) -> str | None:
    """The media type to answer in; None when the client accepts none of ours."""
    # A header that stands several times is one list.
    return accepted(", ".join(request.headers.getlist("accept")), (JSON, GRAPHQL_RESPONSE))


async def answer(
    request: HttpRequest, operations: Operations, context: Context, maximum_bytes: int
) -> tuple[Response, Answer | None]:
    """Answers a GraphQL request over HTTP, and tells what ran (None: no GraphQL request)."""
    media = media_type(request)
    try:
        if media is None:
            raise BadRequest(406, f"This address answers {GRAPHQL_RESPONSE} or {JSON}.")
        read = _from_query(request) if request.method == "GET" else await _from_body(request, maximum_bytes)
    except BadRequest as bad:
        if bad.message == _NOT_PERSISTED and media == JSON:
            bad.status = 200  # clients of automatic persisted queries look into answers, and give up at a 400
        return refusal(
            bad.status, bad.message, ErrorCode.BAD_USER_INPUT, context.request_id, media, **bad.headers
        ), None
    result = await operations.run(read, context, only_queries=request.method == "GET")
    return _response(result, media), result


def refusal(
    status: int, message: str, code: ErrorCode, request_id: str, media: str | None = None, **headers: str
) -> Response:
    """A JSON error body for a request that did not reach GraphQL."""
    body = {"errors": [{"message": message, "extensions": {"code": str(code), "requestId": request_id}}]}
    return Response(orjson.dumps(body), status, headers, media_type=f"{media or JSON}; charset=utf-8")


def unauthenticated(message: str, request_id: str, media: str | None = None) -> Response:
    """The answer to a key that lets nobody in, or to none where one is needed."""
    return refusal(401, message, ErrorCode.UNAUTHENTICATED, request_id, media, **{"WWW-Authenticate": "Bearer"})


def _response(result: Answer, media: str) -> Response:
    status, headers = 200, {}
    if result.wrong_method:
        status, headers = 405, {"Allow": "POST"}
    elif not result.executed and media == GRAPHQL_RESPONSE:
        status = 401 if result.refused is ErrorCode.UNAUTHENTICATED else 400
    if status == 401:
        headers = {"WWW-Authenticate": "Bearer"}
    return Response(orjson.dumps(result.body()), status, headers, media_type=f"{media}; charset=utf-8")


def _from_query(request: HttpRequest) -> Request:
    parameters: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if parameters.get(name):
            parameters[name] = _json(parameters[name].encode("utf-8", "surrogatepass"), f"The parameter {name}")
        else:
            parameters.pop(name, None)
    return _checked({name: parameters[name] for name in _KNOWN_PARAMETERS & parameters.keys()})


async def _from_body(request: HttpRequest, maximum_bytes: int) -> Request:
    content_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if content_type.strip().lower() not in (JSON, GRAPHQL_RESPONSE):
        raise BadRequest(415, f"Send the request as Content-Type: {JSON}.", Accept=JSON)
    charset = parameters.partition("charset=")[2].strip().strip('"').lower()
    if charset not in ("", "utf-8", "utf8"):
        raise BadRequest(415, "Send the body in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadRequest(415, "Send the body uncompressed.")
    body = _json(await _bounded(request, maximum_bytes), "The body")
    if not isinstance(body, dict):
        raise BadRequest(400, "The body must be a JSON object with a `query`; batches are not offered.")
    return _checked(body)


async def _bounded(request: HttpRequest, maximum_bytes: int) -> bytes:
    too_large = BadRequest(413, f"The body may have {maximum_bytes} bytes at most.")
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > maximum_bytes:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > maximum_bytes:
                    raise too_large
    except TimeoutError:
        raise BadRequest(408, f"The body did not arrive within {BODY_SECONDS:g} s.", Connection="close") from None
    except ClientDisconnect:
        raise BadRequest(400, "The body ended early.") from None
    return bytes(body)


def _json(text: bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadRequest(400, f"{what} is not valid JSON in UTF-8.") from None


def _checked(parameters: dict[str, Any]) -> Request:
    query, variables = parameters.get("query"), parameters.get("variables")
    name, extensions = parameters.get("operationName"), parameters.get("extensions")
    if query is None and isinstance(extensions, dict) and "persistedQuery" in extensions:
        raise BadRequest(400, _NOT_PERSISTED)  # the words that Apollo's link waits for
    if not isinstance(query, str) or not query.strip():
        raise BadRequest(400, "`query` is missing: the text of a GraphQL document.")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest(400, "`variables` must be an object.")
    if name is not None and not isinstance(name, str):
        raise BadRequest(400, "`operationName` must be a string.")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadRequest(400, "`extensions` must be an object.")
    return Request(query, variables, name or None)
