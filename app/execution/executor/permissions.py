"""The permissions of fields and input fields in the built schema, and the input fields that a caller may not set."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    Undefined,
    get_named_type,
)
from strawberry.types.field import StrawberryField

from app.foundation.access import Requirement, Viewer
from app.foundation.graphql.declarations import PERMISSIONS

# The extension in which Strawberry keeps its field on graphql-core's.
DEFINITION = "strawberry-definition"
Field = GraphQLField | GraphQLInputField
_NOTHING: Mapping[str, Any] = {}


def definition_of(field: Field) -> StrawberryField | None:
    """Strawberry's field for a field of the built schema; None for introspection."""
    definition = field.extensions.get(DEFINITION)
    return definition if isinstance(definition, StrawberryField) else None


def metadata_of(field: Field) -> Mapping[str, Any]:
    """The metadata that `app/foundation/graphql/fields.py` puts on a field."""
    definition = definition_of(field)
    return definition.metadata if definition is not None else _NOTHING


def permissions_of(field: Field) -> tuple[type[Requirement], ...]:
    """The permission classes of a field or input field."""
    found: tuple[type[Requirement], ...] = metadata_of(field).get(PERMISSIONS, ())
    return found


def refused_inputs(
    type_: GraphQLInputType, value: object, caller: Viewer | None, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], type[Requirement]]]:
    """The paths of input fields that are present (null included) and that this caller may not set."""
    named = get_named_type(type_)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from refused_inputs(type_, item, caller, (*path, str(index)))
    elif isinstance(named, GraphQLInputObjectType) and isinstance(value, dict):
        for name, field in named.fields.items():
            given = value.get(field.out_name or name, Undefined)
            if given is Undefined:
                continue
            for permission in permissions_of(field):
                if not permission.allows(caller):
                    yield (*path, name), permission
            yield from refused_inputs(field.type, given, caller, (*path, name))


@cache
def permissions_within(type_: GraphQLInputType) -> frozenset[type[Requirement]]:
    """The permissions on input fields of this type, at any depth. A caller that has them all may set every field."""
    return _within(type_, frozenset())


def _within(type_: GraphQLInputType, seen: frozenset[str]) -> frozenset[type[Requirement]]:
    named = get_named_type(type_)
    if not isinstance(named, GraphQLInputObjectType) or named.name in seen:
        return frozenset()
    seen |= {named.name}
    found: set[type[Requirement]] = set()
    for field in named.fields.values():
        found |= {*permissions_of(field), *_within(field.type, seen)}
    return frozenset(found)
