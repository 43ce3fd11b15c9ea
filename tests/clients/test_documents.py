"""The published operations: those of the client projects and of GraphiQL's tabs."""

import json
import re
from pathlib import Path

import pytest
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    concat_ast,
    parse,
    validate,
)

from app.server.schema import printed
from tests.support.tracked_files import tracked

REPOSITORY = Path(__file__).parents[2]
CLIENTS = REPOSITORY / "tests" / "clients"
DOCUMENTS = tracked(REPOSITORY, "tests/clients/documents/*.graphql")
TABS = tracked(REPOSITORY, "app/server/graphiql/tabs/*.graphql")


@pytest.fixture(scope="module")
def contract() -> GraphQLSchema:
    """The schema, parsed from its printed form as clients do."""
    return build_schema(printed())


@pytest.fixture(scope="module")
def documents() -> DocumentNode:
    """All documents of the clients; they share fragments, as generators read them."""
    assert DOCUMENTS
    return concat_ast([parse(path.read_text()) for path in DOCUMENTS])


def test_the_documents_of_the_clients_are_valid(contract: GraphQLSchema, documents: DocumentNode) -> None:
    assert [error.message for error in validate(contract, documents)] == []


@pytest.mark.parametrize("tab", TABS, ids=lambda path: path.stem)
def test_a_tab_of_graphiql_is_valid(contract: GraphQLSchema, tab: Path) -> None:
    assert [error.message for error in validate(contract, parse(tab.read_text()))] == []


def test_a_document_is_named_after_its_operation() -> None:
    for path in DOCUMENTS:
        operations = [node for node in parse(path.read_text()).definitions if isinstance(node, OperationDefinitionNode)]
        names = [re.sub(r"(?<=.)(?=[A-Z])", "-", node.name.value).lower() for node in operations if node.name]
        assert names == ([] if path.stem == "fragments" else [path.stem])


def test_no_operation_or_fragment_shares_its_name_with_a_type(contract: GraphQLSchema, documents: DocumentNode) -> None:
    """Generators create a type for each; two with one name would overwrite each other."""
    named = [
        node.name.value
        for node in documents.definitions
        if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode) and node.name
    ]
    assert len(named) == len(set(named))
    assert not set(named) & contract.type_map.keys()


def test_the_locks_of_the_clients_hold_versions_and_no_addresses() -> None:
    packages = json.loads((CLIENTS / "typescript" / "package-lock.json").read_text())["packages"]
    assert all("integrity" in package for path, package in packages.items() if path)
    assert not [path for path, package in packages.items() if "resolved" in package]
    pins = (CLIENTS / "python" / "constraints.txt").read_text().splitlines()
    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.]*", pin)] == []
