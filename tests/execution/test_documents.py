"""Documents are read once. `test_document_cache.py` tests their memory."""

from typing import Any

import pytest
from graphql import DocumentNode, GraphQLSchema, OperationType, Source, build_schema, parse

from app.execution import documents
from app.execution.documents import Documents
from app.foundation.access import OpenTo
from app.foundation.errors import ErrorCode

SCHEMA = build_schema("type Query { a: Int b: Int } type Mutation { c: Int }")


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were parsed."""
    seen: list[str] = []

    def seen_to_be_parsed(text: Source, **options: Any) -> DocumentNode:
        seen.append(text.body)
        return parse(text, **options)

    monkeypatch.setattr(documents, "parse", seen_to_be_parsed)
    return seen


def cached(schema: GraphQLSchema = SCHEMA, **bounds: Any) -> Documents:
    return Documents(schema, **bounds)


def test_a_document_is_parsed_and_validated_once(looks: list[str]) -> None:
    known = cached()
    assert known.read("{ a }") is known.read("{ a }")
    assert looks == ["{ a }"]


@pytest.mark.parametrize(
    ("text", "code"), [("{", ErrorCode.GRAPHQL_PARSE_FAILED), ("{ x }", ErrorCode.GRAPHQL_VALIDATION_FAILED)]
)
def test_an_invalid_document_is_read_once_and_freed(looks: list[str], text: str, code: ErrorCode) -> None:
    known = cached()
    first, second = known.read(text), known.read(text)
    assert first is second
    assert len(looks) == 1
    assert [error.extensions for error in first.errors] == [{"code": str(code)}]
    assert first.errors[0].locations
    assert first.operations == {}
    assert first.errors[0].nodes is None


def test_the_least_recently_used_document_is_evicted_first(looks: list[str]) -> None:
    known = cached(maximum_bytes=15_000)  # one takes some 6,000
    for text in ("{ a }", "{ b }", "{ a }", "{ a b }", "{ a }", "{ b }"):
        known.read(text)
        assert known.cache.bytes <= 15_000
    assert looks == ["{ a }", "{ b }", "{ a b }", "{ b }"]


def test_long_documents_are_evicted_sooner(looks: list[str]) -> None:
    known = cached(maximum_bytes=30_000)
    comment = "#" * 5_000
    for text in (f"{{ a }} {comment}", f"{{ b }} {comment}", f"{{ a }} {comment}"):
        assert known.read(text).operations
    assert len(looks) == 3


def test_a_document_too_long_for_the_cache_is_served() -> None:
    known = cached(maximum_bytes=100)
    assert known.read("{ a }").operations
    assert known.cache.bytes == 0


@pytest.mark.parametrize(
    ("text", "introspects", "is_open"),
    [
        ("{ a }", False, False),
        ("{ __typename }", False, True),
        ("{ __schema { types { name } } }", True, True),
        ('{ x: __type(name: "Query") { name } }', True, True),
        ("{ ... { ... on Query { __schema { types { name } } } } }", True, True),
        ("{ ...f } fragment f on Query { ...g } fragment g on Query { a __schema { types { name } } }", True, False),
        ("{ __schema: a }", False, False),
    ],
)
def test_the_restrictions_of_an_operation_are_read_from_its_document(
    text: str, introspects: bool, is_open: bool
) -> None:
    operation = cached().read(text).operation(None)
    assert operation is not None
    assert (operation.introspects, OpenTo.UNAUTHENTICATED in operation.open_to) == (introspects, is_open)


def test_operations_are_found_by_name() -> None:
    document = cached().read("query A { a } mutation B { c }")
    assert document.operation("A").type is OperationType.QUERY  # type: ignore[union-attr]
    assert document.operation("B").type is OperationType.MUTATION  # type: ignore[union-attr]
    assert document.operation("C") is None
    assert document.operation(None) is None
