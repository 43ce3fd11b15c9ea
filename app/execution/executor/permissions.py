"""Which permissions stand on a field or input field of the built schema, and which input fields a caller may not send."""

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

# Where Strawberry keeps its own field on graphql-core's.
DEFINITION = "strawberry-definition"
Field = GraphQLField | GraphQLInputField
_NOTHING: Mapping[str, Any] = {}


def definition_of(field: Field) -> StrawberryField | None:
    """Strawberry's own field behind one of the built schema; None for one of graphql-core's."""
    definition = field.extensions.get(DEFINITION)
    return definition if isinstance(definition, StrawberryField) else None


def metadata_of(field: Field) -> Mapping[str, Any]:
    """What `app/foundation/graphql/fields.py` says of a field."""
    definition = definition_of(field)
    return definition.metadata if definition is not None else _NOTHING


def permissions_of(field: Field) -> tuple[type[Requirement], ...]:
    """The permission classes on a field or input field of the built schema."""
    found: tuple[type[Requirement], ...] = metadata_of(field).get(PERMISSIONS, ())
    return found


def refused_inputs(
    type_: GraphQLInputType, value: object, caller: Viewer | None, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], type[Requirement]]]:
    """The paths of input fields that are present, null included, and may not be sent by this caller."""
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
    """The permissions on fields of an input of this type, however deep: who has all of them may send everything."""
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
