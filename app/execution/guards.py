"""Which permissions stand on a field or input field of the built schema, and which input fields a caller may not send."""

from collections.abc import Iterator
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLInputType, GraphQLList, GraphQLNonNull, Undefined
from strawberry.types.field import StrawberryField

from app.access import Requirement
from app.graph import PERMISSIONS

# Where Strawberry keeps its own field on graphql-core's.
DEFINITION = "strawberry-definition"


def permissions_of(field: Any) -> tuple[type[Requirement], ...]:
    """The permission classes on a field or input field of the built schema."""
    definition = field.extensions.get(DEFINITION)
    if not isinstance(definition, StrawberryField):
        return ()
    found: tuple[type[Requirement], ...] = definition.metadata.get(PERMISSIONS, ())
    return found


def refused_inputs(
    type_: GraphQLInputType, value: Any, caller: Any, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], type[Requirement]]]:
    """The paths of input fields that are present, null included, and may not be sent by this caller."""
    named = _unwrapped(type_)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from refused_inputs(named, item, caller, (*path, str(index)))
    elif isinstance(named, GraphQLInputObjectType) and isinstance(value, dict):
        for name, field in named.fields.items():
            given = value.get(field.out_name or name, Undefined)
            if given is Undefined:
                continue
            for permission in permissions_of(field):
                if not permission.allows(caller):
                    yield (*path, name), permission
            yield from refused_inputs(field.type, given, caller, (*path, name))


def permissions_within(type_: GraphQLInputType, seen: frozenset[str] = frozenset()) -> frozenset[type[Requirement]]:
    """The permissions on fields of an input of this type, however deep: who has all of them may send everything."""
    named = _unwrapped(type_)
    if not isinstance(named, GraphQLInputObjectType) or named.name in seen:
        return frozenset()
    seen |= {named.name}
    found: set[type[Requirement]] = set()
    for field in named.fields.values():
        found |= {*permissions_of(field), *permissions_within(field.type, seen)}
    return frozenset(found)


def _unwrapped(type_: Any) -> Any:
    while isinstance(type_, GraphQLNonNull | GraphQLList):
        type_ = type_.of_type
    return type_
