"""Documents are read once, and the cache stays small."""

from typing import Any

import pytest
from graphql import DocumentNode, GraphQLSchema, OperationType, Source, build_schema, parse

from app.errors import ErrorCode
from app.execution import documents
from app.execution.documents import Documents

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
def test_a_wrong_document_is_looked_at_once_and_not_kept_alive(looks: list[str], text: str, code: ErrorCode) -> None:
    known = cached()
    first, second = known.read(text), known.read(text)
    assert first is second
    assert len(looks) == 1
    assert [error.extensions for error in first.errors] == [{"code": code}]
    assert first.errors[0].locations
    assert first.node is None
    assert first.errors[0].nodes is None


def test_what_was_not_asked_for_long_is_forgotten_first(looks: list[str]) -> None:
    known = cached(maximum_tokens=8)  # `{ a }` has three tokens
    for text in ("{ a }", "{ b }", "{ a }", "{ a b }", "{ a }", "{ b }"):
        known.read(text)
    assert looks == ["{ a }", "{ b }", "{ a b }", "{ b }"]


def test_long_documents_are_forgotten_sooner(looks: list[str]) -> None:
    known = cached(maximum_characters=10_000)
    comment = "#" * 5_000
    for text in (f"{{ a }} {comment}", f"{{ b }} {comment}", f"{{ a }} {comment}"):
        assert known.read(text).node is not None
    assert len(looks) == 3


def test_a_document_too_long_to_keep_is_answered_all_the_same() -> None:
    assert cached(maximum_characters=100).read("{ a }").node is not None


@pytest.mark.parametrize(
    ("text", "introspects", "reads_data"),
    [
        ("{ a }", False, True),
        ("{ __typename }", False, False),
        ("{ __schema { types { name } } }", True, False),
        ('{ x: __type(name: "Query") { name } }', True, False),
        ("{ ... { ... on Query { __schema { types { name } } } } }", True, False),
        ("{ ...f } fragment f on Query { ...g } fragment g on Query { a __schema { types { name } } }", True, True),
        ("{ __schema: a }", False, True),
    ],
)
def test_what_an_operation_needs_of_its_caller_is_read_off_the_document(
    text: str, introspects: bool, reads_data: bool
) -> None:
    operation = cached().read(text).operation(None)
    assert operation is not None
    assert (operation.introspects, operation.reads_data) == (introspects, reads_data)


def test_operations_are_found_by_name() -> None:
    document = cached().read("query A { a } mutation B { c }")
    assert document.operation("A").type is OperationType.QUERY  # type: ignore[union-attr]
    assert document.operation("B").type is OperationType.MUTATION  # type: ignore[union-attr]
    assert document.operation("C") is None
    assert document.operation(None) is None
