"""The errors that clients see. All other exceptions are masked.

GraphQLError
└── ClientError                 returned in the top-level `errors`, with `extensions.code`
    ├── Unauthenticated         no credential, or an invalid one
    ├── Forbidden               a field or an input field that the caller may not use
    ├── BadUserInput            an invalid argument outside `input` (a malformed cursor, `first: 5000`)
    ├── RateLimited             too many requests at once
    └── ServiceUnavailable      a backend (database, cache) does not answer, or an encryption key is missing
Exception
└── UserErrors                  all errors in a mutation's input; returned in the payload's `userErrors`
"""

import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import strawberry
from graphql import GraphQLError

from app.foundation.database.errors import DATABASE_AWAY, READ_ONLY, STATEMENT_ABORTED
from app.foundation.encryption import KeyMissing


class ErrorCode(enum.StrEnum):
    """`extensions.code` of a top-level error."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    RATE_LIMITED = "RATE_LIMITED"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"


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


@strawberry.enum(description="Why an input was refused.")
class UserErrorCode(enum.Enum):
    """The codes of `UserError`."""

    REQUIRED = strawberry.enum_value("REQUIRED", description="A value is missing, or null where it cannot be cleared.")
    INVALID = strawberry.enum_value("INVALID", description="The value breaks a rule that the message states.")
    TOO_LONG = strawberry.enum_value("TOO_LONG", description="The value is longer than the message allows.")
    OUT_OF_RANGE = strawberry.enum_value("OUT_OF_RANGE", description="The number or time is outside its range.")
    NOT_FOUND = strawberry.enum_value(
        "NOT_FOUND",
        description="No such object is visible to the caller; objects of other tenants are reported the same way.",
    )
    NAME_TAKEN = strawberry.enum_value(
        "NAME_TAKEN",
        description="Another object has this name. Reported only when nothing else in the input is wrong.",
    )
    SIP_REALM_TAKEN = strawberry.enum_value(
        "SIP_REALM_TAKEN",
        description="Another account has this SIP realm. Reported only when nothing else in the input is wrong.",
    )
    EMAIL_TAKEN = strawberry.enum_value("EMAIL_TAKEN", description="Another user has this e-mail address.")
    WRONG_CREDENTIALS = strawberry.enum_value(
        "WRONG_CREDENTIALS", description="The credentials are wrong; the error does not say which of them."
    )
    LAST_ADMIN = strawberry.enum_value(
        "LAST_ADMIN", description="Without this user the installation would have no active admin."
    )
    CONFLICT = strawberry.enum_value(
        "CONFLICT",
        description="The object has changed since `ifVersion`, is being changed by another request, or is in a state that "
        "does not allow the change. For an idempotency key: it was used with another input, or its object is deleted or not "
        "visible to the caller.",
    )
    ALREADY_SHOWN = strawberry.enum_value(
        "ALREADY_SHOWN",
        description="The first request with this idempotency key has returned the secret; the payload contains the object only.",
    )
    STORAGE_REFUSED = strawberry.enum_value(
        "STORAGE_REFUSED",
        description="The object storage refused the request or did not respond; the message says what to fix.",
    )
    LIMIT_REACHED = strawberry.enum_value(
        "LIMIT_REACHED",
        description="The owner or the caller has reached the maximum number of such objects: see `limits.quota`.",
    )
    IN_USE = strawberry.enum_value("IN_USE", description="Other objects still use this one; the payload lists them.")


@strawberry.type(description="One error in an input, which the client can correct.")
class UserError:
    """A message for a person and a code for a program."""

    code: UserErrorCode = strawberry.field(description="The kind of error.")
    message: str = strawberry.field(description="One sentence for the user: what is wrong, and what would be valid.")
    field: list[str] | None = strawberry.field(
        default=None,
        description='The path to the input field, below `input`: `["s3Tags", "0", "name"]`. '
        "Null if the error concerns no single field.",
    )


class UserErrors(Exception):
    """All errors in an input. Mutations return them as `userErrors`."""

    def __init__(self, errors: Iterable[UserError]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(error.message for error in self.errors))

    @classmethod
    def one(cls, code: UserErrorCode, message: str, *path: str) -> "UserErrors":
        return cls([UserError(code=code, message=message, field=list(path) or None)])


@dataclass
class ErrorCollector:
    """Collects the errors of an input, so that all of them are reported together."""

    found: list[UserError] = field(default_factory=list)

    def add(self, code: UserErrorCode, message: str, *path: str) -> None:
        self.found.append(UserError(code=code, message=message, field=list(path) or None))

    def raise_if_any(self) -> None:
        """Raises UserErrors with all errors found, if any."""
        if self.found:
            raise UserErrors(self.found)


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
