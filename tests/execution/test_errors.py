"""What a client sees when a resolver or a loader fails."""

import json
from typing import Any

import asyncpg
import pytest

from app.accounts import service
from app.execution.compiler.run import CompiledPlan
from app.foundation.graphql import lists
from app.server.authentication import Authentication
from tests.support.installation import Installation, Person, World

WORDS = "Something went wrong on our side."


class Leaky(Exception):
    """An error whose text must not reach the client."""

    def __init__(self) -> None:
        super().__init__("duplicate key (name)=(Ann's secret), host=10.0.0.7")


async def broken(*_: Any, **__: Any) -> Any:
    raise Leaky


def break_pages(monkeypatch: pytest.MonkeyPatch, broken: Any) -> None:
    """Breaks pages in plans, which fall back, and in the reference executor, which then answers."""
    monkeypatch.setattr(CompiledPlan, "run", broken)
    monkeypatch.setattr(lists, "page", broken)


async def test_an_unexpected_error_is_masked(admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    break_pages(monkeypatch, broken)
    answer = await admin.ask("{ viewer { scope } accounts { totalCount } }")
    assert answer.data is None  # `accounts` may not be null
    assert answer.codes == ["INTERNAL_SERVER_ERROR"]
    assert answer.errors[0]["message"].startswith(WORDS)
    assert answer.errors[0]["path"] == ["accounts"]
    assert answer.errors[0]["extensions"]["requestId"] == answer.headers["x-request-id"]
    assert "secret" not in json.dumps(answer.body)


async def test_an_unexpected_error_in_a_mutation_is_masked(
    admin: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "update", broken)
    answer = await admin.ask(
        'mutation ($id: ID!) { updateAccount(input: {id: $id, name: "x"}) { account { id } userErrors { code } } }',
        id=world["own"],
    )
    assert answer.data == {"updateAccount": None}
    assert answer.codes == ["INTERNAL_SERVER_ERROR"]


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError(), TimeoutError(), asyncpg.TooManyConnectionsError(), asyncpg.QueryCanceledError()]
)
async def test_an_unavailable_database_is_reported_as_unavailable(
    admin: Person, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def away(*_: Any, **__: Any) -> Any:
        raise error

    break_pages(monkeypatch, away)
    answer = await admin.ask("{ accounts { totalCount } }")
    assert answer.codes == ["SERVICE_UNAVAILABLE"]


async def test_an_unavailable_database_during_authentication_is_503(
    installation: Installation, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any, **__: Any) -> Any:
        raise ConnectionRefusedError

    monkeypatch.setattr(Authentication, "_key", away)
    for path in ("/graphql?query={__typename}", "/schema.graphql"):
        response = await installation.client.get(path, headers=admin.headers)
        assert response.status_code == 503
        assert response.json()["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"


async def test_an_error_outside_graphql_is_500_in_json(
    installation: Installation, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Authentication, "_key", broken)
    response = await installation.client.post("/graphql", json={"query": "{ viewer { scope } }"}, headers=admin.headers)
    assert response.status_code == 500
    error = response.json()["errors"][0]
    assert error["message"].startswith(WORDS)
    assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR", "requestId": response.headers["x-request-id"]}


async def test_a_failing_row_does_not_affect_the_other_rows(admin: Person) -> None:
    # A refused page makes its account null, and cancels the load of the provider that other accounts share.
    answer = await admin.ask(
        """
        { accounts { nodes { serviceProvider { name } } }
          again: accounts { nodes { apiKeys(first: 0) { nodes { id } } serviceProvider { name } } }
          viewer { apiKey { name } } }
        """
    )
    assert answer.status == 200
    assert set(answer.codes) == {"BAD_USER_INPUT"}


async def test_errors_are_in_document_order_whichever_field_fails_first(account_user: Person, world: World) -> None:
    query = """query ($id: ID!) {
        after_the_database: recordingPolicy(accountId: $id, bucketName: "NO") { json }
        at_once: serviceProvider(id: "SP") { id }
    }"""
    errors = (await account_user.ask(query, id=world["own"])).errors
    assert [error["path"] for error in errors] == [["after_the_database"], ["at_once"]]
