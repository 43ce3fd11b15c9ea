"""What clients call the settings that an event tells of, in the names and ids of the graph.

Events keep columns by their own names, and bare UUIDs: so a change writes them without looking anything up, and what a field
is called is looked up when somebody reads. A model says in `audit_names` what its type's declarations do not: another name, or
None for what no client knows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from strawberry.types import get_object_definition
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case
from tortoise.models import Model

from app.audit import trail
from app.foundation.access import Requirement
from app.foundation.graphql import declarations
from app.foundation.graphql.registry import registry
from app.foundation.identifiers import Kind, sid_of

MadeOf = Callable[[Any], object]


@dataclass(frozen=True)
class Setting:
    """Something of an object that an event can tell of."""

    name: str
    """The field of the object's type or of its input; dotted within an object."""
    permissions: frozenset[type[Requirement]] = frozenset()
    """Who may see the field may see its changes."""
    made_of: MadeOf | None = None
    """What clients see of the stored value; None: it as it is."""


def setting(kind: str | None, stored_as: str) -> Setting | None:
    """By the kind of the object and the name in the event; None when no client knows it.

    What is no column (`endedSessions`) is called as it was noted.
    """
    return _settings().get((kind, stored_as), Setting(stored_as))


@lru_cache(1)
def _settings() -> dict[tuple[str | None, str], Setting | None]:
    found: dict[tuple[str | None, str], Setting | None] = {}
    for kind, model in registry.rows.items():
        for column in columns(model):
            found[kind.value, trail.audit_name(model, column)[0]] = _of_column(kind, model, column)
    return found


def columns(model: type[Model]) -> list[str]:
    """Those that events may tell of."""
    return [name for name in model._meta.fields_db_projection if name != "id" and trail.is_audited(name)]


def _of_column(kind: Kind, model: type[Model], column: str) -> Setting | None:
    other_names: dict[str, str | None] = getattr(model, "audit_names", {})
    fields = get_object_definition(registry.types[registry.names[kind]], strict=True).fields
    shown_in = [
        field for field in fields if column in declarations.columns_of(field.metadata.get(declarations.DECLARED))
    ]
    permissions = {each for field in shown_in for each in field.metadata.get(declarations.PERMISSIONS, ())}
    if column in other_names:
        name = other_names[column]
        return Setting(name, frozenset(permissions), _made_at(fields, name, column)) if name is not None else None
    whole = next((field for field in shown_in if field.python_name == column), None)
    if whole is not None:
        return Setting(_name(whole), frozenset(permissions))
    for field in shown_in:
        for name, made_of in _within(field, column):
            return Setting(name, frozenset(permissions), made_of)
    # A webhook's password, which only the input has, is as secret as the rest of the webhook.
    for field in fields:
        declared, beginning = field.metadata.get(declarations.DECLARED), f"{field.python_name}_"
        if column.startswith(beginning) and any(
            each.startswith(beginning) for each in declarations.columns_of(declared)
        ):
            permissions |= set(field.metadata.get(declarations.PERMISSIONS, ()))
            return Setting(_dotted(field, column.removeprefix(beginning)), frozenset(permissions))
    return Setting(to_camel_case(column), frozenset(permissions))


def _made_at(fields: list[StrawberryField], name: str, column: str) -> MadeOf | None:
    """What clients see of a column in the field of this dotted name, when the field makes it of this column alone."""
    first, _, rest = name.partition(".")
    field = next((each for each in fields if _name(each) == first), None)
    if field is None:
        return None
    if rest:
        return _made_at(get_object_definition(field.type, strict=True).fields, rest, column)
    declared = field.metadata.get(declarations.DECLARED)
    if (
        not isinstance(declared, declarations.Value)
        or declared.make is None
        or declared.needs
        or declared.columns != (column,)
    ):
        return None
    return partial(_as_shown, declared.make)


def _as_shown(make: MadeOf, stored: object) -> object:
    """An object is its fields by their names in the contract."""
    made = make(stored)
    definition = get_object_definition(made)
    return made if definition is None else {_name(each): getattr(made, each.python_name) for each in definition.fields}


def _within(field: StrawberryField, column: str) -> Iterator[tuple[str, MadeOf | None]]:
    """Whether a field that shows something of a column is what clients know it by: its name, and what is seen there."""
    declared = field.metadata.get(declarations.DECLARED)
    if isinstance(declared, declarations.ToOne):
        kind = next(kind for kind, row in registry.rows.items() if row is declared.row)
        yield _name(field), partial(_sid, kind)
    elif isinstance(declared, declarations.Part):
        part = next(name for name, of in declared.columns.items() if of == column)
        yield _dotted(field, part), None
    elif (
        isinstance(declared, declarations.Value)
        and declared.columns == (column,)
        and declared.make
        and not declared.needs
    ):
        yield _name(field), declared.make  # an ending, and never the whole


def _sid(kind: Kind, stored: str | None) -> str | None:
    return sid_of(kind, UUID(stored)) if stored is not None else None


def _name(field: StrawberryField) -> str:
    return field.graphql_name or to_camel_case(field.python_name)


def _dotted(field: StrawberryField, part: str) -> str:
    return f"{_name(field)}.{to_camel_case(part)}"
