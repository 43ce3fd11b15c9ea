"""A header that does not authenticate: refused, except for documents that need no caller."""

import asyncio
from typing import Any

import httpx
import pytest
from graphql import GraphQLError

from app.api_keys import token
from app.execution import validation
from tests.support.installation import Installation
from tests.support.personas import PASSWORD, add_people, email_of

LOGIN = f'mutation Enter {{ login(input: {{ email: "{email_of("ann")}", password: "{PASSWORD}" }}) {{ token }} }}'
UNAUTHENTICATED = [b"", b"Bearer", b"Bearer garbage", b"Basic YTpi", f"Bearer {token.make().text}".encode()]


async def post(installation: Installation, header: bytes, query: str, **more: str) -> httpx.Response:
    headers = [(b"Authorization", header), (b"Accept", b"application/graphql-response+json")]
    return await installation.client.post("/graphql", json={"query": query, **more}, headers=headers)


@pytest.mark.parametrize("header", UNAUTHENTICATED, ids=["empty", "no token", "no key", "basic", "unknown key"])
async def test_a_stale_token_does_not_prevent_a_login(installation: Installation, header: bytes) -> None:
    await add_people(installation, "ann")
    response = await post(installation, header, LOGIN)
    assert (response.status_code, response.json().get("errors")) == (200, None)
    assert response.json()["data"]["login"]["token"].startswith("vgs_")


async def test_the_token_of_a_session_that_was_logged_out_logs_in_again(installation: Installation) -> None:
    people = await add_people(installation, "ann")
    await people["ann"].ask("mutation { logout { loggedOut } }")
    response = await post(installation, people["ann"].headers["Authorization"].encode(), LOGIN)
    assert response.json()["data"]["login"]["token"].startswith("vgs_")


@pytest.mark.parametrize("query", ["{ __typename }", "{ passwordPolicy { rules } }"])
async def test_an_operation_that_needs_no_caller_runs_with_any_header(installation: Installation, query: str) -> None:
    response = await post(installation, b"Bearer garbage", query)
    assert (response.status_code, list(response.json())) == (200, ["data"])


@pytest.mark.parametrize(
    "query",
    [
        "{ viewer { scope } }",
        "{ passwordPolicy { rules } viewer { scope } }",
        "{ __schema { queryType { name } } }",
        '{ passwordPolicy { rules } __type(name: "Query") { name } }',
        LOGIN + " query Who { viewer { scope } }",
        "{ nothing }",
        "{",
        "",
    ],
)
async def test_all_other_operations_are_refused_as_a_whole(installation: Installation, query: str) -> None:
    """Also a mixed document, whichever of its operations is named; and an invalid document."""
    await add_people(installation, "ann")
    response = await post(installation, b"Bearer garbage", query, operationName="Enter")
    assert (response.status_code, list(response.json())) == (401, ["errors"])
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert error["message"] == "Invalid API key: unknown, expired, revoked or mistyped."
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_document_with_an_invalid_header_is_not_validated(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    validated: list[str] = []
    errors_of = validation.errors_of

    def counted(*given: Any, **options: Any) -> list[GraphQLError]:
        validated.append("once")
        return errors_of(*given, **options)

    monkeypatch.setattr(validation, "errors_of", counted)
    assert (await post(installation, b"Bearer garbage", "{ accounts { unknown } }")).status_code == 401
    assert validated == []
    assert (await post(installation, b"Bearer garbage", "{ passwordPolicy { rules } }")).status_code == 200
    assert validated != []


@pytest.mark.parametrize("body", [b"[]", b"not JSON", b"{}"])
async def test_an_invalid_body_with_an_invalid_header_is_refused_for_the_header(
    installation: Installation, body: bytes
) -> None:
    headers = {"Authorization": "Bearer garbage", "Content-Type": "application/json"}
    assert (await installation.client.post("/graphql", content=body, headers=headers)).status_code == 401


async def test_concurrent_logins_and_other_requests_are_decided_separately(installation: Installation) -> None:
    await add_people(installation, "ann")
    asked = [LOGIN, "{ viewer { scope } }"] * 3
    responses = await asyncio.gather(*(post(installation, b"Bearer garbage", query) for query in asked))
    assert [response.status_code for response in responses] == [200, 401] * 3
