"""What is said of values that do not fit: where, and what would; never what was sent.

graphql-core says of variables where a value lies, and of literals only what is wrong, without a place when a scalar says it.
"""

import re
from collections.abc import Sequence
from typing import Any, cast

from graphql import (
    ArgumentNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
)
from graphql.language import SKIP, VisitorAction
from graphql.pyutils import print_path_list
from graphql.utilities import validate_input_literal

from app.errors import without_values

_ENUM = re.compile(r"(?:^|: )(?:The value does not exist in|Enum) '(\w+)'")


def told(message: str, schema: GraphQLSchema) -> str:
    """What graphql-core says of a value, without the value; of an enum, with its values."""
    message = without_values(message)
    found = _ENUM.search(message)
    type_ = schema.get_type(found[1]) if found else None
    return f"{message} Its values: {', '.join(type_.values)}." if isinstance(type_, GraphQLEnumType) else message


class ValuesByPlaceRule(ValuesOfCorrectTypeRule):
    """Of a literal that does not fit, names the argument and the path in it, as graphql-core does of a variable."""

    _place = ""

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        self._place = f"Argument '{node.name.value}'"

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> None:
        self._place = f"The default of variable '${node.variable.name.value}'"

    def is_valid_value_node(self, node: ValueNode, input_type: Any) -> VisitorAction:
        def on_error(error: GraphQLError, path: list[str | int]) -> None:
            message = f"{self._place} has invalid value{print_path_list(path)}: {error.message}"
            nodes = error.nodes or _at(node, path)
            self.report_error(GraphQLError(told(message, self.context.schema), nodes))

        if input_type:
            validate_input_literal(node, input_type, on_error)
        return SKIP


def _at(node: ValueNode, path: Sequence[str | int]) -> ValueNode:
    for step in path:
        if isinstance(step, int):
            node = cast("ListValueNode", node).values[step]
        else:
            fields = cast("ObjectValueNode", node).fields
            node = next(field.value for field in fields if field.name.value == step)
    return node
