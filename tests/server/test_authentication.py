"""Authentication: which credentials are accepted, and what a lookup costs."""

import hmac
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from app.api_keys import token
from app.api_keys.model import ApiKey
from app.foundation.errors import Unauthenticated
from app.foundation.identifiers import Kind, parse_sid
from app.server import authentication
from app.users.model import User
from tests.support.concurrency import fill
from tests.support.installation import Installation, Person, World
from tests.support.personas import add_people, email_of
from tests.support.statements import plan, recorded

WHO = "{ viewer { scope } }"


async def headers_answer(installation: Installation, *values: str) -> tuple[int, dict[str, Any]]:
    """The status and the body (without the request id) for these Authorization headers."""
    response = await installation.client.post(
        "/graphql", json={"query": WHO}, headers=[(b"Authorization", value.encode()) for value in values]
    )
    body = response.json()
    for error in body.get("errors", []):
        assert error["extensions"].pop("requestId") == response.headers["x-request-id"]
    return response.status_code, body


async def test_a_request_without_a_key_is_refused_with_instructions(stranger: Person) -> None:
    answer = await stranger.ask(WHO)
    assert answer.codes == ["UNAUTHENTICATED"]
    assert "data" not in answer.body


async def test_the_bearer_scheme_is_case_insensitive(installation: Installation, world: World) -> None:
    for scheme in ("Bearer ", "bearer ", "BEARER ", "Bearer   "):
        status, body = await headers_answer(installation, scheme + world.tokens["provider"])
        assert (status, body) == (200, {"data": {"viewer": {"scope": "SERVICE_PROVIDER"}}})


async def test_a_header_without_a_bearer_token_is_refused(installation: Installation, world: World) -> None:
    key = world.tokens["provider"]
    for values in ((f"Basic {key}",), (f"Token {key}",), (key,), ("Bearer" + key,), (f"Bearer {key}",) * 2, ("",)):
        status, body = await headers_answer(installation, *values)
        assert status == 401, values
        assert body["errors"][0]["message"] == "Send one header: Authorization: Bearer vgk_…"


async def test_every_invalid_key_is_refused_with_the_same_message(
    installation: Installation, provider: Person, world: World
) -> None:
    unknown = token.make().text
    wrong_secret = token.make(world.tokens["provider"][4:16]).text
    mistyped = world.tokens["provider"][:-1] + ("0" if world.tokens["provider"][-1] != "0" else "1")
    await provider.change("revokeApiKey", "apiKey { id }", id=world["read_only_key"])
    async with installation.database():
        past = datetime.now(UTC) - timedelta(seconds=1)
        await ApiKey.filter(id=parse_sid(Kind.API_KEY, world["sibling_user_key"])).update(expires_at=past)
    closed = [world.tokens["read_only"], world.tokens["sibling_user"]]
    texts = [unknown, wrong_secret, mistyped, *closed, "garbage", "vgk_", "vgk_" + "é" * 63, "a b", "x" * 7000]
    answers = [await headers_answer(installation, f"Bearer {text}") for text in texts]
    assert answers == [
        (
            401,
            {
                "errors": [
                    {
                        "message": "Invalid API key: unknown, expired, revoked or mistyped.",
                        "extensions": {"code": "UNAUTHENTICATED"},
                    }
                ]
            },
        )
    ] * len(texts)


async def test_a_refusal_names_the_authentication_scheme(installation: Installation) -> None:
    response = await installation.client.post("/graphql", json={"query": WHO}, headers={"Authorization": "Bearer x"})
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_key_is_looked_up_by_one_statement_known_or_not(installation: Installation, world: World) -> None:
    for text in (world.tokens["account_user"], token.make().text, token.make(world.tokens["provider"][4:16]).text):
        with recorded() as statements:
            await headers_answer(installation, f"Bearer {text}")
        assert len(statements) == 1


async def test_a_mistyped_key_causes_no_statement(installation: Installation, world: World) -> None:
    with recorded() as statements:
        await headers_answer(installation, f"Bearer {world.tokens['provider'][:-1]}")
    assert statements == []


async def test_unknown_keys_cause_as_many_comparisons_as_known_ones(
    installation: Installation, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []
    real = hmac.compare_digest

    def counting(left: bytes, right: bytes) -> bool:
        compared.append(len(left))
        assert len(left) == len(right)
        return bool(real(left, right))

    monkeypatch.setattr(authentication, "hmac", SimpleNamespace(compare_digest=counting))
    counts = []
    for text in (world.tokens["account_user"], token.make().text, token.make(world.tokens["provider"][4:16]).text):
        compared.clear()
        await headers_answer(installation, f"Bearer {text}")
        counts.append(len(compared))
    assert counts == [2, 2, 2]


async def test_the_lookup_of_a_key_uses_an_index(installation: Installation, world: World) -> None:
    with recorded() as statements:
        await headers_answer(installation, f"Bearer {world.tokens['account_user']}")
    async with installation.database() as connection:
        await fill(connection, world)
        walked = await plan(connection, statements[0])
    assert "api_keys_public_id_unique" in walked
    assert not [line for line in walked.splitlines() if line.strip(" ->").lower().startswith(("scan", "seq scan"))]


async def test_the_cache_of_callers_is_limited(
    installation: Installation, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "_CACHED_CALLERS", 2)
    for person in ("admin", "provider", "account_user", "sibling_user"):
        assert (await installation.person(person).ask(WHO)).status == 200
    assert len(installation.app.state.server.state.authentication._cache) == 2


async def test_a_key_is_cached_once_however_its_header_is_spelled(installation: Installation, world: World) -> None:
    for scheme in ("Bearer ", "bearer ", "BEARER   ", " Bearer  "):
        assert (await headers_answer(installation, f"{scheme}{world.tokens['account_user']} "))[0] == 200
    assert len(installation.app.state.server.state.authentication._cache) == 1


async def test_the_cache_of_callers_holds_no_key(installation: Installation, world: World) -> None:
    for person in ("admin", "provider", "account_user"):
        assert (await installation.person(person).ask(WHO)).status == 200
    remembered = installation.app.state.server.state.authentication._cache
    assert len(remembered) == 3
    cached_text = repr(remembered).encode() + b"".join(remembered)
    for text in world.tokens.values():
        assert text.encode() not in cached_text
        read = token.read(text)
        assert read is not None
        assert read.secret.encode() not in cached_text


async def test_callers_that_may_introspect_can_read_the_schema(installation: Installation, world: World) -> None:
    response = await installation.client.get("/schema.graphql")
    assert response.status_code == 200
    assert response.text.startswith('"""')
    assert "type Account implements Node" in response.text
    again = await installation.client.get("/schema.graphql", headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    refused = await installation.client.get("/schema.graphql", headers={"Authorization": "Bearer x"})
    assert refused.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.settings(anonymous_introspection=False)
async def test_without_anonymous_introspection_the_schema_needs_a_key(
    installation: Installation, stranger: Person, account_user: Person
) -> None:
    assert (await installation.client.get("/schema.graphql")).status_code == 401
    assert (await installation.client.get("/schema.graphql", headers=account_user.headers)).status_code == 200
    introspection = "{ __schema { queryType { name } } }"
    assert (await stranger.ask(introspection)).codes == ["UNAUTHENTICATED"]
    assert (await stranger.ask("{ __typename }")).data == {"__typename": "Query"}
    assert (await account_user.ask(introspection)).data == {"__schema": {"queryType": {"name": "Query"}}}


@pytest.mark.settings(anonymous_introspection=False)
async def test_the_schema_is_not_read_before_a_new_password_is_chosen(installation: Installation) -> None:
    people = await add_people(installation, "ann")
    async with installation.database():
        await User.filter(email_key=email_of("ann").lower()).update(must_change_password=True)
    ann = await people.session("ann")
    assert (await ann.ask("{ __schema { queryType { name } } }")).codes == ["FORBIDDEN"]
    assert (await installation.client.get("/schema.graphql", headers=ann.headers)).status_code == 403


@pytest.mark.settings(anonymous_introspection=False)
@pytest.mark.parametrize(
    "body",
    [
        {"query": "{ accounts { totalCount } }", "operationName": "x"},
        {"query": "{ accounts { totalCount } }", "variables": {"many": [0] * 3000}},
        {"query": "{ acounts { totalCount } }", "operationName": "x"},
    ],
)
async def test_an_unauthenticated_caller_does_not_learn_which_documents_are_valid(
    stranger: Person, body: dict[str, Any]
) -> None:
    answer = (await stranger.client.post("/graphql", json=body)).json()
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


async def test_a_sid_of_a_signed_url_does_not_authenticate_as_a_header(
    installation: Installation, world: World
) -> None:
    """A person with such a URL knows the SID in it, and can have it cached by opening the URL."""
    session = (await add_people(installation, "boss")).sessions["boss"]
    for actor, scope in ((world["provider_key"], "SERVICE_PROVIDER"), (session, "SERVICE_PROVIDER")):
        named = await installation.app.state.server.state.authentication.named(actor, "127.0.0.1")
        assert named.scope.name == scope
        for header in (f"named {actor}", actor, f"Bearer {actor}"):
            assert (await headers_answer(installation, header))[0] == 401


async def test_a_signed_url_is_valid_while_the_creator_of_its_key_is_active(
    installation: Installation, world: World
) -> None:
    people = await add_people(installation, "root", "ann")
    made = await people["ann"].change("createApiKey", "apiKey { id } token", name="for listening")
    authenticated = installation.app.state.server.state.authentication
    assert (await authenticated.named(made["apiKey"]["id"], "127.0.0.1")).scope.name == "ACCOUNT"
    await people["root"].change("deactivateUser", "user { id }", id=people.ids["ann"], force=True)
    authenticated._cache.clear()  # as after four seconds
    assert (await installation.holder(made["token"]).ask(WHO)).codes == ["UNAUTHENTICATED"]
    with pytest.raises(Unauthenticated):
        await authenticated.named(made["apiKey"]["id"], "127.0.0.1")
