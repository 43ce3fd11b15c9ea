"""Reads or loads fields that declare where their value is, without Strawberry's resolver chain."""

import enum
import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter

from graphql import (
    GraphQLField,
    GraphQLLeafType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    MiddlewareManager,
    is_introspection_type,
    is_leaf_type,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import CustomGraphQLEnumType
from strawberry.types.field import StrawberryField

from app.execution.executor.permissions import definition_of, permissions_of
from app.execution.executor.resolvers import Resolver
from app.foundation.context import Context
from app.foundation.graphql.declarations import LOAD, OF_EVENT, PER_VIEWER, READ

Resolve = Callable[..., object]
Read = Callable[[object], object]
"""Reads a Python value or a response value from a row."""


def reader(parent_type: GraphQLObjectType, field: GraphQLField, context: Context) -> Read | None:
    """Reads and coerces a leaf field from its row; None for a field that graphql-core has to resolve."""
    leaf = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    if not is_leaf_type(leaf) or field.args:
        return None
    read = _read_of(parent_type, field, context)
    if read is None:
        return None
    coerced = coercer(leaf, nullable=leaf is field.type)
    return lambda source: coerced(read(source))


@functools.lru_cache
def coercer(leaf: GraphQLLeafType, *, nullable: bool) -> Read:
    """Converts Python values to response values of a leaf type. Raises TypeError for null in a non-null field."""
    coerce, plain = leaf.coerce_output_value, _PLAIN.get(leaf.name)
    if isinstance(leaf, CustomGraphQLEnumType):
        return _enum_coercer(leaf, nullable=nullable)

    def coerced(value: object) -> object:
        if value.__class__ is plain:
            return value
        if value is None:
            if nullable:
                return None
            raise TypeError("null in a non-null field")
        return coerce(value)

    return _int_coercer(coerced) if leaf.name == "Int" else coerced


def _read_of(parent_type: GraphQLObjectType, field: GraphQLField, context: Context) -> Read | None:
    definition = definition_of(field)
    if definition is None:
        resolve = field.resolve
        # Leaf fields of introspection: graphql-core's resolvers, none of which uses `info`.
        if resolve is None or not is_introspection_type(parent_type):
            return None
        return lambda source: resolve(source, None)
    per_viewer = definition.metadata.get(PER_VIEWER)
    if per_viewer is not None:
        viewer = context.viewer
        return lambda source: per_viewer(viewer, source)
    read: Read | None = definition.metadata.get(READ)
    if read is None and definition.is_basic_field:
        return attrgetter(definition.python_name)
    return read


def _int_coercer(coerce: Read) -> Read:
    # graphql-core's coercion costs seven times as much as these comparisons.
    return lambda value: value if value.__class__ is int and -(2**31) <= value < 2**31 else coerce(value)


def _enum_coercer(leaf: CustomGraphQLEnumType, *, nullable: bool) -> Read:
    # Members live as long as their class, so an id is never reused.
    members: Iterable[enum.Enum] = leaf.wrapped_cls
    names = {id(member): leaf.coerce_output_value(member) for member in members}

    def coerced(value: object) -> object:
        name = names.get(id(value))
        return leaf.coerce_output_value(value) if name is None and not (value is None and nullable) else name

    return coerced


# Values of these classes need no coercion.
_PLAIN: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}


class DirectResolvers(MiddlewareManager):
    """Replaces the resolvers of fields that declare how their value is read or loaded.

    The executor has checked permissions before. A guarded non-null field keeps its resolver, which raises Forbidden.
    graphql-core asks its middleware manager which resolver to call; that is the only method used.
    """

    def __init__(self, schema: GraphQLSchema, config: StrawberryConfig) -> None:
        super().__init__()
        self._direct: dict[object, Resolve] = {}
        for type_ in schema.type_map.values():
            for field in type_.fields.values() if isinstance(type_, GraphQLObjectType) else ():
                definition = definition_of(field)
                if definition is None or _refuses_in_resolver(field):
                    continue
                direct = (
                    _mutation_resolver(definition, config)
                    if type_ is schema.mutation_type
                    else _field_resolver(definition)
                )
                if direct is not None:
                    self._direct[field.resolve] = direct

    def get_field_resolver(self, field_resolver: Resolve) -> Resolve:
        return self._direct.get(field_resolver, field_resolver)


@dataclass(frozen=True)
class MutationPayload:
    """The root value of a mutation whose resolver has run: only the payload is read."""

    payload: object


def _mutation_resolver(definition: StrawberryField, config: StrawberryConfig) -> Resolve:
    """A mutation's resolver, called without Strawberry's chain."""
    resolver = Resolver(definition, config)
    return lambda source, info, **arguments: (
        source.payload if isinstance(source, MutationPayload) else resolver.call(source, info.context, arguments)
    )


def _refuses_in_resolver(field: GraphQLField) -> bool:
    return bool(permissions_of(field)) and isinstance(field.type, GraphQLNonNull)


def _field_resolver(definition: StrawberryField) -> Resolve | None:
    read, load = definition.metadata.get(READ), definition.metadata.get(LOAD)
    of_event = definition.metadata.get(OF_EVENT)
    if of_event is not None:
        return lambda event, info, **_arguments: of_event(info.context, event)
    if read is not None:
        return lambda source, _info: read(source)
    if load is not None:
        return lambda source, info: load(source, info.context)
    return None
