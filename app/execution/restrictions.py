"""Which restricted callers may run an operation, by its root fields and by the types it selects."""

from collections.abc import Mapping

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
)

from app.execution.executor.permissions import DEFINITION, metadata_of
from app.foundation.access import NOT_MARKED, OpenTo
from app.foundation.graphql.declarations import CALLERS_OWN, OPEN_TO

Fragments = Mapping[str, FragmentDefinitionNode]
INTROSPECTION = frozenset({"__schema", "__type"})
_ALL = ~NOT_MARKED


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def root_fields(selection_set: SelectionSetNode, fragments: Fragments, seen: set[str] | None = None) -> set[str]:
    """The names of an operation's root fields, also in an invalid document."""
    names: set[str] = set()
    seen = set() if seen is None else seen
    for node in selection_set.selections:
        if isinstance(node, FieldNode):
            names.add(node.name.value)
        elif isinstance(node, InlineFragmentNode):
            names |= root_fields(node.selection_set, fragments, seen)
        elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments.keys() - seen:
            seen.add(node.name.value)
            names |= root_fields(fragments[node.name.value].selection_set, fragments, seen)
    return names


def open_root_fields(schema: GraphQLSchema, callers: OpenTo) -> set[str]:
    """The names of the root fields that these restricted callers may use."""
    roots = [root for type_ in OperationType if (root := schema.get_root_type(type_)) is not None]
    marked = {name for root in roots for name in root.fields if callers in _open_to(root, name)}
    return marked | {"__typename"}


def open_to(schema: GraphQLSchema, operation: OperationDefinitionNode, names: set[str], fragments: Fragments) -> OpenTo:
    """The restricted callers that may run an operation of a valid document; `names` are its root fields."""
    root = schema.get_root_type(operation.operation)
    if root is None or _selects_other_objects(schema, root, operation, fragments):
        return NOT_MARKED
    found = _ALL
    for name in names - {"__typename"}:
        found &= _open_to(root, name)
    return found


def _open_to(root: GraphQLObjectType, name: str) -> OpenTo:
    found: OpenTo = metadata_of(root.fields[name]).get(OPEN_TO, NOT_MARKED)
    return found


def _selects_other_objects(
    schema: GraphQLSchema, root: GraphQLObjectType, operation: OperationDefinitionNode, fragments: Fragments
) -> bool:
    """Whether the operation selects an object with an id that is not the caller's own, or a list of such objects."""
    seen: set[str] = set()

    def selects(parent: GraphQLNamedType | None, selection_set: SelectionSetNode | None) -> bool:
        for node in selection_set.selections if selection_set else ():
            if isinstance(node, FieldNode):
                field = schema.get_field(parent, node.name.value) if is_composite_type(parent) else None
                below = get_named_type(field.type) if field else None
                if _is_other_object(below) or (node.selection_set and selects(below, node.selection_set)):
                    return True
            elif isinstance(node, InlineFragmentNode):
                on = schema.type_map[node.type_condition.name.value] if node.type_condition else parent
                if _is_other_object(on) or selects(on, node.selection_set):
                    return True
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = fragments[node.name.value]
                on = schema.type_map[fragment.type_condition.name.value]
                if _is_other_object(on) or selects(on, fragment.selection_set):
                    return True
        return False

    return selects(root, operation.selection_set)


def _is_other_object(type_: GraphQLNamedType | None) -> bool:
    if isinstance(type_, GraphQLInterfaceType):
        return True
    if not isinstance(type_, GraphQLObjectType):
        return False
    definition = type_.extensions.get(DEFINITION)
    if definition is not None and getattr(definition.origin, CALLERS_OWN, False):
        return False
    return bool(type_.interfaces) or type_.name.endswith("Connection")
