"""Error messages of invalid values: the path, and what would be valid, but never the value.

graphql-core prints the whole value into the message about each part of it, and gives no path for literals. Literals are therefore
checked here, part by part. Messages about variables come from graphql-core, and the value is cut out of them.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    ListValueNode,
    Node,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
    VariableNode,
    is_required_input_field,
)
from graphql.language import SKIP, VisitorAction
from graphql.pyutils import print_path_list
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from app.foundation.errors import without_values

_ENUM = re.compile(r"(?:^|: )(?:The value does not exist in|Enum) '(\w+)'")


def without_value(message: str, schema: GraphQLSchema) -> str:
    """graphql-core's message without the value; for an enum, with the valid values."""
    message = without_values(message)
    found = _ENUM.search(message)
    type_ = schema.get_type(found[1]) if found else None
    return f"{message} Its values: {', '.join(type_.values)}." if isinstance(type_, GraphQLEnumType) else message


def without_suggestions(schema: GraphQLSchema) -> GraphQLSchema:
    """Makes enums search no similar value: graphql-core does so even where it drops the error."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLEnumType):
            type_.coerce_input_value = partial(_coerced, type_)  # type: ignore[method-assign]
    return schema


def _coerced(enum: GraphQLEnumType, value: str, _hide_suggestions: bool = True) -> object:
    return type(enum).coerce_input_value(enum, value, hide_suggestions=True)


class LocatedValuesRule(ValuesOfCorrectTypeRule):
    """Reports an invalid literal with its argument and path, as graphql-core does for variables."""

    _location = ""

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        self._location = f"Argument '{node.name.value}'"

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: object) -> None:
        self._location = f"The default of variable '${node.variable.name.value}'"

    def is_valid_value_node(self, node: ValueNode, input_type: GraphQLInputType | None) -> VisitorAction:
        if input_type:
            for wrong, reason, path in invalid_parts(node, input_type):
                message = f"{self._location} has invalid value{print_path_list(path)}: {reason}"
                self.report_error(GraphQLError(without_value(message, self.context.schema), wrong))
        return SKIP


class OneOfRule(OneOfInputValidationRule):
    """Strawberry's rule, corrected for fragments that precede the operation that uses them."""

    def enter_document(self, node: DocumentNode, *_: object) -> None:
        self.variable_definitions = {
            variable.variable.name.value: variable
            for operation in node.definitions
            if isinstance(operation, OperationDefinitionNode)
            for variable in operation.variable_definitions or ()
        }

    def enter_operation_definition(self, *_: object) -> None:
        """Does nothing: `enter_document` has collected all definitions."""


Path = list[str | int]
InvalidParts = Iterator[tuple[Node, str, Path]]


def invalid_parts(node: ValueNode, type_: GraphQLInputType, path: Path = []) -> InvalidParts:  # noqa: B006  never changed
    """Yields the invalid parts of a literal: node, reason and path."""
    if isinstance(node, VariableNode):
        return
    if isinstance(type_, GraphQLNonNull):
        if isinstance(node, NullValueNode):
            yield node, f"Expected value of non-null type '{type_}' not to be None.", path
        type_ = type_.of_type
    if isinstance(node, NullValueNode):
        return
    if isinstance(type_, GraphQLList) and isinstance(node, ListValueNode):
        for index, item in enumerate(node.values):
            yield from invalid_parts(item, type_.of_type, [*path, index])
    elif isinstance(type_, GraphQLList):
        yield from invalid_parts(node, type_.of_type, path)  # a single value is a list of one
    elif isinstance(type_, GraphQLInputObjectType):
        yield from _of_object(node, type_, path)
    else:
        yield from _of_leaf(node, type_, path)


def _of_object(node: ValueNode, type_: GraphQLInputObjectType, path: Path) -> InvalidParts:
    if not isinstance(node, ObjectValueNode):
        yield node, f"Expected value of type '{type_}' to be an object.", path
        return
    given = {field.name.value for field in node.fields}
    for name, field in type_.fields.items():
        if name not in given and is_required_input_field(field):
            yield node, f"Expected value of type '{type_}' to include required field '{name}'.", path
    for part in node.fields:
        name = part.name.value
        if name in type_.fields:
            yield from invalid_parts(part.value, type_.fields[name].type, [*path, name])
        else:
            yield part, f"Expected value of type '{type_}' not to include unknown field '{name}'.", path


def _of_leaf(node: ValueNode, type_: Any, path: Path) -> InvalidParts:
    if isinstance(node, ListValueNode | ObjectValueNode):
        yield node, f"Expected a single value of type '{type_}'.", path
        return
    hidden = (True,) if isinstance(type_, GraphQLEnumType) else ()  # no suggestions
    try:
        if type_.coerce_input_literal is not None:
            type_.coerce_input_literal(node, *hidden)
        else:
            type_.parse_literal(node)
    except GraphQLError as error:
        yield node, error.message, path
    except Exception:  # noqa: BLE001  a scalar may raise anything for an invalid value
        yield node, f"Expected value of type '{type_}'.", path
