"""The fields that an operation selects: fragments expanded, skipped nodes left out."""

from collections.abc import Callable, Mapping, Sequence

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    InlineFragmentNode,
    NamedTypeNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)


class Selections:
    """`included` says whether `@skip` and `@include` keep a node."""

    def __init__(
        self, fragments: Mapping[str, FragmentDefinitionNode], included: Callable[[SelectionNode], bool]
    ) -> None:
        self._fragments = fragments
        self._included = included

    def below(self, nodes: Sequence[FieldNode], parent: GraphQLObjectType) -> dict[str, list[FieldNode]]:
        """The fields that these nodes of one field select of an object of type `parent`."""
        return self.fields([node.selection_set for node in nodes if node.selection_set], parent)

    def fields(
        self, selection_sets: Sequence[SelectionSetNode], parent: GraphQLObjectType
    ) -> dict[str, list[FieldNode]]:
        """The fields by response name."""
        found: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()

        def walk(selection_set: SelectionSetNode) -> None:
            for node in selection_set.selections:
                if not self._included(node):
                    continue
                if isinstance(node, FieldNode):
                    found.setdefault((node.alias or node.name).value, []).append(node)
                elif isinstance(node, InlineFragmentNode):
                    if _applies(node.type_condition, parent):
                        walk(node.selection_set)
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                    seen.add(node.name.value)
                    fragment = self._fragments[node.name.value]
                    if _applies(fragment.type_condition, parent):
                        walk(fragment.selection_set)

        for selection_set in selection_sets:
            walk(selection_set)
        return found


def _applies(condition: NamedTypeNode | None, parent: GraphQLObjectType) -> bool:
    if condition is None or condition.name.value == parent.name:
        return True
    return any(interface.name == condition.name.value for interface in parent.interfaces)


def variables_of_directives(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[str, ...]:
    """The variables in `@skip(if:)` and `@include(if:)` anywhere in the operation: each combination of values has a plan."""
    names: dict[str, None] = {}

    def walk(selection_set: SelectionSetNode | None) -> None:
        for node in selection_set.selections if selection_set else ():
            for directive in node.directives or ():
                for argument in directive.arguments or ():
                    if isinstance(argument.value, VariableNode):
                        names[argument.value.name.value] = None
            walk(getattr(node, "selection_set", None))

    walk(operation.selection_set)
    for fragment in fragments.values():
        walk(fragment.selection_set)
    return tuple(names)
