"""Variables and arguments of compiled operations, read without a walk where they are plain."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLNonNull,
    GraphQLSchema,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    Undefined,
    VariableNode,
    visit,
)
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from graphql.language import Visitor

from app.execution.levels import NotCompilable


class Variables:
    """Reads an operation's variables: those of the plain scalars at once, all others as graphql-core does."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._definitions = operation.variable_definitions or ()
        self._plain: list[tuple[str, type, bool]] | None = []
        for definition in self._definitions:
            is_required = isinstance(definition.type, NonNullTypeNode)
            named = definition.type.type if isinstance(definition.type, NonNullTypeNode) else definition.type
            plain = _PLAIN.get(named.name.value) if isinstance(named, NamedTypeNode) else None
            if plain is None or definition.default_value is not None or definition.directives:
                self._plain = None
                return
            self._plain.append((definition.variable.name.value, plain, is_required))

    def read(self, given: Mapping[str, Any]) -> VariableValues | None:
        """None when they do not fit, which the ordinary executor reports."""
        if self._plain is not None:
            coerced = {}
            for name, plain, is_required in self._plain:
                value = given.get(name, Undefined)
                if value.__class__ is plain and (plain is not int or -(2**31) <= cast("int", value) < 2**31):
                    coerced[name] = value
                elif is_required or value is not Undefined:
                    break
            else:
                return VariableValues(_NOTHING, coerced)
        values = get_variable_values(self._schema, self._definitions, dict(given))
        return None if isinstance(values, list) else values


_PLAIN: dict[str, type] = {"ID": str, "String": str, "Int": int, "Boolean": bool}
_NOTHING: dict[str, Any] = {}


def arguments_of(made: Any, node: FieldNode) -> Callable[[VariableValues], dict[str, Any]]:
    """What reads a field's arguments: at once where no variable is in them, directly where only whole variables are."""
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    if any(_has_variables(value) and not isinstance(value, VariableNode) for value in given.values()):
        return lambda values: get_argument_values(made, node, values)
    names = {name: value.name.value for name, value in given.items() if isinstance(value, VariableNode)}
    if names:
        return _whole_variables(made, node, names)
    try:
        constant = get_argument_values(made, node)
    except GraphQLError as error:
        raise NotCompilable(str(error)) from None
    return lambda _values: constant


def _whole_variables(made: Any, node: FieldNode, names: dict[str, str]) -> Callable[[VariableValues], dict[str, Any]]:
    others = FieldNode(
        name=node.name,
        arguments=tuple(argument for argument in node.arguments or () if argument.name.value not in names),
    )
    without = GraphQLField(made.type, {name: argument for name, argument in made.args.items() if name not in names})
    try:
        constant = get_argument_values(without, others)
    except GraphQLError as error:
        raise NotCompilable(str(error)) from None
    may_be_null = {name for name in names if not isinstance(made.args[name].type, GraphQLNonNull)}

    def read(values: VariableValues) -> dict[str, Any]:
        arguments = dict(constant)
        for name, variable in names.items():
            value = values.coerced.get(variable, Undefined)
            if value is Undefined or (value is None and name not in may_be_null):
                return get_argument_values(made, node, values)  # a default, or an error
            arguments[name] = value
        return arguments

    return read


def _has_variables(node: Any) -> bool:
    found = []

    class Finder(Visitor):
        def enter_variable(self, *_: Any) -> None:
            found.append(True)

    visit(node, Finder())
    return bool(found)
