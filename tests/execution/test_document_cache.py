"""The cache of documents holds no more memory than it counts: its sizes are compared with Python's allocations."""

import gc
import tracemalloc
from collections.abc import Callable

import pytest

from app.execution import admission
from app.execution.documents import Documents
from app.execution.operations import Operations
from app.execution.responses import GraphQLRequest, GraphQLResponse
from app.foundation.access import Scope, Viewer
from app.foundation.context import Context
from app.foundation.identifiers import new_id
from app.foundation.permissions import ALL
from app.server.schema import schema
from tests.support.installation import Installation

pytestmark = pytest.mark.long

BOUND = 1_000_000
# Sizes are measured per kind of object, and some objects are a fifth larger than the measured ones.
MORE_AT_MOST = 1.2
LONG = "y" * 57_000


def _fields(number: int) -> str:
    fields = " ".join(f"f{number}_{each}: name" for each in range(40))
    return (
        f"{{ accounts(first: 3) {{ nodes {{ {fields} apiKeys {{ nodes {{ name }} }} serviceProvider {{ name }} }} }} }}"
    )


def _pages(number: int) -> str:
    page = "accounts(first: 1, filter: {active: true}) { nodes { id name } }"
    return f"query Q{number} {{ {' '.join(f'p{each}: {page}' for each in range(40))} }}"


def _undefined_variables(number: int) -> str:
    """Each message of graphql-core names the operation."""
    return f"query Q{number}{LONG} {{ {' '.join(f'a{each}: node(id: $b{each}) {{ id }}' for each in range(30))} }}"


def _payloads(number: int) -> str:
    payload = "{ applications: userErrors { code } account { id name apiKeys { nodes { id name } } } }"
    updates = " ".join(f'u{each}: updateAccount(input: {{id: "AC{number}"}}) {payload}' for each in range(20))
    return f"mutation {{ {updates} }}"


def _variables(number: int) -> str:
    """Each has a type of its own, so that its objects are made of the document and not of the schema."""
    variables, nodes = zip(
        *((f"$v{each}: ID!", f"n{each}: node(id: $v{each}) {{ id }}") for each in range(90)), strict=True
    )
    return f"query Q{number}({', '.join(variables)}) {{ {' '.join(nodes)} }}"


DOCUMENTS: dict[str, Callable[[int], str]] = {
    "many aliases": _fields,
    "many pages": _pages,
    "many payloads": _payloads,
    "many variables": _variables,
    "many operations": lambda number: " ".join(
        f"query Q{number}_{each} {{ viewer {{ scope }} }}" for each in range(50)
    ),
    "short": lambda number: f"{{ a{number}: viewer {{ scope }} }}",
    "a long comment": lambda number: f"{{ viewer {{ scope }} }} #{number}{LONG}",
    "a comment of wide characters": lambda number: f"{{ viewer {{ scope }} }} #{number}" + "\U0001f600" * 20_000,
    "unknown fields with long names": lambda number: f"{{ a{number}{LONG} }}",
    "a long name in each message": _undefined_variables,
    "a mistake in syntax": lambda number: f"{{ a{number} {'x ' * 100}",
}


@pytest.mark.parametrize("kind", DOCUMENTS)
async def test_the_cache_is_limited_by_the_memory_of_its_documents(
    shared: Installation, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(admission, "Documents", lambda schema, **_: Documents(schema, maximum_bytes=BOUND))
    operations, make = Operations(schema, anonymous_introspection=True, operations_per_caller=3), DOCUMENTS[kind]
    cache, number = operations._admission.documents.cache, 0
    async with shared.database():
        await run(operations, shared, make(1_000))
        gc.collect()
        tracemalloc.start()
        # Until the first one was evicted, or up to a number: short documents are many.
        while number == len(cache.entries()) - 1 and number < 40:
            await run(operations, shared, make(number))
            number += 1
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    assert cache.bytes <= BOUND
    assert held <= MORE_AT_MOST * cache.bytes


async def test_evicted_documents_are_freed(shared: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "Documents", lambda schema, **_: Documents(schema, maximum_bytes=BOUND))
    operations = Operations(schema, anonymous_introspection=True, operations_per_caller=3)
    async with shared.database():
        await run(operations, shared, _variables(1_000))
        gc.collect()
        tracemalloc.start()
        for number in range(30):
            await run(operations, shared, _variables(number))
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    assert held <= MORE_AT_MOST * BOUND


async def run(operations: Operations, installation: Installation, text: str) -> GraphQLResponse:
    viewer = Viewer(Scope.ADMIN, ALL, new_id())
    return await operations.run(GraphQLRequest(text), Context(viewer, "0" * 32, installation.resources))
