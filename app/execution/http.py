"""GraphQL over HTTP (the specification's draft of 2025): media types, methods, strict bodies, status codes.

A request error (nothing ran) is 400 for `application/graphql-response+json` and, as that specification asks for older
clients, 200 for `application/json`; a malformed HTTP request is 4xx for both. Every error has a JSON body.
"""

from typing import Any

import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from app.context import Context
from app.errors import ErrorCode
from app.execution.operations import Answer, Operations, Request

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"
_KNOWN_PARAMETERS = frozenset({"query", "variables", "operationName", "extensions"})


class BadRequest(Exception):
    """An HTTP request that is no GraphQL request."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers


def accepted(accept: str | None, offers: tuple[str, ...]) -> str | None:
    """The media type of `offers` that an Accept header likes best (RFC 9110, 12.5.1); ties go to the first offer.

    Without a header: the first offer. None: nothing fits.
    """
    if not accept or not accept.strip():
        return offers[0]
    ranges = []
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        ranges.append((media, quality))
    best, best_quality = None, 0.0
    for offer in offers:
        # The most specific range that covers the offer decides.
        covering = [
            (specificity, quality)
            for media, quality in ranges
            for specificity in [_specificity(media, offer)]
            if specificity
        ]
        quality = max(covering)[1] if covering else 0.0
        if quality > best_quality:
            best, best_quality = offer, quality
    return best


def _specificity(media: str, offer: str) -> int:
    if media == offer:
        return 3
    if media == f"{offer.partition('/')[0]}/*":
        return 2
    return 1 if media == "*/*" else 0


async def answer(
    request: HttpRequest, operations: Operations, context: Context, maximum_bytes: int
) -> tuple[Response, Answer | None]:
    """Answers a GraphQL request over HTTP, and tells what ran (None: no GraphQL request)."""
    media = accepted(request.headers.get("accept"), (JSON, GRAPHQL_RESPONSE))
    try:
        if media is None:
            raise BadRequest(406, f"This address answers {GRAPHQL_RESPONSE} or {JSON}.")
        read = _from_query(request) if request.method == "GET" else await _from_body(request, maximum_bytes)
    except BadRequest as bad:
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
    async for chunk in request.stream():
        body += chunk
        if len(body) > maximum_bytes:
            raise too_large
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
        raise BadRequest(400, "PersistedQueryNotSupported")  # the words that Apollo's link waits for
    if not isinstance(query, str) or not query.strip():
        raise BadRequest(400, "`query` is missing: the text of a GraphQL document.")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest(400, "`variables` must be an object.")
    if name is not None and not isinstance(name, str):
        raise BadRequest(400, "`operationName` must be a string.")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadRequest(400, "`extensions` must be an object.")
    return Request(query, variables, name or None)
