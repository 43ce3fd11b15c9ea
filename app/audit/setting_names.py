"""Maps the columns stored in audit events to the fields of the contract.

Events store column names and bare UUIDs, so that writing needs no lookup. The mapping happens on reading, from how the GraphQL
types declare their fields. A model's `audit_names` adds what they do not say: another name, or None for a column that clients
never see.
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
from app.foundation.fault_codes import FaultCode
from app.foundation.graphql import declarations
from app.foundation.graphql.registry import registry
from app.foundation.identifiers import Kind, sid_of

Convert = Callable[[Any], object]


@dataclass(frozen=True)
class Setting:
    """A setting that audit events can show."""

    name: str
    """The field of the object's type or input; dotted inside an object, such as `usageLimit.maximum`."""
    permissions: frozenset[type[Requirement]] = frozenset()
    """The permissions of the object's type and of the field, which changes need too."""
    convert: Convert | None = None
    """From the stored value to the one clients see; None: they are equal."""


def setting(kind: str | None, audit_name: str) -> Setting | None:
    """Looks up a name found in an event on an object of this kind. None for a column that clients never see.

    A name that is no column (`endedSessions`) is its own field name.
    """
    known = _settings()
    if (kind, audit_name) in known:
        return known[kind, audit_name]
    return Setting(audit_name, frozenset(registry.permissions[Kind(kind)] if kind is not None else ()))


@lru_cache(1)
def _settings() -> dict[tuple[str | None, str], Setting | None]:
    found: dict[tuple[str | None, str], Setting | None] = {}
    for kind, model in registry.rows.items():
        for column in columns(model):
            found[kind.value, trail.audit_name(model, column)[0]] = _of_column(kind, model, column)
    return found


def columns(model: type[Model]) -> list[str]:
    """The columns of a model that events may contain."""
    return [name for name in model._meta.fields_db_projection if name != "id" and trail.is_audited(name)]


def _of_column(kind: Kind, model: type[Model], column: str) -> Setting | None:
    other_names: dict[str, str | None] = getattr(model, "audit_names", {})
    fields = get_object_definition(registry.types[registry.names[kind]], strict=True).fields
    using = [field for field in fields if column in declarations.columns_of(field.metadata.get(declarations.DECLARED))]
    permissions = {each for field in using for each in field.metadata.get(declarations.PERMISSIONS, ())}
    permissions |= set(registry.permissions[kind])
    if column in other_names:
        name = other_names[column]
        return Setting(name, frozenset(permissions), _conversion_at(fields, name, column)) if name is not None else None
    same_name = next((field for field in using if field.python_name == column), None)
    if same_name is not None:
        return Setting(_name(same_name), frozenset(permissions))
    for field in using:
        for name, convert in _derived(field, column):
            return Setting(name, frozenset(permissions), convert)
    # A webhook's password is a field of the input only; it needs the permissions of the webhook.
    for field in fields:
        declared, prefix = field.metadata.get(declarations.DECLARED), f"{field.python_name}_"
        if column.startswith(prefix) and any(each.startswith(prefix) for each in declarations.columns_of(declared)):
            permissions |= set(field.metadata.get(declarations.PERMISSIONS, ()))
            return Setting(_dotted(field, column.removeprefix(prefix)), frozenset(permissions))
    return Setting(to_camel_case(column), frozenset(permissions))


def _conversion_at(fields: list[StrawberryField], name: str, column: str) -> Convert | None:
    """How the field with this dotted name computes its value, if from this column alone."""
    first, _, rest = name.partition(".")
    field = next((each for each in fields if _name(each) == first), None)
    if field is None:
        return None
    if rest:
        return _conversion_at(get_object_definition(field.type, strict=True).fields, rest, column)
    declared = field.metadata.get(declarations.DECLARED)
    if (
        not isinstance(declared, declarations.Value)
        or declared.make is None
        or declared.needs
        or declared.columns != (column,)
    ):
        return None
    return partial(_computed, declared.make)


def _computed(make: Convert, stored: object) -> object:
    """The computed value; an object becomes a dict of its fields by their names in the contract."""
    made = make(stored)
    definition = get_object_definition(made)
    if definition is None:
        return _plain(made)
    return {_name(each): _plain(getattr(made, each.python_name)) for each in definition.fields}


def _plain(value: object) -> object:
    """A code by its name, as in the contract."""
    return value.name if isinstance(value, FaultCode) else value


def _derived(field: StrawberryField, column: str) -> Iterator[tuple[str, Convert | None]]:
    """The name and conversion of a column that this field represents; nothing if the field only uses it."""
    declared = field.metadata.get(declarations.DECLARED)
    if isinstance(declared, declarations.ToOne):
        kind = next(kind for kind, row in registry.rows.items() if row is declared.row)
        yield _name(field), partial(_sid, kind)
    elif isinstance(declared, declarations.Part):
        part = next(name for name, source in declared.columns.items() if source == column)
        yield _dotted(field, part), None
    elif (
        isinstance(declared, declarations.Value)
        and declared.columns == (column,)
        and declared.make
        and not declared.needs
    ):
        yield _name(field), partial(_computed, declared.make)  # only part of the value, such as the ending of a key id


def _sid(kind: Kind, stored: str | None) -> str | None:
    return sid_of(kind, UUID(stored)) if stored is not None else None


def _name(field: StrawberryField) -> str:
    return field.graphql_name or to_camel_case(field.python_name)


def _dotted(field: StrawberryField, part: str) -> str:
    return f"{_name(field)}.{to_camel_case(part)}"
