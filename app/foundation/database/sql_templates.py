"""SQL templates: a statement is rendered once from models, scope and filters, and its values are filled in for each run.

Tortoise builds a query with typed placeholders in place of values (a viewer whose ids are placeholders, a placeholder for a
cursor's position) and renders it. Placeholders are recognized by their types, which no value of a client has. This module names
no table, column or condition; around such queries its callers write only aliases (`b`, `o1`, …), joins and placeholders.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tortoise.filters import escape_like

from app.foundation.access import Scope, Viewer
from app.foundation.permissions import ALL

_PLACEHOLDER = re.compile(r"\$\d+")
# Stands for a parameter until the queries of a statement are joined and its number is known.
_MARK = "\x1a"


@dataclass(frozen=True)
class Placeholder:
    """A named parameter; `pattern` is text around its value: of a LIKE pattern, or of the end of a range."""

    name: str
    pattern: tuple[str, str] | None = None

    def value(self, values: Mapping[str, object]) -> object:
        value = values[self.name]
        if self.pattern is None:
            return value
        before, after = self.pattern
        return f"{before}{escape_like(str(value)) if '%' in before + after else value}{after}"


@dataclass(frozen=True)
class Sql:
    """A piece of a statement: its text with marks, and the parameters for the marks in order."""

    text: str
    parameters: tuple[object, ...] = ()

    @classmethod
    def join(cls, *pieces: "Sql | str") -> "Sql":
        texts: list[str] = []
        parameters: list[object] = []
        for piece in pieces:
            texts.append(piece if isinstance(piece, str) else piece.text)
            parameters += [] if isinstance(piece, str) else piece.parameters
        return cls("".join(texts), tuple(parameters))

    @classmethod
    def listed(cls, pieces: "Sequence[Sql | str]") -> "Sql":
        """The pieces, separated by commas."""
        return cls.join(*[part for piece in pieces for part in (", ", piece)][1:])


class PlaceholderText(str):
    """A placeholder for a text. What Tortoise calls on it returns a PlaceholderText: a plain copy would become a constant."""

    placeholder: Placeholder

    def __new__(cls, placeholder: Placeholder) -> "PlaceholderText":
        made = super().__new__(cls, placeholder.name)
        made.placeholder = placeholder
        return made

    def __str__(self) -> str:
        return self

    def __add__(self, after: str) -> "PlaceholderText":
        return self.within("", after)

    def within(self, before: str, after: str) -> "PlaceholderText":
        return PlaceholderText(Placeholder(self.placeholder.name, (before, after)))


class PlaceholderUUID(UUID):
    """A placeholder for an id. Tortoise sends ids as texts."""

    __slots__ = ("placeholder",)
    placeholder: Placeholder

    def __init__(self, placeholder: Placeholder) -> None:
        super().__init__(int=0)
        object.__setattr__(self, "placeholder", placeholder)  # a UUID is immutable

    def __str__(self) -> str:
        return PlaceholderText(self.placeholder)


class PlaceholderNumber(int):
    """A placeholder for a number."""

    placeholder: Placeholder

    def __new__(cls, placeholder: Placeholder) -> "PlaceholderNumber":
        made = super().__new__(cls, 1)
        made.placeholder = placeholder
        return made


def pattern_of(text: str) -> str:
    """The LIKE pattern for texts that contain a text. Tortoise's own lookup would turn a placeholder into a plain text."""
    return text.within("%", "%") if isinstance(text, PlaceholderText) else f"%{escape_like(text)}%"


class Placeholders:
    """Makes typed placeholders, and recognizes them in the queries that Tortoise renders."""

    def viewer(self, scope: Scope) -> Viewer:
        """A viewer of this scope whose ids are placeholders: `viewer.visible` writes the conditions."""
        return Viewer(
            scope=scope,
            permissions=ALL,
            key_id=self.uuid("viewer.key_id"),
            account_id=self.uuid("viewer.account_id"),
            service_provider_id=self.uuid("viewer.service_provider_id"),
        )

    def uuid(self, name: str) -> UUID:
        return PlaceholderUUID(Placeholder(name))

    def text(self, name: str) -> str:
        return PlaceholderText(Placeholder(name))

    def number(self, name: str) -> int:
        return PlaceholderNumber(Placeholder(name))

    def render(self, query: Any) -> Sql:
        """Renders a Tortoise query. Values that are not placeholders are constants of the declaration."""
        query._choose_db_if_not_chosen()
        query._make_query()
        text, values = query.query.get_parameterized_sql()
        marked, count = _PLACEHOLDER.subn(_MARK, text)
        if count != len(values) or _MARK in text:
            raise ValueError("a query whose parameters cannot be matched to its values")
        return Sql(
            marked,
            tuple(
                value.placeholder if isinstance(value, PlaceholderText | PlaceholderUUID | PlaceholderNumber) else value
                for value in values
            ),
        )


@dataclass(frozen=True)
class Statement:
    """A whole statement, ready for the driver."""

    text: str
    parameters: tuple[object, ...]

    @classmethod
    def of(cls, sql: Sql) -> "Statement":
        first, *pieces = sql.text.split(_MARK)
        return cls("".join([first, *(f"${number}{piece}" for number, piece in enumerate(pieces, 1))]), sql.parameters)

    @classmethod
    def sharing(cls, sql: Sql) -> "Statement":
        """Sends a placeholder that occurs several times once. All its occurrences must have one type."""
        parameters: list[object] = []
        text = ""
        *before, last = sql.text.split(_MARK)
        for piece, parameter in zip(before, sql.parameters, strict=True):
            # Constants are never shared: 1 and True are equal.
            if not (isinstance(parameter, Placeholder) and parameter in parameters):
                parameters.append(parameter)
                number = len(parameters)
            else:
                number = parameters.index(parameter) + 1
            text += f"{piece}${number}"
        return cls(text + last, tuple(parameters))

    def arguments(self, values: Mapping[str, object]) -> list[object]:
        return [
            parameter
            if parameter.__class__ is not Placeholder
            else values[parameter.name]
            if parameter.pattern is None
            else parameter.value(values)
            for parameter in self.parameters
        ]


def values_of(viewer: Viewer) -> dict[str, object]:
    """The values for `Placeholders.viewer`."""
    return {
        "viewer.key_id": viewer.key_id,
        "viewer.account_id": viewer.account_id,
        "viewer.service_provider_id": viewer.service_provider_id,
    }


def any_of(sql: Sql, name: str) -> Sql:
    """The same query for many values: `column = placeholder` becomes `column = ANY(placeholder)`."""
    pieces = sql.text.split(_MARK)
    text = pieces[0]
    for parameter, piece in zip(sql.parameters, pieces[1:], strict=True):
        if parameter == Placeholder(name):
            if not text.endswith("="):
                raise ValueError("a placeholder for many values can only be compared by =")
            text += f"ANY({_MARK})"
        else:
            text += _MARK
        text += piece
    return Sql(text, sql.parameters)


def placeholder(name: str) -> Sql:
    """A placeholder outside a Tortoise query."""
    return Sql(_MARK, (Placeholder(name),))
