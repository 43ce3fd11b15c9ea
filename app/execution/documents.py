"""Documents, parsed and validated once: what they say, what is wrong with them, and what their operations need."""

from collections import OrderedDict
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
    specified_rules,
)
from strawberry.schema.schema import validate_document

from app.errors import ErrorCode
from app.execution import limits

_INTROSPECTION = frozenset({"__schema", "__type"})


@dataclass(frozen=True)
class Operation:
    """One operation of a document, and what it needs of its caller."""

    name: str | None
    type: OperationType
    introspects: bool
    reads_data: bool


@dataclass(frozen=True)
class Document:
    """A document that was looked at: either it has errors, or operations that may run."""

    node: DocumentNode | None = None
    errors: tuple[GraphQLError, ...] = ()
    operations: dict[str | None, Operation] = field(default_factory=dict)

    def operation(self, name: str | None) -> Operation | None:
        """The operation of that name; without a name the only one there is, else None."""
        if name is not None:
            return self.operations.get(name)
        return next(iter(self.operations.values())) if len(self.operations) == 1 else None


class Documents:
    """The cache, bounded by number and by characters; wrong documents are kept too, so that they cost little again."""

    def __init__(self, schema: GraphQLSchema, *, maximum: int = 1_000, maximum_characters: int = 4_000_000) -> None:
        self._schema = schema
        self._maximum = maximum
        self._maximum_characters = maximum_characters
        self._characters = 0
        self._known: OrderedDict[str, Document] = OrderedDict()

    def read(self, text: str) -> Document:
        known = self._known.get(text)
        if known is not None:
            self._known.move_to_end(text)
            return known
        document = self._look_at(text)
        self._known[text] = document
        self._characters += len(text)
        while len(self._known) > self._maximum or self._characters > self._maximum_characters:
            oldest, _ = self._known.popitem(last=False)
            self._characters -= len(oldest)
        return document

    def _look_at(self, text: str) -> Document:
        if len(text) > limits.MAXIMUM_CHARACTERS:
            message = f"The document has {len(text)} characters; at most {limits.MAXIMUM_CHARACTERS} are allowed."
            return Document(errors=(_coded(GraphQLError(message), ErrorCode.GRAPHQL_PARSE_FAILED),))
        try:
            node = parse(text, max_tokens=limits.MAXIMUM_TOKENS)
        except GraphQLError as error:
            return Document(errors=(_coded(error, ErrorCode.GRAPHQL_PARSE_FAILED),))
        except RecursionError:
            deep = GraphQLError("The document is nested too deeply.")
            return Document(errors=(_coded(deep, ErrorCode.GRAPHQL_PARSE_FAILED),))
        errors = limits.check(node) or validate_document(self._schema, node, tuple(specified_rules))
        if errors:
            return Document(errors=tuple(_coded(error, ErrorCode.GRAPHQL_VALIDATION_FAILED) for error in errors))
        return Document(node=node, operations=_operations(node))


def _coded(error: GraphQLError, code: ErrorCode) -> GraphQLError:
    error.extensions = {**(error.extensions or {}), "code": str(code)}
    return error


def _operations(document: DocumentNode) -> dict[str | None, Operation]:
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    operations: dict[str | None, Operation] = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            roots = _root_fields(node.selection_set, fragments, set())
            name = node.name.value if node.name else None
            operations[name] = Operation(
                name=name,
                type=node.operation,
                introspects=bool(roots & _INTROSPECTION),
                reads_data=bool(roots - _INTROSPECTION - {"__typename"}),
            )
    return operations


def _root_fields(
    selection_set: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode], seen: set[str]
) -> set[str]:
    names: set[str] = set()
    for node in selection_set.selections:
        if isinstance(node, FieldNode):
            names.add(node.name.value)
        elif isinstance(node, InlineFragmentNode):
            names |= _root_fields(node.selection_set, fragments, seen)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
            seen.add(node.name.value)
            names |= _root_fields(fragments[node.name.value].selection_set, fragments, seen)
    return names
