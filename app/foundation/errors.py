"""The top-level errors that clients see; `user_errors.py` has those of an input. All other exceptions are masked.

GraphQLError
└── ClientError                 returned in the top-level `errors`, with `extensions.code`
    ├── Unauthenticated         no credential, or an invalid one
    ├── Forbidden               a field or an input field that the caller may not use
    ├── BadUserInput            an invalid argument outside `input` (a malformed cursor, `first: 5000`)
    ├── RateLimited             too many requests at once
    └── ServiceUnavailable      a backend (database, cache) does not answer, or an encryption key is missing
"""

import enum
import re
from collections.abc import Mapping

import strawberry
from graphql import GraphQLError

from app.foundation.database.errors import DATABASE_AWAY, READ_ONLY, STATEMENT_ABORTED
from app.foundation.encryption import KeyMissing


@strawberry.enum(description="`extensions.code` of an error in the top-level `errors`.")
class ErrorCode(enum.Enum):
    """`extensions.code` of a top-level error."""

    UNAUTHENTICATED = strawberry.enum_value(
        "UNAUTHENTICATED", description="No credential, or one that is unknown, expired or revoked."
    )
    FORBIDDEN = strawberry.enum_value(
        "FORBIDDEN",
        description="The caller may not use the field or input field; `extensions` names what is required.",
    )
    BAD_USER_INPUT = strawberry.enum_value(
        "BAD_USER_INPUT",
        description="Invalid arguments or variables, an operation that costs too much, or a malformed HTTP request.",
    )
    RATE_LIMITED = strawberry.enum_value(
        "RATE_LIMITED",
        description="Too many requests or attempts; `extensions.retryAfterSeconds` says how long to wait, if known.",
    )
    SERVICE_UNAVAILABLE = strawberry.enum_value(
        "SERVICE_UNAVAILABLE", description="A backend does not answer in time, or a key is missing on the server."
    )
    INTERNAL_SERVER_ERROR = strawberry.enum_value(
        "INTERNAL_SERVER_ERROR", description="A defect of the server. Report it with `extensions.requestId`."
    )
    GRAPHQL_PARSE_FAILED = strawberry.enum_value(
        "GRAPHQL_PARSE_FAILED", description="The document is not GraphQL, or has too many tokens."
    )
    GRAPHQL_VALIDATION_FAILED = strawberry.enum_value(
        "GRAPHQL_VALIDATION_FAILED", description="The document does not fit the schema, or is too large."
    )

    def __str__(self) -> str:
        return self.name


class ClientError(GraphQLError):
    """An error whose message and extensions reach the client as they are."""

    code = ErrorCode.INTERNAL_SERVER_ERROR

    def __init__(self, message: str, **extensions: object) -> None:
        super().__init__(message, extensions={"code": str(self.code), **extensions})


class Unauthenticated(ClientError):
    """No credential, or an invalid one."""

    code = ErrorCode.UNAUTHENTICATED

    def __init__(self, message: str = "Send an API key or a session's token: Authorization: Bearer …") -> None:
        super().__init__(message)


class Forbidden(ClientError):
    """The caller's scope or permissions do not cover the field or input fields."""

    code = ErrorCode.FORBIDDEN


class BadUserInput(ClientError):
    """An invalid argument outside `input`: a bug of the client program, not of what a user entered."""

    code = ErrorCode.BAD_USER_INPUT


class RateLimited(ClientError):
    """Too many requests at once. The message says of what, and when to retry."""

    code = ErrorCode.RATE_LIMITED


class ServiceUnavailable(ClientError):
    """A backend (database, cache) does not answer, or the encryption key of a stored secret is missing."""

    code = ErrorCode.SERVICE_UNAVAILABLE
    is_database_away = False
    is_statement_aborted = False


MASKED = "Something went wrong on our side. Give the request id to the operator of this server."
"""Replaces the message of a masked error."""


def json_error(message: str, extensions: Mapping[str, object] | None, request_id: str) -> dict[str, object]:
    """One entry of `errors` in a response."""
    return {"message": message, "extensions": {**(extensions or {}), "requestId": request_id}}


def for_client(error: BaseException) -> ClientError | None:
    """Maps any exception to the error that a client may see.

    Returns None for one that must be masked as INTERNAL_SERVER_ERROR.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ClientError):
            return seen
        if isinstance(seen, DATABASE_AWAY + STATEMENT_ABORTED):
            away = ServiceUnavailable("The database does not answer. Try again in a moment.")
            away.is_statement_aborted = isinstance(seen, STATEMENT_ABORTED)
            away.is_database_away = not away.is_statement_aborted
            return away
        if isinstance(seen, READ_ONLY):
            return ServiceUnavailable("The database accepts no writes at the moment. Try again in a moment.")
        if isinstance(seen, KeyMissing):
            return ServiceUnavailable(
                "A stored secret cannot be read: its key is missing in ENCRYPTION_KEYS. Tell the operator of this server."
            )
        seen = getattr(seen, "original_error", None) or seen.__cause__
    return None


def is_database_away(error: BaseException) -> bool:
    """Whether the cause is a database that does not answer: further statements would fail too."""
    known = for_client(error)
    return isinstance(known, ServiceUnavailable) and known.is_database_away


def is_statement_aborted(error: BaseException) -> bool:
    """Whether the database ended one statement (timeout, lock, conflict): others may succeed."""
    known = for_client(error)
    return isinstance(known, ServiceUnavailable) and known.is_statement_aborted


# Messages name a field and a rule; longer ones contain values from the client.
MAXIMUM_MESSAGE_CHARACTERS = 500


def without_values(message: str) -> str:
    """Removes the values that graphql-core quotes: they may be secrets, and error trackers would store them.

    Shortens the message first: no pattern may run over a text whose length the client chose.
    """
    if len(message) > MAXIMUM_MESSAGE_CHARACTERS:
        message = f"{message[:MAXIMUM_MESSAGE_CHARACTERS]}…"
    before, is_of_enum, rest = message.partition("Value '")
    if is_of_enum:
        _, is_whole, enum = rest.rpartition("' does not exist")
        message = f"{before}The value does not exist{enum if is_whole else '.'}"
    for pattern, instead in _VALUES:
        message = pattern.sub(instead, message)
    return message


# Applied in this order; each changes its first match.
_VALUES = [
    (re.compile(r"(, but encountered error.*|[,;] found: .*)$", re.DOTALL), "."),
    (re.compile(r" Found: .*$", re.DOTALL), ""),
    # "… has invalid value: …" goes on with what is wrong, "Int cannot represent non-integer value: …" with the value.
    (re.compile(r"(?<! has invalid) value: .*$", re.DOTALL), " value."),
    (re.compile(r", found (String|BlockString) .*$", re.DOTALL), r", found \1."),
]
