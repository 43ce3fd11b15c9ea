"""The errors a client may meet; whatever is not one of these is masked.

GraphQLError
└── ClientError                 answered in the top-level `errors`, with `extensions.code`
    ├── Unauthenticated         no key, or one that lets nobody in
    ├── Forbidden               a field or an input field that this caller may not use
    ├── BadUserInput            an argument that no form can send (a broken cursor, a page of 5000)
    ├── RateLimited             come back later
    └── ServiceUnavailable      a server behind ours does not answer, or a key of this installation is missing
Exception
└── UserErrors                    what a person can mend by changing the input: all of it at once;
                                answered in the payload's `userErrors`
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
    """Nobody is let in."""

    code = ErrorCode.UNAUTHENTICATED

    def __init__(self, message: str = "Send an API key or a session's token: Authorization: Bearer …") -> None:
        super().__init__(message)


class Forbidden(ClientError):
    """The caller's scope or access level does not cover the field or input fields."""

    code = ErrorCode.FORBIDDEN


class BadUserInput(ClientError):
    """An argument that is wrong in itself, outside any form."""

    code = ErrorCode.BAD_USER_INPUT


class RateLimited(ClientError):
    """Too much at once. The message says what, and when to come back."""

    code = ErrorCode.RATE_LIMITED


class ServiceUnavailable(ClientError):
    """A server behind ours (database, cache) does not answer, or the key of a stored secret is missing."""

    code = ErrorCode.SERVICE_UNAVAILABLE
    is_database_away = False
    is_statement_aborted = False


MASKED = "Something went wrong on our side. Give the request id to whoever runs this server."
"""The message of an error that is not meant for clients."""


def json_error(message: str, extensions: Mapping[str, object] | None, request_id: str) -> dict[str, object]:
    """One error as answers have it in their `errors`."""
    return {"message": message, "extensions": {**(extensions or {}), "requestId": request_id}}


@strawberry.enum(description="Why an input was refused.")
class UserErrorCode(enum.Enum):
    """The codes of `UserError`. Their descriptions are the contract."""

    REQUIRED = strawberry.enum_value("REQUIRED", description="A value is missing, or null where it cannot be cleared.")
    INVALID = strawberry.enum_value("INVALID", description="The value breaks a rule that the message states.")
    TOO_LONG = strawberry.enum_value("TOO_LONG", description="The value is longer than the message allows.")
    OUT_OF_RANGE = strawberry.enum_value("OUT_OF_RANGE", description="The number or time is outside its range.")
    NOT_FOUND = strawberry.enum_value(
        "NOT_FOUND", description="There is no such object within the caller's reach; whose it may be is not said."
    )
    NAME_TAKEN = strawberry.enum_value(
        "NAME_TAKEN",
        description="Another object has this name. Answered when nothing else about the input is wrong.",
    )
    SIP_REALM_TAKEN = strawberry.enum_value(
        "SIP_REALM_TAKEN",
        description="Another account has this SIP realm. Answered when nothing else about the input is wrong.",
    )
    EMAIL_TAKEN = strawberry.enum_value("EMAIL_TAKEN", description="Another user has this e-mail address.")
    WRONG_CREDENTIALS = strawberry.enum_value(
        "WRONG_CREDENTIALS", description="These let nobody in; which of them is wrong is not said."
    )
    LAST_ADMIN = strawberry.enum_value(
        "LAST_ADMIN", description="Without this user the installation would have no active admin."
    )
    CONFLICT = strawberry.enum_value(
        "CONFLICT", description="The object has changed since the version that the caller saw; load it again."
    )
    ALREADY_SHOWN = strawberry.enum_value(
        "ALREADY_SHOWN", description="What is shown once was shown before; the object itself is in the payload."
    )
    STORAGE_REFUSED = strawberry.enum_value(
        "STORAGE_REFUSED",
        description="The object storage refused or did not answer; the message says with which code, and what to fix.",
    )
    LIMIT_REACHED = strawberry.enum_value(
        "LIMIT_REACHED",
        description="The owner or the caller has as many of these as this server allows: see `limits.quota`.",
    )
    IN_USE = strawberry.enum_value("IN_USE", description="Something stands in the way; the payload lists what.")


@strawberry.type(description="One mistake in an input that its sender can mend.")
class UserError:
    """What is wrong, in words for a person and in a code for a program."""

    code: UserErrorCode = strawberry.field(description="The kind of mistake.")
    message: str = strawberry.field(description="One sentence for a person: what is wrong and what would be right.")
    field: list[str] | None = strawberry.field(
        default=None,
        description='The path to the input field, below `input`: `["s3Tags", "0", "name"]`. '
        "Null when no single field is at fault.",
    )


class UserErrors(Exception):
    """Everything that is wrong with an input. Mutations turn it into `userErrors`."""

    def __init__(self, errors: Iterable[UserError]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(error.message for error in self.errors))

    @classmethod
    def one(cls, code: UserErrorCode, message: str, *path: str) -> "UserErrors":
        return cls([UserError(code=code, message=message, field=list(path) or None)])


@dataclass
class ErrorCollector:
    """Collects mistakes while an input is read, so that all are told at once."""

    found: list[UserError] = field(default_factory=list)

    def add(self, code: UserErrorCode, message: str, *path: str) -> None:
        self.found.append(UserError(code=code, message=message, field=list(path) or None))

    def raise_if_any(self) -> None:
        """Raises UserErrors with all that was found, if anything was."""
        if self.found:
            raise UserErrors(self.found)


def for_client(error: BaseException) -> ClientError | None:
    """The one mapper from what happened to what a client may know of it.

    Returns None for what must be masked as INTERNAL_SERVER_ERROR.
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
        if isinstance(seen, READ_ONLY):  # a failover, or an operator's setting
            return ServiceUnavailable("The database accepts no writes at the moment. Try again in a moment.")
        if isinstance(seen, KeyMissing):
            return ServiceUnavailable(
                "A stored secret cannot be read: its key is missing in ENCRYPTION_KEYS. Tell whoever runs this server."
            )
        seen = getattr(seen, "original_error", None) or seen.__cause__
    return None


def is_database_away(error: BaseException) -> bool:
    """Whether this came of a database that does not answer, so that nothing else is to be asked of it for now."""
    known = for_client(error)
    return isinstance(known, ServiceUnavailable) and known.is_database_away


def is_statement_aborted(error: BaseException) -> bool:
    """Whether the database has ended one statement that waited or ran too long."""
    known = for_client(error)
    return isinstance(known, ServiceUnavailable) and known.is_statement_aborted


# A message names a place and a rule; what makes it longer was sent by the client.
MAXIMUM_MESSAGE_CHARACTERS = 500


def without_values(message: str) -> str:
    """graphql-core repeats what was sent, which may be a secret, and error trackers keep it: cut it out.

    Shortens the message first, so that no pattern runs over a text whose length the client chose.
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


# Each ends with its first match.
_VALUES = [
    (re.compile(r"(, but encountered error.*|[,;] found: .*)$", re.DOTALL), "."),
    (re.compile(r" Found: .*$", re.DOTALL), ""),
    # "… has invalid value: …" goes on with what is wrong, "Int cannot represent non-integer value: …" with the value.
    (re.compile(r"(?<! has invalid) value: .*$", re.DOTALL), " value."),
    (re.compile(r", found (String|BlockString) .*$", re.DOTALL), r", found \1."),
]
