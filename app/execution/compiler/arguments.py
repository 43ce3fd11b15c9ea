"""Reads variables and arguments of compiled operations. Plain values take a short path, all others graphql-core's."""

import functools
from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLNullableInputType,
    GraphQLScalarType,
    GraphQLSchema,
    NonNullTypeNode,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    VariableNode,
    is_required_input_field,
    type_from_ast,
    visit,
)
from graphql.execution.values import VariableValues, VariableValueSource, get_argument_values, get_variable_values
from graphql.language import Visitor
from graphql.utilities.coerce_input_value import coerce_default_value

from app.execution.compiler.query_plan import NotCompilable, ReadArguments
from app.execution.values import Arguments, JsonObject

T = TypeVar("T")


class Variables:
    """Reads an operation's variables."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._definitions = operation.variable_definitions or ()
        self._readers: list[tuple[str, Read, bool]] | None = []
        for definition in self._definitions:
            type_ = cast("GraphQLInputType | None", type_from_ast(schema, definition.type))
            if type_ is None or definition.default_value is not None or definition.directives:
                self._readers = None
                return
            is_required = isinstance(definition.type, NonNullTypeNode)
            self._readers.append((definition.variable.name.value, reader(type_), is_required))

    def read(self, given: JsonObject) -> VariableValues | None:
        """None when they are invalid; the reference executor then reports it."""
        plain = self.read_plain(given)
        if plain is not None:
            return plain
        values = get_variable_values(self._schema, self._definitions, dict(given), max_errors=0, hide_suggestions=True)
        return None if isinstance(values, list) else values

    def read_plain(self, given: JsonObject) -> VariableValues | None:
        """Reads plain values; None when graphql-core has to decide whether the variables are valid."""
        if self._readers is None:
            return None
        coerced = {}
        try:
            for name, read, is_required in self._readers:
                if name in given:
                    coerced[name] = read(given[name])
                elif is_required:
                    return None
        except Unsupported:
            return None
        return VariableValues(_NOTHING, coerced)


_NOTHING: dict[str, VariableValueSource] = {}
Read = Callable[[object], object]


class Unsupported(Exception):
    """An invalid value, or one that only graphql-core accepts (a number for an ID, an item for a list)."""


def reader(type_: GraphQLInputType) -> Read:
    """Returns what graphql-core's `coerce_input_value` returns for plain values. Raises Unsupported for others."""
    if isinstance(type_, GraphQLNonNull):
        return _present(_read_of(type_.of_type))
    read = _read_of(type_)
    return lambda value: None if value is None else read(value)


def _read_of(type_: GraphQLNullableInputType) -> Read:
    if isinstance(type_, GraphQLList):
        each = reader(type_.of_type)
        return lambda value: [each(one) for one in _of_class(list, value)]
    return _read_of_named(type_)


@functools.cache
def _read_of_named(type_: GraphQLInputObjectType | GraphQLEnumType | GraphQLScalarType) -> Read:
    """Cached for named types only: each document makes list and non-null types of its own."""
    if isinstance(type_, GraphQLInputObjectType):
        return _ObjectReader(type_).read
    if isinstance(type_, GraphQLEnumType):
        members = {name: type_.coerce_input_value(name) for name in type_.values}
        return lambda value: _known(members, _of_class(str, value))
    if type_.name == "Int":
        return _int
    plain = _PLAIN.get(type_.name)
    return functools.partial(_of_class, plain) if plain else functools.partial(_scalar, type_)


_PLAIN: dict[str, type] = {"ID": str, "String": str, "Boolean": bool}


class _ObjectReader:
    """Looks up its fields at its first read, since types may be circular."""

    def __init__(self, type_: GraphQLInputObjectType) -> None:
        self._type = type_
        self._fields: list[tuple[str, Read, bool, object]] = []

    def read(self, value: object) -> object:
        given, found, seen = _of_class(dict, value), {}, 0
        for name, read, is_required, default in self._fields or self._look_up_fields():
            if name in given:
                found[name] = read(given[name])
                seen += 1
            elif is_required:
                raise Unsupported
            elif default is not Undefined:
                found[name] = default
        if seen != len(given):
            raise Unsupported
        try:
            return self._type.out_type(found)
        except GraphQLError as error:  # not exactly one of the fields of a oneOf input
            raise Unsupported from error

    def _look_up_fields(self) -> list[tuple[str, Read, bool, object]]:
        for name, input_field in self._type.fields.items():
            default = coerce_default_value(input_field)
            self._fields.append((name, reader(input_field.type), is_required_input_field(input_field), default))
        return self._fields


def _present(read: Read) -> Read:
    def read_present(value: object) -> object:
        if value is None:
            raise Unsupported
        return read(value)

    return read_present


def _of_class(wanted: type[T], value: object) -> T:
    if value.__class__ is wanted and isinstance(value, wanted):
        return value
    raise Unsupported


def _known(members: Mapping[str, object], name: str) -> object:
    if name not in members:
        raise Unsupported
    return members[name]


def _int(value: object) -> int:
    number = _of_class(int, value)
    if not -(2**31) <= number < 2**31:
        raise Unsupported
    return number


def _scalar(type_: GraphQLScalarType, value: object) -> object:
    try:
        return type_.coerce_input_value(value)
    except Exception as error:  # a scalar may raise anything for an invalid value
        raise Unsupported from error


def arguments_of(field: GraphQLField, node: FieldNode) -> ReadArguments:
    """Reads a field's arguments: constants once, whole variables by name, all others with graphql-core."""
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    if any(_has_variables(value) and not isinstance(value, VariableNode) for value in given.values()):
        return lambda values: get_argument_values(field, node, values, hide_suggestions=True)
    names = {name: value.name.value for name, value in given.items() if isinstance(value, VariableNode)}
    if names:
        return _whole_variables(field, node, names)
    try:
        constant = get_argument_values(field, node, hide_suggestions=True)
    except GraphQLError as error:
        raise NotCompilable(str(error)) from None
    return lambda _values: constant


def _whole_variables(field: GraphQLField, node: FieldNode, names: dict[str, str]) -> ReadArguments:
    others = FieldNode(
        name=node.name,
        arguments=tuple(argument for argument in node.arguments or () if argument.name.value not in names),
    )
    without = GraphQLField(field.type, {name: argument for name, argument in field.args.items() if name not in names})
    try:
        constant = get_argument_values(without, others, hide_suggestions=True)
    except GraphQLError as error:
        raise NotCompilable(str(error)) from None
    may_be_null = {name for name in names if not isinstance(field.args[name].type, GraphQLNonNull)}

    def read(values: VariableValues) -> Arguments:
        arguments = dict(constant)
        for name, variable in names.items():
            value = values.coerced.get(variable, Undefined)
            if value is Undefined or (value is None and name not in may_be_null):
                return get_argument_values(field, node, values, hide_suggestions=True)  # a default, or an error
            arguments[name] = value
        return arguments

    return read


def _has_variables(node: ValueNode) -> bool:
    found = []

    class Finder(Visitor):
        def enter_variable(self, *_: object) -> None:
            found.append(True)

    visit(node, Finder())
    return bool(found)
