"""Documents, parsed and validated once: what they say, what is wrong with them, and what their operations need and cost."""

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
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from app.errors import ErrorCode, without_values
from app.execution import limits
from app.execution.costs import Cost, cost_of

_INTROSPECTION = frozenset({"__schema", "__type"})
_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of a document, and what it needs of its caller."""

    name: str | None
    type: OperationType
    introspects: bool
    reads_data: bool
    cost: Cost


@dataclass(frozen=True)
class Document:
    """A document that was looked at: either it has errors, or operations that may run."""

    node: DocumentNode | None = None
    errors: tuple[GraphQLError, ...] = ()
    operations: dict[str | None, Operation] = field(default_factory=dict)
    # How much memory it takes to keep: about 300 bytes for each.
    tokens: int = 0
    was_parsed: bool = True

    def operation(self, name: str | None) -> Operation | None:
        """The operation of that name; without a name the only one there is, else None."""
        if name is not None:
            return self.operations.get(name)
        return next(iter(self.operations.values())) if len(self.operations) == 1 else None


class Documents:
    """The cache, bounded by characters and by tokens (15 MB); wrong documents are kept too, so that they cost little again."""

    def __init__(
        self, schema: GraphQLSchema, *, maximum_characters: int = 4_000_000, maximum_tokens: int = 50_000
    ) -> None:
        self._schema = schema
        self._maximum_characters = maximum_characters
        self._maximum_tokens = maximum_tokens
        self._characters = 0
        self._tokens = 0
        self._known: OrderedDict[str, Document] = OrderedDict()

    def read(self, text: str) -> Document:
        known = self._known.get(text)
        if known is not None:
            self._known.move_to_end(text)
            return known
        document = self._look_at(text)
        self._known[text] = document
        self._characters += len(text) + _KEPT_CHARACTERS
        self._tokens += document.tokens
        while self._characters > self._maximum_characters or self._tokens > self._maximum_tokens:
            oldest, forgotten = self._known.popitem(last=False)
            self._characters -= len(oldest) + _KEPT_CHARACTERS
            self._tokens -= forgotten.tokens
        return document

    def _look_at(self, text: str) -> Document:
        problem = limits.check_text(text)
        if problem is not None:
            return _wrong([GraphQLError(problem)], ErrorCode.GRAPHQL_PARSE_FAILED)
        try:
            node = parse(text, max_tokens=limits.MAXIMUM_TOKENS)
        except GraphQLError as error:
            return _wrong([error], ErrorCode.GRAPHQL_PARSE_FAILED)
        errors = limits.check(node) or validate(self._schema, node, _RULES, limits.MAXIMUM_ERRORS)
        if errors:
            return _wrong(errors, ErrorCode.GRAPHQL_VALIDATION_FAILED)
        return Document(node=node, operations=_operations(self._schema, node), tokens=node.token_count or 0)


# What an entry takes beside its text.
_KEPT_CHARACTERS = 1_000


def _wrong(errors: list[GraphQLError], code: ErrorCode) -> Document:
    for error in errors:
        error.message = without_values(error.message)
        error.extensions = {**(error.extensions or {}), "code": str(code)}
        # Where it lies is known by now; what would be kept alive is the whole document, and the frames of the parser.
        error.nodes = None
        error.__traceback__ = None
    return Document(errors=tuple(errors), was_parsed=code is not ErrorCode.GRAPHQL_PARSE_FAILED)


def _operations(schema: GraphQLSchema, document: DocumentNode) -> dict[str | None, Operation]:
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
                cost=cost_of(schema, node, fragments),
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
