"""Parses and validates documents, and caches them with what is known of their operations: restrictions, cost, plans.

Validation costs several times as much as parsing. It runs in stages and ends with the first stage that finds an error. A document
of an unauthenticated caller is validated only if its root fields need no authentication.
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

# Per error: a duplicate can occur a thousand times in one document.
MAXIMUM_LOCATIONS = 10

# Bytes of a cache entry, measured (`tests/execution/test_document_cache.py`): per document, per token, per error without its
# message, and per byte of text, which the syntax tree holds once more.
_DOCUMENT_BYTES, _TOKEN_BYTES, _ERROR_BYTES, _BYTES_PER_TEXT_BYTE = 4_000, 500, 1_000, 2


@dataclass(frozen=True, eq=False)
class Operation:
    """An operation of a valid document."""

    node: OperationDefinitionNode
    fragments: Fragments
    introspects: bool
    open_to: OpenTo
    """The restricted callers that may run it. Introspection is decided by `Admission`."""
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
    """A document with either errors or operations."""

    errors: tuple[GraphQLError, ...] = ()
    operations: dict[str | None, Operation] = field(default_factory=dict)
    was_parsed: bool = True
    needs_authentication: bool = False
    """An unauthenticated caller sent it, and it was not validated."""

    def operation(self, name: str | None) -> Operation | None:
        """The operation with this name; without a name, the only operation. None if there is none."""
        if name is not None:
            return self.operations.get(name)
        return next(iter(self.operations.values())) if len(self.operations) == 1 else None


class Documents:
    """A cache of documents. Invalid documents are cached too: repeating one costs little."""

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        maximum_bytes: int = 28_000_000,
        maximum_errors: int = document_size.MAXIMUM_ERRORS,
        may_be_open: Callable[[list[set[str]]], bool] | None = None,
    ) -> None:
        """`may_be_open` is for unauthenticated callers: whether to validate operations with these root fields."""
        self._schema = schema
        self._maximum_errors = maximum_errors
        self._may_be_open = may_be_open
        self.cache = Cache[Document](maximum_bytes)

    def read(self, text: str) -> Document:
        known = self.cache.get(text)
        if known is not None:
            return known
        size = Size()
        size.add(_DOCUMENT_BYTES + _BYTES_PER_TEXT_BYTE * getsizeof(text))
        document = self._read(text, size)
        self.cache.put(text, document, size)
        return document

    def _read(self, text: str, size: Size) -> Document:
        error_message = document_size.check_text(text)
        if error_message is not None:
            return _invalid([GraphQLError(error_message)], ErrorCode.GRAPHQL_PARSE_FAILED, size)
        is_open = self._may_be_open is not None
        try:
            node = parse(
                _Text(text),
                max_tokens=document_size.MAXIMUM_UNAUTHENTICATED_TOKENS if is_open else document_size.MAXIMUM_TOKENS,
            )
        except GraphQLError as error:
            if is_open and _TOO_MANY_TOKENS in error.message:
                return Document(needs_authentication=True)
            return _invalid([error], ErrorCode.GRAPHQL_PARSE_FAILED, size)
        _unlink_tokens(node)
        errors = document_size.check(node)
        if not errors and self._needs_authentication(node):
            return Document(needs_authentication=True)
        errors = errors or validation.errors_of(self._schema, node, self._maximum_errors)
        if errors:
            return _invalid(errors, ErrorCode.GRAPHQL_VALIDATION_FAILED, size)
        size.add(_TOKEN_BYTES * (node.token_count or 0))
        return Document(operations=_operations(self._schema, node, size))

    def _needs_authentication(self, node: DocumentNode) -> bool:
        if self._may_be_open is None:
            return False
        return document_size.needs_authentication(node) or not self._may_be_open(_roots(node))


class _Text(Source):
    """Finds the line of a position by bisection; graphql-core scans the text from its start for each error."""

    def get_location(self, position: int) -> SourceLocation:
        line = bisect_right(self._starts, position)
        return SourceLocation(line, position + 1 - self._starts[line - 1])

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(newline.end() for newline in _NEWLINE.finditer(self.body))]


# graphql-core's message. A caller that forgot its key sends documents as large as those of authenticated callers.
_TOO_MANY_TOKENS = "Document contains more than"
_NEWLINE = re.compile(r"\r\n|[\n\r]")


def _unlink_tokens(node: DocumentNode) -> None:
    """Breaks the reference cycles between tokens, so that an evicted document is freed without the garbage collector."""
    token: Token | None = node.loc.start_token if node.loc else None
    while token is not None:
        following, token.prev, token.next = token.next, None, None
        token = following


def _invalid(errors: list[GraphQLError], code: ErrorCode, size: Size) -> Document:
    for error in errors:
        error.message = without_values(error.message)
        error.args = (error.message,)  # graphql-core's messages can be as long as the document
        error.extensions = {**(error.extensions or {}), "code": str(code)}
        error.locations = error.locations and error.locations[:MAXIMUM_LOCATIONS]
        # The locations are computed; these references would keep the document and the parser's frames in memory.
        error.nodes = error.source = error.positions = None
        error.__traceback__ = None
        size.add(_ERROR_BYTES + getsizeof(error.message))
    return Document(errors=tuple(errors), was_parsed=code is not ErrorCode.GRAPHQL_PARSE_FAILED)


def _roots(document: DocumentNode) -> list[set[str]]:
    """The root fields of each operation, also of an invalid document."""
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
