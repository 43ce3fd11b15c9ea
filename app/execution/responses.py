"""GraphQL requests and responses. Errors that are not meant for clients are masked and logged."""

from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from graphql import GraphQLError

from app.execution.documents import Operation
from app.execution.values import JsonObject
from app.foundation.context import Context
from app.foundation.encryption import KeyMissing
from app.foundation.errors import MASKED, ErrorCode, for_client, without_values
from app.foundation.logging import frames_of

_log = structlog.get_logger("execution")


@dataclass(frozen=True)
class GraphQLRequest:
    """A well-formed request; its document may be invalid."""

    query: str
    variables: JsonObject | None = None
    operation_name: str | None = None


@dataclass
class GraphQLResponse:
    """`executed` is False for a request error: nothing ran, and the response has no `data`."""

    executed: bool
    data: JsonObject | None = None
    errors: list[JsonObject] | None = None
    operation: Operation | None = None
    # Set where HTTP has a status of its own for the request error (401, 429).
    refusal_code: ErrorCode | None = None
    method_not_allowed: bool = False
    compiled: bool = False

    def body(self) -> JsonObject:
        body: JsonObject = {}
        if self.errors:
            body["errors"] = self.errors
        if self.executed:
            body["data"] = self.data
        return body

    @property
    def codes(self) -> list[str]:
        return sorted({error["extensions"]["code"] for error in self.errors or ()})


def request_error(
    errors: Iterable[GraphQLError],
    context: Context,
    operation: Operation | None = None,
    code: ErrorCode | None = None,
) -> GraphQLResponse:
    """The response to an operation that did not run. `code` is given where HTTP has a status of its own for it."""
    shown = [formatted_error(error, context) for error in errors]
    return GraphQLResponse(executed=False, errors=shown, operation=operation, refusal_code=code)


def error_with_code(message: str, code: ErrorCode, located: GraphQLError | None = None) -> GraphQLError:
    return GraphQLError(message, located.nodes if located else None, extensions={"code": str(code)})


def formatted_error(error: GraphQLError, context: Context) -> JsonObject:
    """The error as the client sees it; masked and logged if it is not meant for clients."""
    formatted: JsonObject = dict(error.formatted)
    extensions = dict(error.extensions or {})
    if "code" not in extensions:
        original = error.original_error
        known = for_client(original) if original is not None else None
        if known is not None:
            if isinstance(original, KeyMissing):  # the operator has to restore the key
                _log_masked(original, error, context)
            formatted["message"], extensions = known.message, dict(known.extensions or {})
        elif original is None or isinstance(original, GraphQLError):
            formatted["message"] = without_values(error.message)
            extensions["code"] = str(ErrorCode.BAD_USER_INPUT)  # graphql-core's own error: an invalid argument
        else:
            _log_masked(original, error, context)
            formatted["message"] = MASKED
            extensions = {"code": str(ErrorCode.INTERNAL_SERVER_ERROR)}
    formatted["extensions"] = {**extensions, "requestId": context.request_id}
    return formatted


def _log_masked(original: BaseException, error: GraphQLError, context: Context) -> None:
    # The class and the frames, but not the message: messages of database errors contain values.
    _log.error(
        "masked error",
        request_id=context.request_id,
        error=type(original).__qualname__,
        path=".".join(map(str, error.path or ())),
        frames=frames_of(original),
    )
