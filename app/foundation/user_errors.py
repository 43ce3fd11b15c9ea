"""Errors in the input of a mutation, for its payload's `userErrors`: which rule was broken, where, and a sentence for the user.

Each module declares the rules that it checks, as members of a subclass of `UserErrorRule`; together they are the enum
`UserErrorRule` of the schema. A front end translates by the rule's name and the arguments of its message.
"""

import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import strawberry
from strawberry.types.lazy_type import LazyType


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
        "LAST_ADMIN", description="Without this user the installation would have no active admin with the role MANAGER."
    )
    PERMISSION_MISSING = strawberry.enum_value(
        "PERMISSION_MISSING",
        description="The user or API key has or would get permissions that the caller lacks; the message names them.",
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


class UserErrorRule(enum.Enum):
    """A rule that an input can break: `NAME = code, message`. The message has its arguments in braces: `{maximum}`."""

    def __init__(self, code: UserErrorCode, message: str) -> None:
        self.code = code
        self.message = message


@cache
def declared_rules() -> dict[str, UserErrorRule]:
    """All rules by name, once all modules are imported. Raises TypeError for a name that two modules declare."""
    rules: dict[str, UserErrorRule] = {}
    for owner in UserErrorRule.__subclasses__():
        for name, rule in owner.__members__.items():
            if name in rules or name != rule.name:
                raise TypeError(f"{owner.__module__}.{owner.__name__}.{name} is declared twice")
            rules[name] = rule
    return dict(sorted(rules.items()))


# Removes format specifiers from the messages in the schema: `{maximum:,}` becomes `{maximum}`.
_FORMAT = re.compile(r"(?<=\w):[^}\s]*(?=})")


@cache
def _graphql_rules() -> type[enum.Enum]:
    described = {
        name: strawberry.enum_value(rule, description=f"{rule.code.name}: {_FORMAT.sub('', rule.message)}")
        for name, rule in declared_rules().items()
    }
    rules: type[enum.Enum] = enum.EnumType.__call__(enum.Enum, "UserErrorRule", names=described)
    return strawberry.enum(
        rules, description="The rules that an input can break. The values in braces are its arguments."
    )


class ValueRule(UserErrorRule):
    """Rules of values of any kind."""

    NULL_NOT_ALLOWED = UserErrorCode.REQUIRED, "This cannot be null. Omit it to keep the current value."


class _GraphQLRules(LazyType[Any, Any]):
    """The enum, made when the schema is built: all rules are declared then."""

    def __init__(self) -> None:
        super().__init__("UserErrorRule", __name__)

    def resolve_type(self) -> type[Any]:
        return _graphql_rules()


@strawberry.type(description="A value in the message of an error.")
class UserErrorArgument:
    name: str = strawberry.field(description="Its name in the message of the rule, such as `maximum`.")
    value: str = strawberry.field(description="The value; a number in plain digits.")


@strawberry.type(description="One error in an input, which the client can correct.")
class UserError:
    """A message for a person; a code and a rule for a program."""

    code: UserErrorCode = strawberry.field(description="The kind of error.")
    message: str = strawberry.field(description="One sentence for the user: what is wrong, and what would be valid.")
    field: list[str] | None = strawberry.field(
        default=None,
        description='The path to the input field, below `input`: `["s3Tags", "0", "name"]`. '
        "Null if the error concerns no single field.",
    )
    rule: UserErrorRule = strawberry.field(
        graphql_type=_GraphQLRules(),
        description="The rule that the input breaks, more precise than `code`.",
    )
    arguments: list[UserErrorArgument] = strawberry.field(
        default_factory=list,
        description="The values in the message, for a message of your own by `rule`.",
    )

    @classmethod
    def of(cls, rule: UserErrorRule, *path: str, **arguments: str | int) -> "UserError":
        """`arguments` are the values of the rule's message."""
        return cls(
            code=rule.code,
            message=rule.message.format(**arguments),
            field=list(path) or None,
            rule=rule,
            arguments=[UserErrorArgument(name=name, value=str(value)) for name, value in arguments.items()],
        )


class UserErrors(Exception):
    """All errors in an input. Mutations return them as `userErrors`."""

    def __init__(self, errors: Iterable[UserError]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(error.message for error in self.errors))

    @classmethod
    def one(cls, rule: UserErrorRule, *path: str, **arguments: str | int) -> "UserErrors":
        return cls([UserError.of(rule, *path, **arguments)])


@dataclass
class ErrorCollector:
    """Collects the errors of an input, so that all of them are reported together."""

    found: list[UserError] = field(default_factory=list)

    def add(self, rule: UserErrorRule, *path: str, **arguments: str | int) -> None:
        self.found.append(UserError.of(rule, *path, **arguments))

    def raise_if_any(self) -> None:
        """Raises UserErrors with all errors found, if any."""
        if self.found:
            raise UserErrors(self.found)
