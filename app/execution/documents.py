"""Documents, read once: parsed, validated, what their operations need and cost, and the plans by which these run.

Validation costs several times as much as parsing. It goes by stages, each of which ends it where something is wrong, and an
unauthenticated caller's document is validated only if it asks for what needs no authentication.
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from sys import getsizeof

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    Source,
    SourceLocation,
    Token,
    parse,
)

from app.execution import validation
from app.execution.cache import Cache, Size
from app.execution.compiler.plans import Plans
from app.execution.limits import document_size
from app.execution.limits.cost import Cost, cost_of
from app.execution.restrictions import INTROSPECTION, Fragments, fragments_of, open_to, root_fields
from app.foundation.access import OpenTo
from app.foundation.errors import ErrorCode, without_values

# What is there twice may be there a thousand times.
MAXIMUM_LOCATIONS = 10

# What an entry of the cache holds in bytes, measured (`tests/execution/test_document_cache.py`): each document, each token, each
# error beside its message. The tree holds names as well as the text does.
_OF_DOCUMENT, _OF_TOKEN, _OF_ERROR, _OF_TEXT = 4_000, 500, 1_000, 2


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of a document: what it needs of its caller, what it costs, and how it runs."""

    node: OperationDefinitionNode
    fragments: Fragments
    introspects: bool
    open_to: OpenTo
    """Callers that it is open to though they may use marked fields only; introspection is decided elsewhere."""
    cost: Cost
    plans: Plans

    @property
    def name(self) -> str | None:
        return self.node.name.value if self.node.name else None

    @property
    def type(self) -> OperationType:
        return self.node.operation


@dataclass(frozen=True)
class Document:
    """A document that was looked at: either it has errors, or operations that may run."""

    errors: tuple[GraphQLError, ...] = ()
    operations: dict[str | None, Operation] = field(default_factory=dict)
    was_parsed: bool = True
    needs_authentication: bool = False
    """Whether it was left at that: an unauthenticated caller sent it, and it was not validated."""

    def operation(self, name: str | None) -> Operation | None:
        """The operation of that name; without a name the only one there is, else None."""
        if name is not None:
            return self.operations.get(name)
        return next(iter(self.operations.values())) if len(self.operations) == 1 else None


class Documents:
    """The cache; invalid documents are kept too, so that they cost little again."""

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        maximum_bytes: int = 28_000_000,
        maximum_errors: int = document_size.MAXIMUM_ERRORS,
        may_be_open: Callable[[list[set[str]]], bool] | None = None,
    ) -> None:
        """`may_be_open` is given for unauthenticated callers: whether operations with these root fields are validated."""
        self._schema = schema
        self._maximum_errors = maximum_errors
        self._may_be_open = may_be_open
        self.cache = Cache[Document](maximum_bytes)

    def read(self, text: str) -> Document:
        known = self.cache.get(text)
        if known is not None:
            return known
        size = Size()
        size.add(_OF_DOCUMENT + _OF_TEXT * getsizeof(text))
        document = self._look_at(text, size)
        self.cache.put(text, document, size)
        return document

    def _look_at(self, text: str, size: Size) -> Document:
        problem = document_size.check_text(text)
        if problem is not None:
            return _wrong([GraphQLError(problem)], ErrorCode.GRAPHQL_PARSE_FAILED, size)
        is_open = self._may_be_open is not None
        try:
            node = parse(
                _Text(text), max_tokens=document_size.MAXIMUM_OPEN_TOKENS if is_open else document_size.MAXIMUM_TOKENS
            )
        except GraphQLError as error:
            if is_open and _TOO_MANY_TOKENS in error.message:
                return Document(needs_authentication=True)
            return _wrong([error], ErrorCode.GRAPHQL_PARSE_FAILED, size)
        _let_go_of_tokens(node)
        errors = document_size.check(node)
        if not errors and self._needs_authentication(node):
            return Document(needs_authentication=True)
        errors = errors or validation.errors_of(self._schema, node, self._maximum_errors)
        if errors:
            return _wrong(errors, ErrorCode.GRAPHQL_VALIDATION_FAILED, size)
        size.add(_OF_TOKEN * (node.token_count or 0))
        return Document(operations=_operations(self._schema, node, size))

    def _needs_authentication(self, node: DocumentNode) -> bool:
        if self._may_be_open is None:
            return False
        return document_size.needs_authentication(node) or not self._may_be_open(_roots(node))


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


def _let_go_of_tokens(node: DocumentNode) -> None:
    """Unchains the tokens, which hold each other in circles: an evicted document is freed at once, without the collector."""
    token: Token | None = node.loc.start_token if node.loc else None
    while token is not None:
        following, token.prev, token.next = token.next, None, None
        token = following


def _wrong(errors: list[GraphQLError], code: ErrorCode, size: Size) -> Document:
    for error in errors:
        error.message = without_values(error.message)
        error.args = (error.message,)  # graphql-core's own words may be as long as the document
        error.extensions = {**(error.extensions or {}), "code": str(code)}
        error.locations = error.locations and error.locations[:MAXIMUM_LOCATIONS]
        # Where it lies is known by now; what would be kept alive is the whole document, and the frames of the parser.
        error.nodes = error.source = error.positions = None
        error.__traceback__ = None
        size.add(_OF_ERROR + getsizeof(error.message))
    return Document(errors=tuple(errors), was_parsed=code is not ErrorCode.GRAPHQL_PARSE_FAILED)


def _roots(document: DocumentNode) -> list[set[str]]:
    """The root fields of each operation. The document may be invalid."""
    fragments = fragments_of(document)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return [root_fields(node.selection_set, fragments) for node in operations]


def _operations(schema: GraphQLSchema, document: DocumentNode, size: Size) -> dict[str | None, Operation]:
    fragments = fragments_of(document)
    operations: dict[str | None, Operation] = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            roots = root_fields(node.selection_set, fragments)
            operations[node.name.value if node.name else None] = Operation(
                node=node,
                fragments=fragments,
                introspects=bool(roots & INTROSPECTION),
                open_to=open_to(schema, node, roots - INTROSPECTION, fragments),
                cost=cost_of(schema, node, fragments),
                plans=Plans(schema, node, fragments, size),
            )
    return operations
