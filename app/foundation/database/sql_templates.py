"""Statements with slots: what Tortoise makes of models, reach and filters, once, with places where values come in later.

Nothing here names a table, a column or a condition. A query is built by Tortoise with stand-ins for the values (a viewer whose
ids are stand-ins, a stand-in for a cursor's place) and rendered. Stand-ins are recognized by their types, which no value of a
client has. What is written around such queries are aliases of our own (`b`, `o1`, …), joins on named columns, and placeholders.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tortoise.filters import escape_like

from app.foundation.access import AccessLevel, Scope, Viewer

_PLACEHOLDER = re.compile(r"\$\d+")
# Stands for a parameter until all queries of a statement are put together and their places are known.
_MARK = "\x1a"


@dataclass(frozen=True)
class Placeholder:
    """A place for a value, by name; `pattern` is the text around it: of a LIKE pattern, or of the end of a range."""

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
    """A piece of a statement: its text with marks, and what belongs in their places, in order."""

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
        """With commas in between."""
        return cls.join(*[part for piece in pieces for part in (", ", piece)][1:])


class PlaceholderText(str):
    """Stands for a text. A plain copy would be a constant, so what Tortoise calls here answers a PlaceholderText again."""

    slot: Placeholder

    def __new__(cls, slot: Placeholder) -> "PlaceholderText":
        made = super().__new__(cls, slot.name)
        made.slot = slot
        return made

    def __str__(self) -> str:
        return self

    def __add__(self, after: str) -> "PlaceholderText":
        return self.within("", after)

    def within(self, before: str, after: str) -> "PlaceholderText":
        return PlaceholderText(Placeholder(self.slot.name, (before, after)))


class PlaceholderUUID(UUID):
    """Stands for an id. Tortoise sends ids as texts."""

    __slots__ = ("slot",)
    slot: Placeholder

    def __init__(self, slot: Placeholder) -> None:
        super().__init__(int=0)
        object.__setattr__(self, "slot", slot)  # a UUID has no other way

    def __str__(self) -> str:
        return PlaceholderText(self.slot)


class PlaceholderNumber(int):
    """Stands for a number."""

    slot: Placeholder

    def __new__(cls, slot: Placeholder) -> "PlaceholderNumber":
        made = super().__new__(cls, 1)
        made.slot = slot
        return made


def pattern_of(text: str) -> str:
    """The LIKE pattern of what contains a text. Tortoise's own lookup would make a plain text of a stand-in."""
    return text.within("%", "%") if isinstance(text, PlaceholderText) else f"%{escape_like(text)}%"


class Placeholders:
    """Hands out stand-ins for values, and recognizes them in what Tortoise renders."""

    def viewer(self, scope: Scope) -> Viewer:
        """Somebody of this scope whose ids are slots: `viewer.visible` writes the conditions."""
        return Viewer(
            scope=scope,
            access_level=AccessLevel.FULL,
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
        """A query of Tortoise's as a piece. The values that are no stand-ins are constants of the declaration."""
        query._choose_db_if_not_chosen()
        query._make_query()
        text, values = query.query.get_parameterized_sql()
        marked, count = _PLACEHOLDER.subn(_MARK, text)
        if count != len(values) or _MARK in text:
            raise ValueError("a query whose parameters cannot be told apart")
        return Sql(
            marked,
            tuple(
                value.slot if isinstance(value, PlaceholderText | PlaceholderUUID | PlaceholderNumber) else value
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
        """A slot that stands in several places is sent once. All of them must be of one type."""
        places: list[object] = []
        text = ""
        *before, last = sql.text.split(_MARK)
        for piece, parameter in zip(before, sql.parameters, strict=True):
            # What is no slot has a place of its own: 1 and True are equal.
            if not (isinstance(parameter, Placeholder) and parameter in places):
                places.append(parameter)
                number = len(places)
            else:
                number = places.index(parameter) + 1
            text += f"{piece}${number}"
        return cls(text + last, tuple(places))

    def arguments(self, values: Mapping[str, object]) -> list[object]:
        return [
            slot
            if slot.__class__ is not Placeholder
            else values[slot.name]
            if slot.pattern is None
            else slot.value(values)
            for slot in self.parameters
        ]


def values_of(viewer: Viewer) -> dict[str, object]:
    """What belongs in the slots of `Placeholders.viewer`."""
    return {
        "viewer.key_id": viewer.key_id,
        "viewer.account_id": viewer.account_id,
        "viewer.service_provider_id": viewer.service_provider_id,
    }


def any_of(sql: Sql, slot: str) -> Sql:
    """The same query for many values at once: where a column was compared with the slot, it is now one of its values."""
    pieces = sql.text.split(_MARK)
    text = pieces[0]
    for parameter, piece in zip(sql.parameters, pieces[1:], strict=True):
        if parameter == Placeholder(slot):
            if not text.endswith("="):
                raise ValueError("a slot of many values that is compared otherwise than by =")
            text += f"ANY({_MARK})"
        else:
            text += _MARK
        text += piece
    return Sql(text, sql.parameters)


def placeholder(name: str) -> Sql:
    """A slot that stands in no query of Tortoise's."""
    return Sql(_MARK, (Placeholder(name),))
