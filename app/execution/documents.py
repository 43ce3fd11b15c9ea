"""Documents, parsed and validated once: what they say, what is wrong with them, and what their operations need and cost.

Validation costs several times as much as parsing. It goes by stages, each of which ends it where something is wrong, and an
unauthenticated caller's document is validated only if it asks for what needs no authentication.
"""

import re
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Source,
    SourceLocation,
    get_named_type,
    is_composite_type,
    parse,
)

from app.errors import ErrorCode, without_values
from app.execution import limits, validation
from app.execution.costs import Cost, cost_of

# Root fields that need no caller, and those that a person may use before a new password is chosen.
OPEN_TO_ANYBODY = frozenset({"__typename", "login", "passwordPolicy"})
OPEN_BEFORE_A_NEW_PASSWORD = OPEN_TO_ANYBODY | {"viewer", "changePassword", "logout"}
# Those that a voice gateway's key may use.
OPEN_TO_GATEWAYS = frozenset({"__typename", "viewer", "reportCalls"})
# What they answer of a person is the person's own; what else has an id, or is a list, is others' business.
_ONES_OWN = frozenset({"User", "Session"})

_INTROSPECTION = frozenset({"__schema", "__type"})
# What is there twice may be there a thousand times.
MAXIMUM_LOCATIONS = 10


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of a document, and what it needs of its caller."""

    name: str | None
    type: OperationType
    introspects: bool
    reads_data: bool
    """Whether it asks for more than those who have not logged in may have."""
    is_for_entering: bool
    """Whether it asks for nothing but what leads to a new password."""
    is_for_gateways: bool
    """Whether it asks for nothing but what a voice gateway's key may use."""
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
    needs_authentication: bool = False
    """Whether it was left at that: an unauthenticated caller sent it, and it was not validated."""

    def operation(self, name: str | None) -> Operation | None:
        """The operation of that name; without a name the only one there is, else None."""
        if name is not None:
            return self.operations.get(name)
        return next(iter(self.operations.values())) if len(self.operations) == 1 else None


class Documents:
    """The cache, bounded by characters and by tokens (15 MB); wrong documents are kept too, so that they cost little again."""

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        maximum_characters: int = 4_000_000,
        maximum_tokens: int = 50_000,
        maximum_errors: int = limits.MAXIMUM_ERRORS,
        may_be_open: Callable[[list[set[str]]], bool] | None = None,
    ) -> None:
        """`may_be_open` is given for unauthenticated callers: whether operations with these root fields are validated."""
        self._schema = schema
        self._maximum_errors = maximum_errors
        self._may_be_open = may_be_open
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
        is_open = self._may_be_open is not None
        try:
            node = parse(_Text(text), max_tokens=limits.MAXIMUM_OPEN_TOKENS if is_open else limits.MAXIMUM_TOKENS)
        except GraphQLError as error:
            if is_open and _TOO_MANY_TOKENS in error.message:
                return Document(needs_authentication=True)
            return _wrong([error], ErrorCode.GRAPHQL_PARSE_FAILED)
        errors = limits.check(node)
        if not errors and self._needs_authentication(node):
            return Document(needs_authentication=True)
        errors = errors or validation.errors_of(self._schema, node, self._maximum_errors)
        if errors:
            return _wrong(errors, ErrorCode.GRAPHQL_VALIDATION_FAILED)
        return Document(node=node, operations=_operations(self._schema, node), tokens=node.token_count or 0)

    def _needs_authentication(self, node: DocumentNode) -> bool:
        if self._may_be_open is None:
            return False
        return limits.needs_authentication(node) or not self._may_be_open(_roots(node))


class _Text(Source):
    """Finds the line of a position by bisection; graphql-core reads the lines above it again for each error."""

    def get_location(self, position: int) -> SourceLocation:
        line = bisect_right(self._starts, position)
        return SourceLocation(line, position + 1 - self._starts[line - 1])

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(newline.end() for newline in _NEWLINE.finditer(self.body))]


# graphql-core's words. A document of a caller who forgot the key is as large as one of a caller with a key.
_TOO_MANY_TOKENS = "Document contains more than"
_NEWLINE = re.compile(r"\r\n|[\n\r]")
# What an entry takes beside its text.
_KEPT_CHARACTERS = 1_000


def _wrong(errors: list[GraphQLError], code: ErrorCode) -> Document:
    for error in errors:
        error.message = without_values(error.message)
        error.extensions = {**(error.extensions or {}), "code": str(code)}
        error.locations = error.locations and error.locations[:MAXIMUM_LOCATIONS]
        # Where it lies is known by now; what would be kept alive is the whole document, and the frames of the parser.
        error.nodes = None
        error.__traceback__ = None
    return Document(errors=tuple(errors), was_parsed=code is not ErrorCode.GRAPHQL_PARSE_FAILED)


def _roots(document: DocumentNode) -> list[set[str]]:
    """The root fields of each operation. The document may be invalid."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return [_root_fields(node.selection_set, fragments, set()) for node in operations]


def _operations(schema: GraphQLSchema, document: DocumentNode) -> dict[str | None, Operation]:
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    operations: dict[str | None, Operation] = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            roots = _root_fields(node.selection_set, fragments, set())
            name = node.name.value if node.name else None
            asked, looks_around = roots - _INTROSPECTION, _looks_around(schema, node, fragments)
            operations[name] = Operation(
                name=name,
                type=node.operation,
                introspects=bool(roots & _INTROSPECTION),
                reads_data=looks_around or not asked <= OPEN_TO_ANYBODY,
                is_for_entering=not looks_around and asked <= OPEN_BEFORE_A_NEW_PASSWORD,
                is_for_gateways=not looks_around and asked <= OPEN_TO_GATEWAYS,
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
        elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments.keys() - seen:
            seen.add(node.name.value)
            names |= _root_fields(fragments[node.name.value].selection_set, fragments, seen)
    return names


def _looks_around(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]
) -> bool:
    """Whether the operation reaches an object with an id that is not one's own, or a list of such."""
    seen: set[str] = set()

    def reaches(parent: Any, selection_set: SelectionSetNode | None) -> bool:
        for node in selection_set.selections if selection_set else ():
            if isinstance(node, FieldNode):
                field = schema.get_field(parent, node.name.value) if is_composite_type(parent) else None
                below = get_named_type(field.type) if field else None
                if _is_others(below) or (node.selection_set and reaches(below, node.selection_set)):
                    return True
            elif isinstance(node, InlineFragmentNode):
                on = schema.type_map[node.type_condition.name.value] if node.type_condition else parent
                if _is_others(on) or reaches(on, node.selection_set):
                    return True
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = fragments[node.name.value]
                on = schema.type_map[fragment.type_condition.name.value]
                if _is_others(on) or reaches(on, fragment.selection_set):
                    return True
        return False

    root = schema.get_root_type(operation.operation)
    return reaches(root, operation.selection_set)


def _is_others(type_: Any) -> bool:
    if isinstance(type_, GraphQLInterfaceType):
        return True
    if not isinstance(type_, GraphQLObjectType) or type_.name in _ONES_OWN:
        return False
    return bool(type_.interfaces) or type_.name.endswith("Connection")
