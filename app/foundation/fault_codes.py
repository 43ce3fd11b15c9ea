"""Stable codes for faults, mostly outside this server: each has a cause and a remedy.

Each module declares its codes as members of a subclass of `FaultCode`. An enum of the schema has the members of one or more of
them. This module builds all sentences for users from the codes.
"""

import enum
from typing import Any

import strawberry


class FaultCode(enum.Enum):
    """`NAME = cause, remedy`: two sentences without final full stops; placeholders are in braces."""

    def __init__(self, happened: str, todo: str) -> None:
        self.happened = happened
        self.todo = todo

    def message(self, **values: str) -> str:
        """What happened, as a sentence."""
        return f"{self.happened.format(**values)}."

    def remedy(self, **values: str) -> str:
        """What to do, as a sentence."""
        sentence = self.todo.format(**values)
        return f"{sentence[0].upper()}{sentence[1:]}."

    def advice(self, note: str = "", **values: str) -> str:
        """Cause and remedy as one sentence, with `note` after the cause."""
        sentence = f": {self.todo.format(**values)}" if self.todo else ""
        return f"{self.happened.format(**values)}{note}{sentence}."


def members(*tables: type[FaultCode]) -> dict[str, FaultCode]:
    """The codes of all these FaultCode classes, by name."""
    return {code.name: code for table in tables for code in table}


def graphql_enum(name: str, description: str, *tables: type[FaultCode], **values: str) -> Any:
    """A GraphQL enum with the codes of all these classes, described by their causes."""
    described = {
        code.name: strawberry.enum_value(code, description=code.message(**values)) for table in tables for code in table
    }
    codes: type[enum.Enum] = enum.EnumType.__call__(enum.Enum, name, names=described)
    return strawberry.enum(codes, description=description)
